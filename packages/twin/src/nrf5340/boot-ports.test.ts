// SPDX-License-Identifier: Apache-2.0
import { BootCoordinator, FlashCore } from "@tandem/update";
import type { BootDecision, CoreInstaller } from "@tandem/update";
import { describe, expect, it } from "vitest";

import { TestDevice, makeRelease } from "../testing/test-device.js";

const FACTORY = makeRelease({ version: "1.0.0" });

/** A network core that holds what the record says. */
const NET: CoreInstaller = {
  core: "net",
  hold: () => undefined,
  confirmInstalled: () => true,
  install: () => ({ ok: true }),
};

/** One boot of the device, and what its ports were asked for, in order. */
function bootOnce({ twin }: TestDevice): { decision: BootDecision; calls: string[] } {
  const calls: string[] = [];
  const { trust, slots, marker, storeFlash, storeOptions, primarySlot } = twin;
  const app = new FlashCore({
    core: "app",
    area: primarySlot,
    trust,
    tick: () => calls.push("page"),
  });
  const coordinator = new BootCoordinator({
    nand: storeFlash,
    storeOptions,
    marker,
    trust,
    slots,
    cores: [app, { ...NET, hold: () => calls.push("hold") }],
    ports: {
      securityCounter: { read: () => 0, raise: () => calls.push("raise") },
      watchdog: { start: () => calls.push("watchdog"), feed: () => undefined },
      resetReason: 0,
      seal: () => calls.push("seal"),
    },
  });
  return { decision: coordinator.run(), calls };
}

describe("a boot", () => {
  it.each([
    ["start", () => undefined],
    ["reset", (device: TestDevice) => device.twin.primarySlot.erasePage(0)],
    [
      "recovery",
      (device: TestDevice) => {
        const { storeFlash, storeOptions, marker } = device.twin;
        const blocks = storeOptions.limits?.journalBlocks ?? 0;
        for (let block = 0; block < blocks; block++) storeFlash.eraseBlock(block);
        marker.beginInstall(new Uint8Array(16), [false, false]);
      },
    ],
  ] as const)("that ends in %s holds the network core first and seals PCD last", (kind, harm) => {
    const device = TestDevice.provisioned(FACTORY);
    harm(device);
    const { decision, calls } = bootOnce(device);
    expect(decision.kind).toBe(kind);
    expect(calls[0]).toBe("hold");
    expect(calls.indexOf("seal")).toBe(calls.length - 1);
  });

  it("that installs the application core feeds the watchdog at each of its pages", () => {
    const device = TestDevice.provisioned(FACTORY);
    device.twin.primarySlot.erasePage(0);
    const { calls } = bootOnce(device);
    const [app = new Uint8Array(0)] = FACTORY.images;
    const pages = Math.ceil(app.length / device.twin.primarySlot.pageBytes);
    expect(calls.filter((call) => call === "page")).toHaveLength(pages);
  });
});
