// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { PowerLoss } from "@tandem/flash";
import { SetState, Store } from "@tandem/store";
import type { Bank, BankImage } from "@tandem/store";
import { MARKER_ENTRY_BYTES, MAX_INSTALL_ATTEMPTS } from "@tandem/update";
import { describe, expect, it } from "vitest";

import { TestDevice, hashesOf, makeRelease } from "../testing/test-device.js";
import type { TestDeviceOptions } from "../testing/test-device.js";
import { MEMORY_MAP, NET_SLOT } from "./memory-map.js";

const FACTORY = makeRelease({ version: "1.0.0" });
const NEXT = makeRelease({ version: "1.1.0" });
const SECURE = makeRelease({ version: "1.3.0", securityCounter: 2 });

function runningDevice(options?: TestDeviceOptions): TestDevice {
  const device = TestDevice.provisioned(FACTORY, options);
  expect(device.boot().kind).toBe("application");
  return device;
}

/** The device after an update that was accepted, and a boot that knows of it. */
function updatedDevice(release: typeof NEXT, options?: TestDeviceOptions): TestDevice {
  const device = runningDevice(options);
  device.stage(release);
  device.settle();
  device.boot(device.twin.reset("soft"));
  expect(device.holds).toEqual(hashesOf(release));
  return device;
}

/** Nothing that a core could start is left in it. */
function eraseCores(device: TestDevice): void {
  device.twin.primarySlot.erasePage(0);
  device.twin.netFlash.erasePage(NET_SLOT.start);
  const store = device.twin.mountStore();
  store.commit({ installed: store.record.installed.map(() => null) });
}

function eraseMarker({ twin }: TestDevice): void {
  const { start, sizeBytes } = MEMORY_MAP.marker;
  for (let at = start; at < start + sizeBytes; at += 4096) twin.appFlash.erasePage(at);
}

function expectClean(device: TestDevice): void {
  expect(device.twin.observer.counters).toEqual({ mixedStarts: 0, unverifiedStarts: 0 });
  expect(device.twin.violations).toEqual([]);
}

function bankOf(device: TestDevice, index: number | null): Bank {
  const bank = device.twin.mountStore().record.banks[index ?? -1];
  if (bank === undefined) throw new Error(`no bank ${index}`);
  return bank;
}

function installedBanks(device: TestDevice): string[] {
  const begun = device.events.flatMap((text) => /^installing bank (\d)/.exec(text)?.[1] ?? []);
  return begun.filter((bank, i) => bank !== begun[i - 1]);
}

/** Says that the bank is to be installed. */
function claim(device: TestDevice, bank: number, images: readonly BankImage[]): void {
  const store = device.twin.mountStore();
  const banks = store.record.banks.map((old, i) => (i === bank ? { ...old, images } : old));
  store.commit({ state: SetState.INSTALLING, targetBank: bank, candidateBank: bank, banks });
}

/** Writes a whole image to the application slot behind the coordinator's back. */
function flash(device: TestDevice, image: Uint8Array): void {
  const slot = device.twin.primarySlot;
  for (let at = 0; at < image.length; at += slot.pageBytes) slot.erasePage(at);
  const words = new Uint8Array(Math.ceil(image.length / 4) * 4).fill(0xff);
  words.set(image);
  slot.write(0, words);
}

/** Boots until power goes. */
function bootUntilCut(device: TestDevice): void {
  let outcome = device.twin.reset("soft");
  while (outcome.kind === "reset") outcome = device.twin.reset(outcome.reason);
  expect(outcome.kind).toBe("power-lost");
}

describe("an acceptance that was cut while its record was written", () => {
  it("holds once a boot has acted on it, even if the torn page decays", () => {
    for (let seed = 0; seed < 40; seed++) {
      const device = runningDevice({ seed });
      device.stage(NEXT);
      device.boot(device.twin.reset("soft"));
      device.twin.power.planCut({
        when: "inside",
        tear: "unstable",
        matches: ({ device: name, kind }) => name === "nand" && kind === "program",
        skip: seed % 4,
      });
      expect(() => device.running.service.accept()).toThrow("power");
      device.boot();
      const before = device.running.service.query().state;
      device.twin.nand.cells.settleUnstable();
      device.boot();
      const after = device.running.service.query().state;
      expect(before === "UPDATED" ? ["UPDATED"] : ["UPDATED", "TRIAL"]).toContain(after);
      expectClean(device);
    }
  });
});

