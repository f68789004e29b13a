// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { MAX_INSTALL_ATTEMPTS } from "@tandem/update";
import { describe, expect, it } from "vitest";

import { STRANGER, TestDevice, hashesOf, makeRelease } from "../testing/test-device.js";
import { NET_SLOT } from "./memory-map.js";

const FACTORY = makeRelease({ version: "1.0.0" });
const NEXT = makeRelease({ version: "1.1.0" });

function runningDevice(): TestDevice {
  const device = TestDevice.provisioned(FACTORY);
  expect(device.boot().kind).toBe("application");
  return device;
}

function expectClean(device: TestDevice): void {
  expect(device.twin.observer.counters).toEqual({ mixedStarts: 0, unverifiedStarts: 0 });
  expect(device.twin.violations).toEqual([]);
}

function expectRolledBack(device: TestDevice, code: string, image: number | null): void {
  const status = device.running.service.query();
  expect(status.state).toBe("FAILED");
  expect(status.reason).toMatchObject({ code, image });
  expect(device.holds).toEqual(hashesOf(FACTORY));
  expectClean(device);
}

describe("a device that was provisioned", () => {
  it("runs both images of the release", () => {
    const device = runningDevice();
    expect(device.running.service.query()).toMatchObject({ state: "READY", reason: null });
    expect(device.running.netVersion).toMatchObject({ major: 1, minor: 0 });
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expectClean(device);
  });

  it("installs the accepted release again when its application flash was damaged", () => {
    const device = runningDevice();
    device.twin.primarySlot.erasePage(4096);
    device.boot();
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expect(device.running.service.query().reason).toMatchObject({ code: "primary-invalid" });
    expectClean(device);
  });
});

describe("a download", () => {
  it("goes on after the application flash was damaged and repaired", () => {
    const device = runningDevice();
    const { service } = device.running;
    service.start(NEXT.manifest);
    service.write(0, 0, NEXT.images[0] ?? new Uint8Array(0));
    device.twin.primarySlot.erasePage(4096);
    device.boot();
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expect(device.running.service.query()).toMatchObject({ state: "WRITING", reason: null });
    expect(device.running.service.receivedBytes(0)).toBe(NEXT.images[0]?.length);
    device.stage(NEXT);
    device.settle();
    expect(device.holds).toEqual(hashesOf(NEXT));
    expectClean(device);
  });
});

