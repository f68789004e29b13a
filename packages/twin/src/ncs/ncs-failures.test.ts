// SPDX-License-Identifier: Apache-2.0
import { isErased } from "@tandem/base";
import { describe, expect, it } from "vitest";

import { NcsTestDevice, hashOf, makeNcsRelease } from "../testing/ncs-test-device.js";
import type { NcsBuildOptions } from "./ncs-build.js";
import { ncsLayout } from "./ncs-layout.js";
import type { NcsMode } from "./ncs-layout.js";

const V2 = makeNcsRelease("2.0.0");
const OVERWRITE: NcsBuildOptions = { sdk: "v3.4.0", mode: "overwrite" };

/** A device on which version 2 is on trial, both cores' images installed. */
function onTrial(
  build: NcsBuildOptions,
  options: ConstructorParameters<typeof NcsTestDevice>[1] = {},
): NcsTestDevice {
  const test = new NcsTestDevice(build, { known: [V2], ...options });
  test.stage(V2);
  test.restart();
  expect(test.holds).toEqual(["2.0.0", "2.0.0"]);
  expect(test.running.isConfirmed).toBe(false);
  return test;
}

describe("reverting the app", () => {
  const build: NcsBuildOptions = { sdk: "v3.3.0", mode: "move" };

  it("fills the net core with RAM content, by Nordic's documentation", () => {
    const test = onTrial(build, { netOnRevert: "fills-with-ram" });
    expect(test.restart().kind).toBe("application");
    expect(test.holds).toEqual(["1.0.0", null]);
    expect(isErased(test.device.readNetSlot())).toBe(true);
    expect(test.running.netVersion).toBeNull();
  });

  it.each<NcsMode>(["move", "offset", "scratch"])(
    "leaves the new net core beside the old app, by the source, in mode %s",
    (mode) => {
      const test = onTrial({ ...build, mode });
      expect(test.restart().kind).toBe("application");
      expect(test.holds).toEqual(["1.0.0", "2.0.0"]);
      expect(test.running.netVersion).toMatchObject({ major: 2 });
      expect(test.device.observer.counters.mixedStarts).toBe(1);
    },
  );

  it("cannot happen in overwrite mode", () => {
    const test = onTrial(OVERWRITE, { netOnRevert: "fills-with-ram" });
    test.restart();
    expect(test.holds).toEqual(["2.0.0", "2.0.0"]);
  });
});

describe("a failing PCD", () => {
  const broken = makeNcsRelease("2.0.0", { breaksNetHash: true });

  it("loops for ever with the app already replaced", () => {
    const test = new NcsTestDevice(OVERWRITE, { known: [broken] });
    test.stage(broken);
    const outcome = test.restart();
    expect(outcome).toEqual({ kind: "stopped", why: "no application after 8 boots" });
    expect(test.device.lastBoot).toMatchObject({
      kind: "none",
      why: { image: 1, reason: "assertion", source: "boot_perform_update" },
    });
    expect(test.holds).toEqual(["2.0.0", "1.0.0"]);
    // What helps is nrfjprog --qspieraseall, and then the cores do not belong together.
    const { extFlash } = test.device;
    extFlash.eraseRange(0, 0x20_0000);
    expect(test.boot().kind).toBe("application");
    expect(test.holds).toEqual(["2.0.0", "1.0.0"]);
    expect(test.device.observer.counters.mixedStarts).toBe(1);
  });

  it("is ignored in swap modes: the new app starts beside the old net core", () => {
    const test = new NcsTestDevice({ sdk: "v3.3.0", mode: "move" }, { known: [broken] });
    test.stage(broken);
    expect(test.restart().kind).toBe("application");
    expect(test.holds).toEqual(["2.0.0", "1.0.0"]);
    expect(test.device.observer.counters.mixedStarts).toBe(1);
  });

  it("hangs MCUboot when b0n never answers", () => {
    const test = new NcsTestDevice(OVERWRITE);
    test.net.set(hashOf(V2.net), { kind: "busy" });
    test.stage(V2);
    expect(test.restart()).toEqual({
      kind: "stopped",
      why: "MCUboot waits for b0n, which does not answer",
    });
    expect(test.holds).toEqual(["2.0.0", "1.0.0"]);
  });

  it("does no harm when only its copy was cut: the next boot copies again", () => {
    const test = new NcsTestDevice(OVERWRITE);
    test.stage(V2);
    test.cut("net-flash", 3);
    expect(test.restart().kind).toBe("application");
    expect(test.holds).toEqual(["2.0.0", "2.0.0"]);
  });
});

