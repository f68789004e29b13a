// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { PowerLoss } from "@tandem/flash";
import type { LostRange } from "@tandem/store";
import { describe, expect, it } from "vitest";

import { TestDevice, makeRelease } from "../testing/test-device.js";

const FACTORY = makeRelease({ version: "1.0.0" });
const NEXT = makeRelease({ version: "1.1.0" });
const OTHER = makeRelease({ version: "1.2.0" });
const SEALED = makeRelease({ version: "1.0.0", blockDigests: true });
/** In a full block of the test device, behind its header and four pages of data. */
const SUMMARY_PAGE = 5;

function runningDevice(seed = 5): TestDevice {
  const device = TestDevice.provisioned(FACTORY, { seed });
  device.boot();
  return device;
}

function imageOf(release: typeof NEXT, index: number): Uint8Array {
  return release.images[index] ?? new Uint8Array(0);
}

/** Loses pages of the first block of the accepted application image, page 0 being its header. */
function loseInBothCopies(device: TestDevice, ...pages: readonly number[]): void {
  const { record } = device.twin.mountStore();
  const image = record.banks[record.acceptedBank ?? 0]?.images[0];
  for (const copy of [0, 1] as const) {
    const block = image?.copies[copy][0]?.firstBlock ?? 0;
    for (const page of pages) {
      device.twin.nand.decayPage(block * 6 + page, 2, createRandom(copy));
    }
  }
}

function bytesOf(release: typeof NEXT, range: LostRange): Uint8Array {
  const { image, offsetBytes, lengthBytes } = range;
  return imageOf(release, image).subarray(offsetBytes, offsetBytes + lengthBytes);
}

function otherBytes(bytes: Uint8Array): Uint8Array {
  const other = bytes.slice();
  other[3000] = (other[3000] ?? 0) ^ 1;
  return other;
}