describe("an update", () => {
  it("ends accepted on both cores, and can be switched back by hand", () => {
    const device = runningDevice();
    device.stage(NEXT);
    device.settle();
    expect(device.running.service.query().state).toBe("UPDATED");
    expect(device.holds).toEqual(hashesOf(NEXT));
    device.running.service.switchBack();
    device.settle();
    expect(device.running.service.query().state).toBe("UPDATED");
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expectClean(device);
  });

  it("works when two releases carry the very same firmware", () => {
    const seed = 77;
    const device = TestDevice.provisioned(makeRelease({ version: "1.0.0", seed }));
    device.boot();
    device.stage(makeRelease({ version: "1.1.0", seed }));
    device.settle();
    expect(device.running.service.query()).toMatchObject({ state: "UPDATED", reason: null });
    expect(device.running.netVersion).toMatchObject({ major: 1, minor: 1 });
    device.running.service.switchBack();
    device.settle();
    expect(device.running.netVersion).toMatchObject({ major: 1, minor: 0 });
    expectClean(device);
  });

  it("leaves a core alone that holds its image already", () => {
    const device = runningDevice();
    const [app = ""] = hashesOf(NEXT);
    // Cut between the two cores: the next attempt goes on with the application only.
    device.twin.power.planCut({
      when: "before",
      matches: (operation) => operation.device === "app-flash" && operation.kind === "erase",
      skip: 1,
    });
    device.stage(NEXT);
    device.settle();
    expect(device.holds[0]).toBe(app);
    expect(device.events.filter((event) => event === "net: installed")).toHaveLength(1);
    expect(device.events).toContain("net: already installed");
    expectClean(device);
  });

  it.each([
    ["its network core is silent", "net", "silent", "core-silent", 1],
    ["its network core reports another version", "net", "wrong-version", "core-version", 1],
    ["its self-test fails", "app", "self-test-fails", "self-test", 0],
    ["b0n refuses its network image", "net", "refused", "core-refused", 1],
    ["b0n never gets done with its network image", "net", "busy", "core-timeout", 1],
    ["its application hangs", "app", "hangs", "not-accepted", null],
    ["its application crashes", "app", "crashes", "not-accepted", null],
    ["its application resets the chip", "app", "resets", "not-accepted", null],
  ] as const)("is rolled back on both cores when %s", (_, core, kind, code, image) => {
    const device = runningDevice();
    const [app = "", net = ""] = hashesOf(NEXT);
    if (core === "net") device.net.set(net, { kind });
    else device.app.set(app, { kind });
    device.stage(NEXT);
    device.settle();
    expectRolledBack(device, code, image);
  });

  it.each(["hangs", "crashes", "resets"] as const)(
    "is rolled back when its application %s after it fed the watchdog for a while",
    (kind) => {
      const device = runningDevice();
      device.app.set(hashesOf(NEXT)[0] ?? "", { kind, afterMs: 30_000 });
      device.stage(NEXT);
      device.settle();
      expectRolledBack(device, "not-accepted", null);
    },
  );

  it("stays once it is accepted, whatever it does then", () => {
    const device = runningDevice();
    device.app.set(hashesOf(NEXT)[0] ?? "", { kind: "accepts-then-crashes" });
    device.stage(NEXT);
    expect(device.boot(device.twin.reset("soft")).kind).toBe("stopped");
    expect(device.holds).toEqual(hashesOf(NEXT));
    expect(device.twin.mountStore().record.acceptedBank).toBe(1);
    expectClean(device);
  });

  it("gets three trial boots before it counts as failed", () => {
    const device = runningDevice();
    device.app.set(hashesOf(NEXT)[0] ?? "", { kind: "crashes", afterMs: 10 });
    device.stage(NEXT);
    const before = device.twin.boots;
    device.settle();
    // One to install, three on trial, one to roll back, one to run the old release.
    expect(device.twin.boots - before).toBe(6);
    expectRolledBack(device, "not-accepted", null);
  });

  it("is refused when one image's signature is wrong, and names the image", () => {
    const device = runningDevice();
    const bad = makeRelease({ version: "1.1.0", netSigner: STRANGER });
    device.stage(bad);
    expect(device.running.service.query()).toMatchObject({
      state: "FAILED",
      reason: { image: 1, step: "verify", code: "unknown-key" },
    });
    device.settle();
    expectRolledBack(device, "unknown-key", 1);
  });

  it("is refused when its images are valid but of different releases", () => {
    const device = runningDevice();
    const other = makeRelease({ version: "1.2.0" });
    const mixed = {
      ...NEXT,
      manifest: {
        ...NEXT.manifest,
        images: [NEXT.manifest.images[0], other.manifest.images[1]].flatMap((x) => x ?? []),
      },
      images: [NEXT.images[0], other.images[1]].flatMap((x) => x ?? []),
    };
    device.stage(mixed);
    expect(device.running.service.query().reason).toMatchObject({
      image: null,
      code: "manifest-binding",
    });
  });

  it("comes from the other copy when a page is lost between verification and installation", () => {
    const device = runningDevice();
    device.stage(NEXT);
    const { record } = device.twin.mountStore();
    const block = record.banks[record.candidateBank ?? 0]?.images[0]?.copies[0][0]?.firstBlock ?? 0;
    device.twin.nand.decayPage(block * 6 + 2, 2, createRandom(1));
    device.settle();
    expect(device.events).toContain("other-copy");
    // The copy was made whole before anything was installed.
    expect(device.events).toContain("weak blocks moved: 1");
    expect(device.running.service.patrol()).toMatchObject({ movedBlocks: 0, lost: [] });
    expect(device.holds).toEqual(hashesOf(NEXT));
    expectClean(device);
  });

  it("is refused before anything is installed when a page is lost in both copies", () => {
    const device = runningDevice();
    device.stage(NEXT);
    const { record } = device.twin.mountStore();
    for (const copy of [0, 1] as const) {
      const image = record.banks[record.candidateBank ?? 0]?.images[1];
      const block = image?.copies[copy][0]?.firstBlock ?? 0;
      device.twin.nand.decayPage(block * 6 + 2, 2, createRandom(1));
    }
    device.settle();
    expectRolledBack(device, "unreadable", 1);
  });
});

describe("a device whose accepted release is lost", () => {
  it("starts the rejected candidate as a stopgap, says so, and does not raise the counter", () => {
    const device = runningDevice();
    const secure = makeRelease({ version: "1.4.0", securityCounter: 5 });
    device.net.set(hashesOf(secure)[1] ?? "", { kind: "silent" });
    device.stage(secure);
    device.boot(device.twin.reset("soft"));
    device.loseImage(device.twin.mountStore().record.acceptedBank, 0);
    device.running.service.reject("core-silent", 1);
    expect(device.boot(device.twin.reset("soft")).kind).toBe("application");
    device.boot(device.twin.reset("soft"));
    expect(device.running.service.query()).toMatchObject({
      state: "FAILED",
      isLimp: true,
      reason: { image: 1, step: "trial", code: "core-silent" },
    });
    expect(device.twin.securityCounter).toBe(1);
    expect(device.holds).toEqual(hashesOf(secure));
    expectClean(device);
    // Nobody has accepted it: it may be offered again.
    expect(() => device.running.service.start(secure.manifest)).not.toThrow();
    // The next good release ends that.
    device.stage(NEXT);
    device.settle();
    expect(device.running.service.query()).toMatchObject({ state: "UPDATED", isLimp: false });
    expect(device.holds).toEqual(hashesOf(NEXT));
  });

  it("installs the previous release when there is one", () => {
    const device = runningDevice();
    device.stage(NEXT);
    device.settle();
    device.loseImage(device.twin.mountStore().record.acceptedBank, 1);
    device.twin.primarySlot.erasePage(0);
    device.twin.netFlash.erasePage(NET_SLOT.start);
    const { record } = device.twin.mountStore();
    device.twin.mountStore().commit({ installed: record.installed.map(() => null) });
    device.boot();
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expect(device.running.service.query()).toMatchObject({
      state: "FAILED",
      isLimp: false,
      previous: null,
    });
    // Whatever is behind the accepted release is worse: that is not given up at once.
    expect(device.events).toContain(`installing bank 1, attempt ${MAX_INSTALL_ATTEMPTS}`);
    expectClean(device);
  });
});