describe("a record that stands in one chain only", () => {
  it("is written to both before a boot acts on it", () => {
    let found = 0;
    for (let skip = 0; skip < 6; skip++) {
      const device = runningDevice();
      device.stage(NEXT);
      device.twin.power.planCut({
        when: "before",
        matches: ({ device: name, kind }) => name === "nand" && kind === "program",
        skip,
      });
      try {
        device.running.service.reject("cancelled");
      } catch (error) {
        if (!(error instanceof PowerLoss)) throw error;
      }
      const { record, isSettled } = device.twin.mountStore();
      if (record.state !== SetState.FAILED || isSettled) continue;
      found += 1;
      device.boot();
      expect(device.twin.mountStore().isSettled).toBe(true);
      expect(device.running.service.query().state).toBe("FAILED");
      expectClean(device);
    }
    expect(found).toBe(1);
  });
});

describe("a fallback", () => {
  it("never goes below the device's security counter", () => {
    const device = updatedDevice(SECURE);
    expect(device.twin.securityCounter).toBe(2);
    device.loseImage(device.twin.mountStore().record.acceptedBank, 1);
    eraseCores(device);
    expect(device.boot().kind).toBe("stopped");
    expect(device.holds).not.toEqual(hashesOf(FACTORY));
    expectClean(device);
  });

  it("tries every complete bank once, then gives up for this boot", () => {
    const device = updatedDevice(NEXT, { banks: 4 });
    const store = device.twin.mountStore();
    const spare = bankOf(device, store.record.previousBank);
    // Two more banks that name the same blocks: none of them is readable under its own number.
    const banks = store.record.banks.map((bank, i) => (i < 2 ? bank : spare));
    store.commit({ banks });
    for (const bank of [0, 1]) device.loseImage(bank, 1);
    eraseCores(device);
    device.events.length = 0;
    expect(device.boot()).toMatchObject({ kind: "stopped", why: /no release can be installed/ });
    expect(installedBanks(device)).toEqual(["1", "0", "2", "3"]);
    expectClean(device);
  });

  it("never tries a release that was not verified once", () => {
    // Nothing else bars it: a bank that was not verified has no security counter yet.
    const device = TestDevice.provisioned(makeRelease({ version: "1.0.0", securityCounter: 0 }));
    device.boot();
    const { service } = device.running;
    service.start(NEXT.manifest);
    NEXT.images.forEach((bytes, image) => service.write(image, 0, bytes));
    device.loseImage(0, 1);
    eraseCores(device);
    device.events.length = 0;
    expect(device.boot()).toMatchObject({ kind: "stopped", why: /no release can be installed/ });
    expect(installedBanks(device)).toEqual(["0"]);
    expectClean(device);
  });

  it("says that the accepted release was lost, not that it was repaired", () => {
    const device = updatedDevice(NEXT);
    device.loseImage(device.twin.mountStore().record.acceptedBank, 1);
    eraseCores(device);
    device.boot();
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expect(device.running.service.query().reason).toMatchObject({ image: 1, code: "unreadable" });
    expectClean(device);
  });

  it("keeps the reason of the trial when the accepted release is lost as well", () => {
    const device = runningDevice();
    device.net.set(hashesOf(NEXT)[1] ?? "", { kind: "silent" });
    device.stage(NEXT);
    device.loseImage(device.twin.mountStore().record.acceptedBank, 1);
    device.twin.mountStore().commit({ state: SetState.INSTALLING, targetBank: 1 });
    device.settle();
    expect(device.running.service.query()).toMatchObject({
      state: "FAILED",
      isLimp: true,
      reason: { image: 1, step: "trial", code: "core-silent" },
    });
    expect(device.holds).toEqual(hashesOf(NEXT));
    expectClean(device);
  });

  it("keeps why an update failed when the accepted release is repaired later", () => {
    const device = runningDevice();
    device.net.set(hashesOf(NEXT)[1] ?? "", { kind: "silent" });
    device.stage(NEXT);
    device.settle();
    device.twin.primarySlot.erasePage(0);
    device.boot();
    expect(device.running.service.query().reason).toMatchObject({ image: 1, code: "core-silent" });
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expectClean(device);
  });

  it("is not given up because power was cut while it was installed", () => {
    const device = updatedDevice(NEXT);
    eraseCores(device);
    for (let cuts = 0; cuts < 3 * MAX_INSTALL_ATTEMPTS; cuts++) {
      device.twin.power.planCut({
        when: "before",
        matches: ({ device: name, kind }) => name === "app-flash" && kind === "erase",
      });
      let outcome = device.twin.powerOn();
      while (outcome.kind === "reset") outcome = device.twin.reset(outcome.reason);
      expect(outcome.kind).toBe("power-lost");
    }
    device.boot();
    expect(device.holds).toEqual(hashesOf(NEXT));
    expectClean(device);
  });
});