describe("app marked before net", () => {
  it.each(["v2.6.0", "v2.9.2", "v3.4.0"])("skips net in %s (NCSDK-34106)", (sdk) => {
    const test = new NcsTestDevice({ sdk, mode: "overwrite" }, { known: [V2] });
    test.stage(V2, [0, 1]);
    expect(test.restart().kind).toBe("application");
    expect(test.holds).toEqual(["2.0.0", "1.0.0"]);
    expect(test.device.observer.counters.mixedStarts).toBe(1);
  });

  it.each(["v2.5.3", "v3.4.1"])("does not in %s", (sdk) => {
    const test = new NcsTestDevice({ sdk, mode: "overwrite" }, { known: [V2] });
    test.stage(V2, [0, 1]);
    test.restart();
    expect(test.holds).toEqual(["2.0.0", "2.0.0"]);
  });

  it("is about MCUmgr: the DFU target marks in ascending order", () => {
    const test = new NcsTestDevice(OVERWRITE);
    test.running.upload(0, V2.app);
    test.running.upload(1, V2.net);
    test.running.scheduleUpdate();
    test.restart();
    expect(test.holds).toEqual(["2.0.0", "2.0.0"]);
  });
});

/** A build with one secondary slot for both cores. */
function sequential(sdk: string, mode: NcsMode = "overwrite"): NcsBuildOptions {
  return { sdk, mode, netUpdate: "sequential" };
}

/** Uploads the network core's image into the application's slot, marks it and restarts. */
function updateNet(test: NcsTestDevice): ReturnType<NcsTestDevice["boot"]> {
  test.running.upload(0, V2.net);
  test.running.mark(0, "test");
  return test.restart();
}

describe("the sequential path", () => {
  it.each(["v2.5.0", "v3.4.1"])("faults with external flash behind 1 MiB, in %s", (sdk) => {
    const layout = ncsLayout({
      mode: "overwrite",
      netUpdate: "sequential",
      secondary: "external",
      externalStart: 0x20_0000,
    });
    const test = new NcsTestDevice({ ...sequential(sdk), layout });
    expect(updateNet(test)).toEqual({ kind: "stopped", why: "no application after 8 boots" });
    expect(test.holds).toEqual(["1.0.0", "1.0.0"]);
  });

  it("sends b0n to internal flash with external flash below 1 MiB, in each boot again", () => {
    const test = new NcsTestDevice(sequential("v3.4.0"));
    expect(updateNet(test).kind).toBe("application");
    for (let boots = 0; boots < 2; boots++) {
      expect(test.device.lastBoot?.decisions[0]?.decided).toBe("fail");
      expect(test.running.pending(0)).toBe("test");
      test.restart();
    }
    expect(test.holds).toEqual(["1.0.0", "1.0.0"]);
  });

  it("loses the candidate there since v3.4.1", () => {
    const test = new NcsTestDevice(sequential("v3.4.1"));
    expect(updateNet(test).kind).toBe("application");
    expect(test.running.pending(0)).toBe("none");
    expect(test.holds).toEqual(["1.0.0", "1.0.0"]);
  });

  it.each<NcsMode>(["overwrite", "move", "scratch"])(
    "updates the net core from internal flash in mode %s",
    (mode) => {
      const test = new NcsTestDevice({ ...sequential("v3.4.1", mode), secondary: "internal" });
      expect(updateNet(test).kind).toBe("application");
      expect(test.holds).toEqual(["1.0.0", "2.0.0"]);
      expect(test.running.pending(0)).toBe("none");
    },
  );

  it("looks for the reset vector one sector too early with swap using offset", () => {
    const test = new NcsTestDevice({ ...sequential("v3.4.1", "offset"), secondary: "internal" });
    expect(updateNet(test).kind).toBe("application");
    // The net core's firmware was in the application's slot, locked up, and was reverted.
    expect(test.device.boots).toBe(3);
    expect(test.device.lastBoot?.decisions[0]?.decided).toBe("revert");
    expect(test.holds).toEqual(["1.0.0", "1.0.0"]);
  });

  it.each([
    ["v3.4.0", true],
    ["v3.4.1", false],
  ])("in %s copies the same firmware in each boot: %s (NCSIDB-1487)", (sdk, isCopiedAgain) => {
    const test = new NcsTestDevice({ ...sequential(sdk), secondary: "internal" });
    updateNet(test);
    const before = test.device.power.operations;
    test.restart();
    expect(test.device.power.operations > before).toBe(isCopiedAgain);
    expect(test.holds).toEqual(["1.0.0", "2.0.0"]);
  });
});