describe("a device that cannot write its store", () => {
  it("still starts what the marker calls accepted", () => {
    const device = runningDevice();
    device.stage(NEXT);
    for (let block = 0; block < 14; block++) device.twin.nand.wearOut(block);
    expect(device.boot().kind).toBe("application");
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expectClean(device);
  });

  it("starts nothing in the middle of an installation", () => {
    const device = runningDevice();
    device.stage(NEXT);
    device.twin.power.planCut({
      when: "before",
      matches: (operation) => operation.device === "app-flash" && operation.kind === "erase",
      skip: 1,
    });
    expect(device.twin.reset("soft").kind).toBe("power-lost");
    for (let block = 0; block < 14; block++) device.twin.nand.wearOut(block);
    expect(device.boot()).toMatchObject({ kind: "stopped" });
    expectClean(device);
  });
});

describe("a candidate that damages its own slot on trial", () => {
  it("is rolled back instead of being installed again", () => {
    const device = runningDevice();
    device.app.set(hashesOf(NEXT)[0] ?? "", { kind: "crashes", afterMs: 10 });
    device.stage(NEXT);
    let outcome = device.twin.reset("soft");
    for (let boots = 0; boots < 20 && outcome.kind === "reset"; boots++) {
      if (outcome.reason === "lockup") device.twin.primarySlot.erasePage(4096);
      outcome = device.twin.reset(outcome.reason);
    }
    expect(outcome.kind).toBe("application");
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expectClean(device);
  });
});

describe("the security counter", () => {
  it("bars older releases from the moment of acceptance", () => {
    const device = runningDevice();
    const secure = makeRelease({ version: "1.3.0", securityCounter: 5 });
    device.stage(secure);
    device.settle();
    device.stage(NEXT);
    device.settle();
    expect(device.holds).toEqual(hashesOf(secure));
    expectClean(device);
  });

  const SECURE = makeRelease({ version: "1.3.0", securityCounter: 2 });

  it("rises with an accepted release, and then bars older ones", () => {
    const device = runningDevice();
    device.stage(SECURE);
    device.settle();
    expect(device.twin.securityCounter).toBe(1);
    device.boot(device.twin.reset("soft"));
    expect(device.twin.securityCounter).toBe(2);
    expect(() => device.running.service.switchBack()).toThrow(
      "the previous release has security counter 1, expected at least 2",
    );
    device.stage(NEXT);
    expect(device.running.service.query().reason).toMatchObject({ code: "security-counter" });
  });

  it("does not rise for a release that fails its trial", () => {
    const device = runningDevice();
    device.net.set(hashesOf(SECURE)[1] ?? "", { kind: "silent" });
    device.stage(SECURE);
    device.settle();
    device.boot(device.twin.reset("soft"));
    expect(device.twin.securityCounter).toBe(1);
    expectRolledBack(device, "core-silent", 1);
  });
});

describe("the observer", () => {
  it("counts a start with images of different releases", () => {
    const device = runningDevice();
    const image = NEXT.images[1] ?? new Uint8Array(0);
    const payload = image.subarray(0x200, 0x200 + 5000);
    device.twin.observer.learn(image, { headerSize: 0x200, imageSize: 5000 });
    for (let at = 0; at < 6144; at += 2048) device.twin.netFlash.erasePage(NET_SLOT.start + at);
    device.twin.netFlash.write(NET_SLOT.start, payload);
    device.boot();
    expect(device.twin.observer.counters).toEqual({ mixedStarts: 1, unverifiedStarts: 0 });
  });

  it("counts a start of bytes that nobody has signed", () => {
    const device = runningDevice();
    device.twin.netFlash.erasePage(NET_SLOT.start);
    device.boot();
    expect(device.twin.observer.counters).toEqual({ mixedStarts: 0, unverifiedStarts: 1 });
  });

  it("counts a page that is programmed twice", () => {
    const device = runningDevice();
    device.twin.nand.eraseBlock(47);
    device.twin.nand.programPage(47 * 6, new Uint8Array(2048));
    device.twin.nand.programPage(47 * 6, new Uint8Array(2048));
    expect(device.twin.violations.map((violation) => violation.rule)).toEqual(["program-twice"]);
  });
});
