// SPDX-License-Identifier: Apache-2.0
import { toHex } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { NandChip, PowerLoss } from "@tandem/flash";
import { Store, checkStore, inspectStore, stateName } from "@tandem/store";
import { describe, expect, it } from "vitest";

import { TestDevice, forkFlash, makeRelease } from "../packages/twin/src/testing/test-device.js";

const FACTORY = makeRelease({ version: "1.0.0" });
const NEXT = makeRelease({ version: "1.1.0" });
const WHEN = ["before", "inside", "after"] as const;
/** Limits of the test device, fewer than the default ones. */
const LIMITS = { images: 4, banks: 2, extents: 24, badBlocks: 10, journalBlocks: 14 };
/** Every how many operations one is cut. */
const STRIDE = 3;

/** Thrown in place of the boot that would follow a cut: what is on flash then is looked at. */
class PowerStaysAway extends Error {}

const provisioned = TestDevice.provisioned(FACTORY).flash;

/** Runs an update until it has ended, or until its first cut; true when it has ended. */
function updateUntilCut(device: TestDevice): boolean {
  const { twin } = device;
  const powerOn = twin.powerOn.bind(twin);
  let boots = 0;
  twin.powerOn = () => {
    if (boots++ > 0) throw new PowerStaysAway();
    return powerOn();
  };
  try {
    device.boot();
    for (let session = 0; session < 20; session++) {
      const { state, reason } = device.running.service.query();
      if (state === "FAILED" || (state === "UPDATED" && reason === null)) return true;
      if (state === "READY") device.stage(NEXT);
      device.settle();
    }
    return true;
  } catch (error) {
    if (error instanceof PowerLoss || error instanceof PowerStaysAway) return false;
    throw error;
  }
}

describe.each(["accepted", "rolled-back"] as const)("an update that is %s", (ending) => {
  it("leaves a store without an error wherever it is cut, and inspected as it mounts", () => {
    const states = new Set<string>();
    for (const when of WHEN) {
      for (let at = 0; ; at += STRIDE) {
        const device = new TestDevice(forkFlash(provisioned), [FACTORY, NEXT], 1);
        if (ending === "rolled-back") {
          device.net.set(toHex(NEXT.hashes[1] ?? new Uint8Array(0)), { kind: "silent" });
        }
        device.twin.power.planCut({ when, matches: () => true, skip: at });
        const hasEnded = updateUntilCut(device);
        const storage = device.flash.nand.fork();
        const { geometry: profile } = device.twin.nand;
        const chip = new NandChip({ name: "nand", profile, storage });
        const inspection = inspectStore(chip, { limits: LIMITS, crypto: nodeCrypto });
        const { record } = Store.mount(chip, { limits: LIMITS });
        expect(inspection.record).toEqual(record);
        const errors = checkStore(inspection).filter((found) => found.severity === "error");
        expect(errors, `cut ${when} operation ${at}`).toEqual([]);
        states.add(stateName(record.state));
        if (hasEnded) break;
      }
    }
    const common = ["READY", "WRITING", "CANDIDATE", "STAGED", "INSTALLING", "TRIAL"];
    const last = ending === "accepted" ? ["UPDATED"] : ["REJECTED", "FAILED"];
    expect([...states].toSorted()).toEqual([...common, ...last].toSorted());
  });
});