describe("a power cut with downgrade prevention and version read", () => {
  const build = { ...OVERWRITE, downgradePrevention: true };

  function cutCopy(readsNetVersion: boolean): NcsTestDevice {
    const test = new NcsTestDevice({ ...build, readsNetVersion }, { known: [V2] });
    test.stage(V2);
    // The page with fw_info is erased, and nothing written yet.
    test.cut("net-flash", 0, "after");
    expect(test.restart().kind).toBe("application");
    return test;
  }

  it("erases the candidate", () => {
    const test = cutCopy(true);
    expect(test.holds).toEqual(["2.0.0", null]);
    expect(test.running.netVersion).toBeNull();
    expect(isErased(test.device.extFlash.read(0xe_0000, 0x4_0000))).toBe(true);
    // Nothing brings the network core back but another update by the application.
    test.restart();
    expect(test.holds).toEqual(["2.0.0", null]);
  });

  it("does not without the version read", () => {
    expect(cutCopy(false).holds).toEqual(["2.0.0", "2.0.0"]);
  });

  it("comes on top of what the version read is for: refusing older firmware", () => {
    const test = new NcsTestDevice({ ...build, readsNetVersion: true });
    test.running.upload(1, makeNcsRelease("1.5.0", { netVersion: 1 }).net);
    test.running.mark(1, "test");
    test.restart();
    expect(test.holds).toEqual(["1.0.0", "1.0.0"]);
    expect(test.device.lastBoot?.steps).toContainEqual(
      expect.objectContaining({ image: 1, reason: "downgrade-refused" }),
    );
  });

  it("refuses newer firmware as well when the image has protected TLVs", () => {
    const test = new NcsTestDevice({ ...build, readsNetVersion: true });
    test.running.upload(1, makeNcsRelease("2.0.0", { netSecurityCounter: 1 }).net);
    test.running.mark(1, "test");
    test.restart();
    expect(test.holds).toEqual(["1.0.0", "1.0.0"]);
  });
});

describe("a security counter raised at the first trial boot", () => {
  const v1 = makeNcsRelease("1.0.0", { securityCounter: 1 });
  const v2 = makeNcsRelease("2.0.0", { securityCounter: 2 });

  /** The application alone is updated, and power goes in the middle of the swap. */
  function resumedTrial(build: Partial<NcsBuildOptions> & { sdk: string }): NcsTestDevice {
    const test = new NcsTestDevice(
      { mode: "move", hardwareDowngradePrevention: true, ...build },
      { factory: v1, securityCounter: 1 },
    );
    test.running.upload(0, v2.app);
    test.running.mark(0, "test");
    test.cut("ext-flash", 2);
    expect(test.restart().kind).toBe("application");
    expect(test.device.lastBoot?.decisions[0]?.resumed).toBe("test");
    expect(test.holds[0]).toBe("2.0.0");
    expect(test.running.isConfirmed).toBe(false);
    return test;
  }

  it.each<Partial<NcsBuildOptions> & { sdk: string }>([
    { sdk: "v2.9.2", netUpdate: "sequential" },
    { sdk: "v3.0.2", netUpdate: "simultaneous" },
  ])("bars the old image in $sdk", (build) => {
    const test = resumedTrial(build);
    expect(test.device.securityCounter).toBe(2);
    // Nothing has confirmed the trial, but there is no way back: the old image is erased.
    test.restart();
    expect(test.device.lastBoot?.steps).toContainEqual(
      expect.objectContaining({
        slot: "secondary",
        why: "security-counter-too-low",
        expected: 2,
        found: 1,
      }),
    );
    expect(test.holds[0]).toBe("2.0.0");
    expect(isErased(test.device.extFlash.read(0, 0xe_0000))).toBe(true);
  });

  it("is not raised before it is confirmed since v3.1.0", () => {
    const test = resumedTrial({ sdk: "v3.1.0" });
    expect(test.device.securityCounter).toBe(1);
    expect(test.restart().kind).toBe("application");
    expect(test.holds[0]).toBe("1.0.0");
  });

  it("is raised by the copy itself in overwrite mode, before the image ever ran", () => {
    const test = new NcsTestDevice(
      { ...OVERWRITE, hardwareDowngradePrevention: true },
      { factory: v1, securityCounter: 1 },
    );
    test.app.set(hashOf(v2.app), { kind: "crashes" });
    test.running.upload(0, v2.app);
    test.running.mark(0, "test");
    expect(test.restart()).toEqual({ kind: "stopped", why: "no application after 8 boots" });
    expect(test.device.securityCounter).toBe(2);
  });

  it("is refused where MCUboot would want one in the net core's image", () => {
    expect(
      () => new NcsTestDevice({ sdk: "v2.9.2", mode: "move", hardwareDowngradePrevention: true }),
    ).toThrow(expect.objectContaining({ code: "twin/ncs-build" }));
  });
});