describe("a release on trial", () => {
  it("starts three times by the word of the marker when the store is gone", () => {
    const device = runningDevice();
    device.stage(NEXT);
    device.boot(device.twin.reset("soft"));
    expect(device.running.service.query().state).toBe("TRIAL");
    for (let block = 0; block < 14; block++) device.twin.nand.eraseBlock(block);
    const kinds = [1, 2, 3, 4].map(() => device.boot().kind);
    expect(kinds).toEqual(["application", "application", "application", "stopped"]);
    expectClean(device);
  });

  it("is on trial by a marker that stays, after a cut that left its entry unstable", () => {
    const reads = { isGood: true };
    const device = runningDevice({ unstableReadIsGood: () => reads.isGood });
    device.stage(NEXT);
    // Behind the entry that says installing.
    device.twin.power.planCut({
      when: "inside",
      tear: "unstable",
      matches: ({ address, length }) =>
        address >= MEMORY_MAP.marker.start && length === MARKER_ENTRY_BYTES,
      skip: 1,
    });
    bootUntilCut(device);
    expect(device.twin.marker.read().kind).toBe("trial");
    device.boot();
    reads.isGood = false;
    expect(device.twin.marker.read().kind).toBe("trial");
    expectClean(device);
  });
});

describe("a device that was never updated", () => {
  it("installs its first release where adoption is allowed, and only there", () => {
    for (const allowAdoption of [true, false]) {
      const device = TestDevice.neverUpdated(FACTORY, { allowAdoption });
      // Without a store, the bootloader starts what was programmed only where adoption is allowed.
      expect(device.boot().kind).toBe(allowAdoption ? "application" : "stopped");
      Store.format(device.twin.nand, device.twin.storeOptions);
      expect(device.boot().kind).toBe("application");
      expect(device.running.service.query().accepted).toBeNull();
      device.stage(NEXT);
      device.settle();
      expect(device.holds).toEqual(hashesOf(allowAdoption ? NEXT : FACTORY));
      const { state, reason } = device.running.service.query();
      expect([state, reason?.code]).toEqual(
        allowAdoption ? ["UPDATED", undefined] : ["FAILED", "no-fallback"],
      );
      expectClean(device);
    }
  });

  it("installs its first release over any number of cuts: nothing else could run", () => {
    const device = TestDevice.neverUpdated(FACTORY, { allowAdoption: true });
    Store.format(device.twin.nand, device.twin.storeOptions);
    device.boot();
    device.stage(NEXT);
    for (let cuts = 0; cuts < 2 * MAX_INSTALL_ATTEMPTS; cuts++) {
      device.twin.power.planCut({
        when: "before",
        matches: ({ device: name, kind }) => name === "app-flash" && kind === "erase",
      });
      bootUntilCut(device);
    }
    device.settle();
    expect(device.holds).toEqual(hashesOf(NEXT));
    expect(device.running.service.query()).toMatchObject({ state: "UPDATED", isLimp: false });
    expectClean(device);
  });

  it("keeps a first release that fails its trial as a stopgap, and says so", () => {
    const device = TestDevice.neverUpdated(FACTORY, { allowAdoption: true });
    Store.format(device.twin.nand, device.twin.storeOptions);
    device.boot();
    device.net.set(hashesOf(NEXT)[1] ?? "", { kind: "silent" });
    device.stage(NEXT);
    device.settle();
    device.boot(device.twin.reset("soft"));
    expect(device.running.service.query()).toMatchObject({
      state: "FAILED",
      isLimp: true,
      reason: { image: 1, code: "core-silent" },
    });
    expect(device.holds).toEqual(hashesOf(NEXT));
    expectClean(device);
  });
});