describe("UpdateService", () => {
  it("resumes at what the medium holds, also in another session and inside the second image", () => {
    const device = runningDevice();
    const blockBytes = device.twin.mountStore().plan.dataBytesPerBlock;
    const { service } = device.running;
    service.start(NEXT.manifest);
    service.write(0, 0, imageOf(NEXT, 0));
    // One whole block and a bit of the second image.
    service.write(1, 0, imageOf(NEXT, 1).subarray(0, 5000));
    const net = imageOf(NEXT, 1).length;
    expect(net).toBeLessThan(blockBytes);
    device.boot();
    const again = device.running.service;
    again.start(NEXT.manifest);
    expect(again.receivedBytes(0)).toBe(imageOf(NEXT, 0).length);
    expect(again.receivedBytes(1)).toBe(0);
    again.write(1, 0, imageOf(NEXT, 1));
    expect(again.finish()).toEqual({ ok: true });
  });

  it("goes back behind a block whose last page was torn, even if it reads well at first", () => {
    for (let seed = 0; seed < 40; seed++) {
      const device = runningDevice(seed);
      const { service } = device.running;
      const { dataBytesPerBlock, dataPagesPerBlock } = device.twin.mountStore().plan;
      const app = imageOf(NEXT, 0);
      service.start(NEXT.manifest);
      // Header, data, and of the summary the second copy: what the reading of both rests on.
      device.twin.power.planCut({
        when: "inside",
        tear: "unstable",
        matches: ({ device: name, kind }) => name === "nand" && kind === "program",
        skip: 2 * (1 + dataPagesPerBlock) + 1,
      });
      expect(() => service.write(0, 0, app.subarray(0, dataBytesPerBlock + 1))).toThrow("power");
      device.boot();
      const again = device.running.service;
      const from = again.receivedBytes(0);
      expect(from).toBe(0);
      device.twin.nand.cells.settleUnstable();
      again.write(0, from, app);
      again.write(1, again.receivedBytes(1), imageOf(NEXT, 1));
      expect(again.finish()).toEqual({ ok: true });
    }
  });

  it("keeps what it has when a verified release is offered again", () => {
    const { service } = runningDevice().running;
    service.start(NEXT.manifest);
    NEXT.images.forEach((bytes, index) => service.write(index, 0, bytes));
    expect(service.finish()).toEqual({ ok: true });
    service.start(NEXT.manifest);
    expect(service.receivedBytes(1)).toBe(imageOf(NEXT, 1).length);
    expect(service.finish()).toEqual({ ok: true });
  });

  it("copies an image that the accepted release has too, over any cut, and leaves its core alone", () => {
    const half = makeRelease({ version: "1.3.0", net: imageOf(FACTORY, 1) });
    let cuts = 0;
    for (let skip = 0; ; skip++) {
      const device = runningDevice();
      const { service } = device.running;
      device.twin.power.planCut({
        when: "inside",
        tear: "unstable",
        matches: ({ kind }) => kind === "program",
        skip,
      });
      try {
        service.start(half.manifest);
        service.receivedBytes(1);
        break;
      } catch (error) {
        if (!(error instanceof PowerLoss)) throw error;
        cuts += 1;
      }
      device.boot();
      const again = device.running.service;
      again.start(half.manifest);
      expect(again.receivedBytes(0)).toBe(0);
      expect(again.receivedBytes(1)).toBe(imageOf(half, 1).length);
      again.write(0, 0, imageOf(half, 0));
      expect(again.finish()).toEqual({ ok: true });
      again.install();
      device.settle();
      expect(device.running.service.query().state).toBe("UPDATED");
      expect(device.events).toContain("net: already installed");
      expect(device.twin.violations).toEqual([]);
    }
    expect(cuts).toBeGreaterThan(10);
  });

  it("asks for what the accepted release has lost of an image", () => {
    const half = makeRelease({ version: "1.3.0", net: imageOf(FACTORY, 1) });
    const device = runningDevice();
    device.loseImage(0, 1);
    const { service } = device.running;
    service.start(half.manifest);
    expect(service.receivedBytes(1)).toBeLessThan(imageOf(half, 1).length);
  });

  it("takes the versions that the manifest claims now", () => {
    const { service } = runningDevice().running;
    const wrong = NEXT.manifest.images.map((image) => ({ ...image, version: "9.9.9" }));
    service.start({ ...NEXT.manifest, images: wrong });
    service.start(NEXT.manifest);
    NEXT.images.forEach((bytes, index) => service.write(index, 0, bytes));
    expect(service.finish()).toEqual({ ok: true });
  });

  it("knows what is missing after a write that failed, and programs nothing twice", () => {
    const device = runningDevice();
    const { service } = device.running;
    service.start(NEXT.manifest);
    const app = imageOf(NEXT, 0);
    const { record } = device.twin.mountStore();
    const extents = record.banks.flatMap(({ images }) =>
      images.flatMap(({ copies }) => [...copies[0], ...copies[1]]),
    );
    const candidate = record.banks[record.candidateBank ?? 0]?.images[0];
    const block = candidate?.copies[1][0]?.firstBlock ?? 0;
    service.write(0, 0, app.subarray(0, 2048));
    // The block fails, and so does every one that could take its place.
    for (let other = 14; other < 48; other++) {
      const isUsed = extents.some(
        ({ firstBlock, count }) => other >= firstBlock && other < firstBlock + count,
      );
      if (other === block || !isUsed) device.twin.nand.wearOut(other);
    }
    expect(() => service.write(0, 2048, app.subarray(2048, 4096))).toThrow(/bad blocks|free/);
    expect(service.receivedBytes(0)).toBe(0);
    expect(device.twin.violations).toEqual([]);
  });

  it("drops a half received release when another one is offered", () => {
    const device = runningDevice();
    const { service } = device.running;
    service.start(NEXT.manifest);
    service.write(0, 0, imageOf(NEXT, 0));
    service.start(OTHER.manifest);
    expect(service.receivedBytes(0)).toBe(0);
    device.stage(OTHER);
    device.settle();
    expect(device.running.service.query().state).toBe("UPDATED");
  });

  it("takes bytes in order only, and no more than announced", () => {
    const { service } = runningDevice().running;
    service.start(NEXT.manifest);
    service.write(0, 0, new Uint8Array(10));
    expect(() => service.write(0, 20, new Uint8Array(1))).toThrow("write at 20, expected 10");
    expect(() => service.write(0, 10, new Uint8Array(20_000))).toThrow("its size is");
  });

  it("does not finish before everything was received, and names what is missing", () => {
    const { service } = runningDevice().running;
    service.start(NEXT.manifest);
    service.write(0, 0, imageOf(NEXT, 0));
    expect(() => service.finish()).toThrow(/image 1: 0 of \d+ bytes received/);
  });

  it("refuses releases for other hardware, with other images, or too large for a slot", () => {
    const { service } = runningDevice().running;
    const { manifest } = NEXT;
    expect(() => service.start({ ...manifest, hardware: "other" })).toThrow(
      "release 1.1.0 is for other, this device is test",
    );
    expect(() => service.start({ ...manifest, images: manifest.images.slice(0, 1) })).toThrow(
      "has 1 images, expected 2",
    );
    const large = manifest.images.map((image) => ({ ...image, size: 0xf0000 }));
    expect(() => service.start({ ...manifest, images: large })).toThrow(
      "app.bin has 983040 bytes, the app slot 909312",
    );
  });

  it("refuses a release whose signed versions are not those of release.json", () => {
    const device = runningDevice();
    const images = NEXT.manifest.images.map((image) => ({ ...image, version: "9.9.9" }));
    device.stage({ ...NEXT, manifest: { ...NEXT.manifest, images } });
    expect(device.running.service.query().reason).toMatchObject({ code: "version", image: 0 });
  });

  it("names every image that is wrong, not only the first", () => {
    const { service } = runningDevice().running;
    service.start(NEXT.manifest);
    NEXT.images.forEach((bytes, index) => {
      const changed = bytes.slice();
      changed[0x250] = (changed[0x250] ?? 0) ^ 1;
      service.write(index, 0, changed);
    });
    const verdict = service.finish();
    expect(verdict).toMatchObject({
      ok: false,
      reasons: [
        { image: 0, step: "verify", code: "image-hash" },
        { image: 1, step: "verify", code: "image-hash" },
      ],
    });
  });

  it("takes each verb only in its states", () => {
    const device = runningDevice();
    const { service } = device.running;
    expect(() => service.accept()).toThrow("accept in state READY, expected TRIAL");
    expect(() => service.reject("self-test")).toThrow("reject in state READY");
    expect(() => service.install()).toThrow("install in state READY, expected CANDIDATE");
    expect(() => service.write(0, 0, new Uint8Array(1))).toThrow("write in state READY");
    expect(() => service.switchBack()).toThrow("there is no previous release in the store");
    device.stage(NEXT);
    expect(() => service.start(OTHER.manifest)).toThrow("start in state STAGED");
    expect(() => service.clean()).toThrow("clean in state STAGED");
    device.boot(device.twin.reset("soft"));
    expect(() => device.running.service.start(OTHER.manifest)).toThrow("start in state TRIAL");
    expect(() => device.running.service.switchBack()).toThrow("switchBack in state TRIAL");
  });

  it("forgets the result of the last update when it is cleaned, not the previous release", () => {
    const device = runningDevice();
    device.stage(NEXT);
    device.settle();
    device.running.service.clean();
    const status = device.running.service.query();
    expect(status).toMatchObject({ state: "READY", reason: null, candidate: null });
    expect(status.previous?.id).toEqual(FACTORY.hashes[0]);
  });

  it("patrols its resting banks and repairs what both copies have lost", () => {
    const device = runningDevice();
    loseInBothCopies(device, 2);
    const { service } = device.running;
    const { lost } = service.patrol();
    expect(lost).toMatchObject([{ image: 0, offsetBytes: 2048, lengthBytes: 2048 }]);
    for (const range of lost) service.repair(range, bytesOf(FACTORY, range));
    expect(service.patrol()).toMatchObject({ movedBlocks: 0, lost: [] });
    expect(device.twin.violations).toEqual([]);
  });

  it("repairs pages of one block that do not stand side by side, with all of them at hand", () => {
    const device = runningDevice();
    loseInBothCopies(device, 1, 4);
    const { service } = device.running;
    const { lost } = service.patrol();
    expect(lost).toMatchObject([{ offsetBytes: 0 }, { offsetBytes: 6144 }]);
    const found = lost.map((range) => ({ range, bytes: bytesOf(FACTORY, range) }));
    const [first] = found;
    if (first === undefined) throw new Error("unreachable");
    expect(() => service.repair(first.range, first.bytes)).toThrow(
      "2048 bytes at 0x1800 of the same block are lost too",
    );
    for (const { range, bytes } of found) service.repair(range, bytes, found);
    expect(service.patrol()).toMatchObject({ movedBlocks: 0, lost: [] });
    expect(service.verifyStored("accepted")).toEqual([]);
  });

  it("refuses other bytes by the signed digests where no summary is left to judge them", () => {
    const device = TestDevice.provisioned(SEALED);
    device.boot();
    loseInBothCopies(device, SUMMARY_PAGE);
    const { service } = device.running;
    const [range] = service.patrol().lost;
    expect(range).toMatchObject({ image: 0, offsetBytes: 0, lengthBytes: 8192 });
    if (range === undefined) throw new Error("unreachable");
    expect(service.originOf(range)).toEqual({
      release: "accepted",
      version: "1.0.0",
      core: "app",
      sizeBytes: imageOf(SEALED, 0).length,
      sha256: SEALED.manifest.images[0]?.sha256,
    });
    const right = bytesOf(SEALED, range);
    expect(() => service.repair(range, otherBytes(right))).toThrow(
      expect.objectContaining({ code: "update/repair-mismatch" }),
    );
    expect(service.patrol().lost).toEqual([range]);
    service.repair(range, right);
    expect(service.patrol().lost).toEqual([]);
    expect(service.verifyStored("accepted")).toEqual([]);
    expect(() => service.originOf({ ...range, bank: 1 })).toThrow("no image of a release");
  });

  it("takes other bytes without digests and summary, and finds them by verifying", () => {
    const device = runningDevice();
    loseInBothCopies(device, SUMMARY_PAGE);
    const { service } = device.running;
    const [range] = service.patrol().lost;
    if (range === undefined) throw new Error("unreachable");
    service.repair(range, otherBytes(bytesOf(FACTORY, range)));
    expect(service.patrol().lost).toEqual([]);
    expect(service.verifyStored("accepted")).toMatchObject([{ image: 0, code: "image-hash" }]);
    expect(service.verifyStored("previous")).toEqual([]);
  });

  it("knows the file of a lost range of each release, and heals them all", () => {
    const device = TestDevice.provisioned(FACTORY, { banks: 3 });
    device.boot();
    device.stage(NEXT);
    device.settle();
    expect(device.receive(OTHER)).toEqual({ ok: true });
    const { service } = device.running;
    const { record } = device.twin.mountStore();
    const releases = { accepted: NEXT, previous: FACTORY, candidate: OTHER };
    const banks = [record.acceptedBank, record.previousBank, record.candidateBank];
    expect(new Set(banks).size).toBe(3);
    for (const bank of banks) device.loseImage(bank, 0);
    const { lost } = service.patrol();
    expect(lost.map((range) => service.originOf(range).release)).toEqual(Object.keys(releases));
    for (const range of lost) {
      const { release, version, sha256 } = service.originOf(range);
      expect(version).toBe(releases[release].manifest.version);
      expect(sha256).toBe(releases[release].manifest.images[0]?.sha256);
      service.repair(range, bytesOf(releases[release], range));
      expect(service.verifyStored(release)).toEqual([]);
    }
    expect(service.patrol().lost).toEqual([]);
  });

  it("takes what was found for both images at once, and mixes nothing up", () => {
    const device = TestDevice.provisioned(SEALED);
    device.boot();
    for (const image of [0, 1]) device.loseImage(0, image);
    const { service } = device.running;
    const { lost } = service.patrol();
    const found = lost.map((range) => ({ range, bytes: bytesOf(SEALED, range) }));
    expect(lost.map(({ image }) => image)).toEqual([0, 1]);
    for (const { range, bytes } of found) service.repair(range, bytes, found);
    expect(service.patrol().lost).toEqual([]);
    expect(service.verifyStored("accepted")).toEqual([]);
  });

  it("accepts in one record: before it a trial, after it for good", () => {
    for (const when of ["before", "inside", "after"] as const) {
      for (let skip = 0; skip < 6; skip++) {
        const device = runningDevice();
        device.stage(NEXT);
        device.boot(device.twin.reset("soft"));
        device.twin.power.planCut({
          when,
          matches: (operation) => operation.device === "nand",
          skip,
        });
        expectCutOrDone(() => device.running.service.accept());
        device.boot();
        const { state, accepted } = device.running.service.query();
        const isAccepted = state === "UPDATED" && accepted?.id[0] === NEXT.hashes[0]?.[0];
        const isTrial = state === "TRIAL" && accepted?.id[0] === FACTORY.hashes[0]?.[0];
        expect(isAccepted !== isTrial, `${when} ${skip}: ${state}`).toBe(true);
      }
    }
  });
});

function expectCutOrDone(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof PowerLoss)) throw error;
  }
}