describe("a swap of the net core's image", () => {
  it.each<[string, NcsMode]>([
    ["v2.5.0", "scratch"],
    ["v3.2.1", "move"],
    ["v3.2.5", "offset"],
  ])("stops in an assertion for ever in %s, mode %s, the app already swapped", (sdk, mode) => {
    const test = new NcsTestDevice({ sdk, mode }, { known: [V2] });
    test.stage(V2);
    expect(test.restart()).toEqual({ kind: "stopped", why: "no application after 8 boots" });
    expect(test.holds).toEqual(["2.0.0", "1.0.0"]);
    expect(test.device.lastBoot).toMatchObject({
      why: { image: 1, source: "boot_swap_image", reason: "assertion" },
    });
  });
});

/** Slots of 32 pages, one of them for the trailer; the image ends in the 31st. */
function updateWithLargeApp(sdk: string): NcsTestDevice {
  const slot = { start: 0x1_0000, sizeBytes: 0x2_0000 };
  const layout = {
    primary: { flash: "app-flash", ...slot },
    secondary: { flash: "ext-flash", start: 0, sizeBytes: slot.sizeBytes },
    netSecondary: { flash: "ext-flash", start: 0x2_0000, sizeBytes: 0x4_0000 },
    scratch: null,
  } as const;
  const test = new NcsTestDevice({ sdk, mode: "move", layout });
  test.running.upload(0, makeNcsRelease("2.0.0", { appBytes: 124_000 }).app);
  test.running.mark(0, "test");
  test.restart();
  expect(test.holds[0]).toBe("1.0.0");
  return test;
}

describe("an image that leaves no room for its swap", () => {
  it("is tried at each boot in v3.0.2 (NCSDK-20567)", () => {
    const test = updateWithLargeApp("v3.0.2");
    for (let boots = 0; boots < 2; boots++) {
      expect(test.running.pending(0)).toBe("test");
      expect(test.device.lastBoot?.steps).toContainEqual(
        expect.objectContaining({ image: 0, reason: "no-room" }),
      );
      test.restart();
    }
    expect(test.holds[0]).toBe("1.0.0");
  });

  it("is refused and erased since v3.1.0", () => {
    const test = updateWithLargeApp("v3.1.0");
    expect(test.running.pending(0)).toBe("none");
    expect(test.device.lastBoot?.steps).toContainEqual(
      expect.objectContaining({ image: 0, slot: "secondary", why: "too-large" }),
    );
  });
});

describe("an image in the other core's slot", () => {
  it.each([0, 1])("is erased in overwrite mode: slot of image %i", (image) => {
    const test = new NcsTestDevice(OVERWRITE);
    test.running.upload(image, image === 0 ? V2.net : V2.app);
    test.running.mark(image, "test");
    test.restart();
    expect(test.holds).toEqual(["1.0.0", "1.0.0"]);
    expect(test.device.lastBoot?.steps).toContainEqual(
      expect.objectContaining({ image, reason: "wrong-image-address" }),
    );
  });

  it("is not told apart in swap modes: the app's image goes nowhere and counts as installed", () => {
    const test = new NcsTestDevice({ sdk: "v3.4.0", mode: "move" });
    test.running.upload(1, V2.app);
    test.running.mark(1, "test");
    expect(test.restart().kind).toBe("application");
    expect(test.holds).toEqual(["1.0.0", "1.0.0"]);
    expect(test.device.lastBoot?.decisions[1]?.decided).toBe("test");
    expect(test.running.pending(1)).toBe("none");
  });
});