describe("a NAND of another time", () => {
  it("is not believed by a device whose marker is blank: both cores are installed", () => {
    const device = runningDevice();
    eraseMarker(device);
    device.events.length = 0;
    device.boot();
    expect(device.events).toContain("net: installed");
    expect(device.events).toContain("app: installed");
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expectClean(device);
  });

  it.each([
    ["while the network core was written", "inside", "net-flash", "write"],
    ["between the cores", "before", "app-flash", "erase"],
  ] as const)("does not start a mixture when an install was cut %s", (_, when, name, kind) => {
    const device = runningDevice();
    const before = device.flash.nand.fork();
    device.stage(NEXT);
    device.twin.power.planCut({
      when,
      matches: (operation) => operation.device === name && operation.kind === kind,
    });
    bootUntilCut(device);
    device.flash.nand.assign(before);
    device.boot();
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expectClean(device);
  });

  it("does not start a mixture that was left when a trial was rolled back", () => {
    const device = runningDevice();
    device.stage(NEXT);
    device.boot(device.twin.reset("soft"));
    const onTrial = device.flash.nand.fork();
    device.running.service.reject("self-test");
    device.twin.power.planCut({
      when: "before",
      matches: ({ device: name, kind }) => name === "app-flash" && kind === "erase",
    });
    bootUntilCut(device);
    device.flash.nand.assign(onTrial);
    device.boot();
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expectClean(device);
  });

  it("does not vouch for an image in common that was being written", () => {
    const half = makeRelease({ version: "1.4.0", net: FACTORY.images[1] ?? new Uint8Array(0) });
    const device = runningDevice();
    device.stage(half);
    const staged = device.flash.nand.fork();
    device.running.service.reject("cancelled");
    const calledOff = device.flash.nand.fork();
    device.flash.nand.assign(staged);
    // So that the network core is written although it holds the image.
    eraseMarker(device);
    device.twin.power.planCut({
      when: "inside",
      matches: ({ device: name, kind }) => name === "net-flash" && kind === "write",
    });
    bootUntilCut(device);
    device.flash.nand.assign(calledOff);
    device.boot();
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expectClean(device);
  });

  it("brings both cores back to the release that it holds", () => {
    const device = runningDevice();
    const before = device.flash.nand.fork();
    device.stage(NEXT);
    device.settle();
    device.boot(device.twin.reset("soft"));
    device.flash.nand.assign(before);
    device.boot();
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expectClean(device);
  });
});

describe("the application slot", () => {
  it("keeps no page whose write was cut, however well it reads", () => {
    for (let seed = 0; seed < 20; seed++) {
      const device = runningDevice({ seed, unstableReadIsGood: () => true });
      device.stage(NEXT);
      device.twin.power.planCut({
        when: "inside",
        tear: "unstable",
        matches: ({ device: name, kind, address }) =>
          name === "app-flash" && kind === "write" && address < MEMORY_MAP.marker.start,
        skip: seed % 8,
      });
      device.settle();
      expect(device.twin.appFlash.snapshot().medium.unstablePages()).toEqual([]);
      expect(device.holds).toEqual(hashesOf(NEXT));
      expectClean(device);
    }
  });
});

describe("a staged release", () => {
  it("is refused when its application image carries no security counter", () => {
    const device = runningDevice();
    device.stage(makeRelease({ version: "1.5.0", securityCounter: null }));
    expect(device.running.service.query().reason).toMatchObject({
      image: 0,
      code: "no-security-counter",
    });
  });

  it("is installed when there is no room to scrub what its verification met", () => {
    const device = runningDevice({ banks: 3 });
    device.stage(NEXT);
    const store = device.twin.mountStore();
    const used = new Set(store.record.banks.flatMap(blocksOf));
    const free = [...Array(48).keys()].filter((block) => block >= 14 && !used.has(block));
    const [model] = bankOf(device, 0).images;
    if (model === undefined) throw new Error("no image");
    const extents = free.map((firstBlock, i) => ({ firstBlock, count: 1, firstSequence: 900 + i }));
    const filler = {
      securityCounter: 0,
      images: [{ ...model, copies: [toRuns(extents), []] as const }],
    };
    store.commit({ banks: store.record.banks.map((bank, i) => (i === 2 ? filler : bank)) });
    const block = bankOf(device, 1).images[0]?.copies[0][0]?.firstBlock ?? 0;
    device.twin.nand.decayPage(block * 6 + 2, 2, createRandom(1));
    device.settle();
    expect(device.events.join()).toContain("0 good ones free");
    expect(device.holds).toEqual(hashesOf(NEXT));
    expectClean(device);
  });

  it("can be called off", () => {
    const device = runningDevice();
    device.stage(NEXT);
    device.running.service.reject("cancelled");
    expect(device.running.service.query().reason).toMatchObject({
      step: "stage",
      code: "cancelled",
    });
    device.boot(device.twin.reset("soft"));
    expect(device.holds).toEqual(hashesOf(FACTORY));
    device.running.service.clean();
    device.stage(NEXT);
    device.settle();
    expect(device.holds).toEqual(hashesOf(NEXT));
  });

  it("is refused by the accepted release's counter before it is offered to the boot", () => {
    const device = runningDevice({ banks: 3 });
    device.stage(SECURE);
    device.settle();
    expect(device.twin.securityCounter).toBe(1);
    expect(() => device.running.service.switchBack()).toThrow("security counter 1");
    device.stage(NEXT);
    expect(device.running.service.query()).toMatchObject({
      state: "FAILED",
      reason: { step: "verify", code: "security-counter" },
    });
  });
});

describe("the accepted release", () => {
  it("is not received again", () => {
    const device = updatedDevice(NEXT);
    expect(() => device.running.service.start(NEXT.manifest)).toThrow("is the accepted one");
    expect(device.running.service.query().previous).not.toBeNull();
  });
});

describe("a record that does not tell the truth", () => {
  it("cannot install images of different releases", () => {
    const device = runningDevice();
    device.stage(NEXT);
    const [app] = bankOf(device, 1).images;
    const [, net] = bankOf(device, 0).images;
    claim(
      device,
      1,
      [app, net].filter((image) => image !== undefined),
    );
    device.boot();
    expect(device.running.service.query().reason).toMatchObject({ code: "manifest-binding" });
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expectClean(device);
  });

  it("cannot say that a core was written to its end", () => {
    const device = runningDevice();
    device.stage(NEXT);
    device.twin.power.planCut({
      when: "inside",
      matches: ({ device: name, kind }) => name === "net-flash" && kind === "write",
    });
    bootUntilCut(device);
    device.twin.mountStore().commit({ installed: [null, NEXT.hashes[1] ?? null] });
    device.boot();
    expect(device.holds).toEqual(hashesOf(NEXT));
    expectClean(device);
  });

  it("cannot stage a release under the name of another", () => {
    const device = runningDevice();
    device.stage(NEXT);
    const store = device.twin.mountStore();
    const [app, net] = bankOf(device, 1).images;
    if (app === undefined || net === undefined) throw new Error("no images");
    const renamed = { ...app, imageHash: SECURE.hashes[0] ?? app.imageHash };
    const banks = store.record.banks.map((bank, i) =>
      i === 1 ? { ...bank, images: [renamed, net] } : bank,
    );
    store.commit({ banks });
    device.boot();
    expect(device.running.service.query()).toMatchObject({
      state: "FAILED",
      reason: { step: "stage", code: "image-hash" },
    });
    expect(device.holds).toEqual(hashesOf(FACTORY));
  });

  it("cannot say that a core holds another release's image", () => {
    const device = runningDevice();
    device.stage(NEXT);
    const { images } = bankOf(device, 1);
    const [, net] = images;
    claim(device, 1, images);
    const store = device.twin.mountStore();
    const [app] = bankOf(device, 0).images;
    const mixed = [app, net].filter((image) => image !== undefined);
    store.commit({
      banks: store.record.banks.map((bank, i) => (i === 0 ? { ...bank, images: mixed } : bank)),
      installed: mixed.map(({ imageHash }) => imageHash),
    });
    device.boot();
    expect(device.holds).toEqual(hashesOf(NEXT));
    expectClean(device);
  });

  it("cannot install more images than there are cores", () => {
    const device = runningDevice();
    device.stage(NEXT);
    const { images } = bankOf(device, 1);
    claim(device, 1, [...images, ...images.slice(1)]);
    device.boot();
    expect(device.running.service.query().reason).toMatchObject({ code: "manifest-binding" });
    expect(device.holds).toEqual(hashesOf(FACTORY));
  });

  it("cannot stage what the device's security counter bars", () => {
    const device = updatedDevice(SECURE, { banks: 3 });
    const store = device.twin.mountStore();
    store.commit({
      state: SetState.STAGED,
      candidateBank: store.record.previousBank,
      banks: store.record.banks.map((bank) => ({ ...bank, securityCounter: 9 })),
    });
    expect(device.boot().kind).toBe("application");
    expect(device.holds).toEqual(hashesOf(SECURE));
    expect(device.running.service.query().reason).toMatchObject({ code: "security-counter" });
  });

  it.each(["limp", "counter"])("cannot keep the security counter down: %s", (lie) => {
    const device = runningDevice({ banks: 3 });
    device.stage(SECURE);
    device.settle();
    const store = device.twin.mountStore();
    const banks = store.record.banks.map((bank) => ({ ...bank, securityCounter: 0 }));
    store.commit(lie === "limp" ? { isLimp: true } : { banks });
    device.boot();
    expect(device.twin.securityCounter).toBe(2);
  });

  it("cannot raise the security counter above what the image carries", () => {
    const device = runningDevice();
    const store = device.twin.mountStore();
    store.commit({ banks: store.record.banks.map((bank) => ({ ...bank, securityCounter: 9 })) });
    device.boot();
    expect(device.twin.securityCounter).toBe(1);
  });
});