describe("fault injection hardening", () => {
  it("keeps a device with simultaneous updates from starting in v2.5.x (NCSDK-24203)", () => {
    const affected = new NcsTestDevice({ sdk: "v2.5.3", mode: "overwrite", fih: true });
    expect(affected.boot().kind).toBe("stopped");
    const fixed = new NcsTestDevice({ sdk: "v2.6.0", mode: "overwrite", fih: true });
    expect(fixed.boot().kind).toBe("application");
  });
});

describe("serial recovery of the net core", () => {
  const { net } = makeNcsRelease("2.0.0", { netBytes: 60_000 });

  it("reports success before b0n has copied; power off then breaks it (NCSDK-11308)", () => {
    const test = new NcsTestDevice(OVERWRITE);
    const recovery = test.device.enterSerialRecovery();
    expect(recovery.upload(net)).toBe(true);
    expect(recovery.isBusy).toBe(true);
    expect(test.boot().kind).toBe("application");
    // b0n starts what fw_info in the first page points to, without any check.
    expect(test.holds).toEqual(["1.0.0", null]);
    expect(test.running.netVersion).toBeNull();
    expect(test.device.observer.counters.unverifiedStarts).toBe(1);
  });

  it("works when one waits", () => {
    const test = new NcsTestDevice(OVERWRITE);
    const recovery = test.device.enterSerialRecovery();
    recovery.upload(net);
    recovery.wait(30_000);
    expect(recovery.isBusy).toBe(false);
    test.boot();
    expect(test.holds).toEqual(["1.0.0", "2.0.0"]);
    expect(test.running.netVersion).toMatchObject({ major: 2 });
  });

  it("needs the RAM slot of simultaneous updates", () => {
    const test = new NcsTestDevice({ ...OVERWRITE, netUpdate: "sequential" });
    expect(() => test.device.enterSerialRecovery()).toThrow(
      expect.objectContaining({ code: "twin/ncs-build" }),
    );
  });
});

describe("a dependency on the net core", () => {
  const needsNet = [{ imageIndex: 1, minVersion: { major: 1, minor: 0, revision: 0, build: 0 } }];

  it("is never met by the one that runs: its version reads as 0.0.0", () => {
    const test = new NcsTestDevice(OVERWRITE);
    test.running.upload(0, makeNcsRelease("2.0.0", { dependencies: needsNet }).app);
    test.running.mark(0, "test");
    test.restart();
    expect(test.holds).toEqual(["1.0.0", "1.0.0"]);
    expect(test.device.lastBoot?.steps).toContainEqual(
      expect.objectContaining({ reason: "dependency-unmet", found: "0.0.0" }),
    );
  });

  it("holds back the app alone: the net core of the same release is installed", () => {
    const needsNewer = [
      { imageIndex: 1, minVersion: { major: 3, minor: 0, revision: 0, build: 0 } },
    ];
    const release = makeNcsRelease("2.0.0", { dependencies: needsNewer });
    const test = new NcsTestDevice(OVERWRITE, { known: [release] });
    test.stage(release);
    test.restart();
    expect(test.holds).toEqual(["1.0.0", "2.0.0"]);
    expect(test.device.observer.counters.mixedStarts).toBe(1);
  });

  it("of an app that stays makes MCUboot revert it when the net core goes below", () => {
    const factory = makeNcsRelease("1.0.0", { dependencies: needsNet });
    const test = new NcsTestDevice(OVERWRITE, { factory });
    test.running.upload(1, makeNcsRelease("0.9.0").net);
    test.running.mark(1, "test");
    expect(test.restart()).toEqual({ kind: "stopped", why: "no application after 8 boots" });
    expect(test.device.lastBoot).toMatchObject({
      decisions: [{ requested: "none", decided: "revert" }, { decided: "test" }],
      why: { image: 0, source: "boot_copy_image", reason: "assertion" },
    });
  });

  it("is met by one that is installed with it", () => {
    const test = new NcsTestDevice(OVERWRITE);
    test.stage(makeNcsRelease("2.0.0", { dependencies: needsNet }));
    test.restart();
    expect(test.holds).toEqual(["2.0.0", "2.0.0"]);
  });
});