describe("firmware that a debugger wrote", () => {
  it("starts where that is allowed, and is replaced where it is not", () => {
    for (const allowForeign of [true, false]) {
      const device = runningDevice({ allowForeign });
      flash(device, NEXT.images[0] ?? new Uint8Array(0));
      device.boot();
      expect(device.holds[0]).toBe(hashesOf(allowForeign ? NEXT : FACTORY)[0]);
    }
  });

  it("is replaced when the device's security counter bars it", () => {
    const device = updatedDevice(SECURE, { allowForeign: true });
    flash(device, FACTORY.images[0] ?? new Uint8Array(0));
    expect(device.boot().kind).toBe("application");
    expect(device.holds).toEqual(hashesOf(SECURE));
  });

  it("is replaced when the marker vouches for nothing", () => {
    const device = runningDevice({ allowForeign: true });
    eraseMarker(device);
    flash(device, NEXT.images[0] ?? new Uint8Array(0));
    device.boot();
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expectClean(device);
  });

  it("is not what a damaged slot counts as", () => {
    const device = runningDevice({ allowForeign: true });
    device.twin.primarySlot.erasePage(4096);
    device.boot();
    expect(device.holds).toEqual(hashesOf(FACTORY));
    expectClean(device);
  });
});

describe("an application whose store is gone", () => {
  it("runs by the word of the marker, and cannot update itself", () => {
    const device = runningDevice();
    for (let block = 0; block < 14; block++) device.twin.nand.eraseBlock(block);
    expect(device.boot().kind).toBe("application");
    expect(() => device.running.service).toThrow("no valid record");
    expect(device.holds).toEqual(hashesOf(FACTORY));
  });
});

function blocksOf(bank: Bank): number[] {
  return bank.images.flatMap((image) =>
    image.copies.flatMap((extents) =>
      extents.flatMap(({ firstBlock, count }) =>
        Array.from({ length: count }, (_, i) => firstBlock + i),
      ),
    ),
  );
}

interface Run {
  readonly firstBlock: number;
  readonly count: number;
  readonly firstSequence: number;
}

/** Neighbouring blocks as one run. */
function toRuns(blocks: readonly Run[]): Run[] {
  const runs: Run[] = [];
  for (const block of blocks) {
    const last = runs.at(-1);
    if (last !== undefined && last.firstBlock + last.count === block.firstBlock) {
      runs[runs.length - 1] = { ...last, count: last.count + 1 };
    } else runs.push(block);
  }
  return runs;
}
