// SPDX-License-Identifier: Apache-2.0
import { PROGRAM_TEARS, PowerLoss } from "@tandem/flash";
import { describe, expect, it } from "vitest";

import { TestDevice, forkFlash, makeRelease } from "../testing/test-device.js";

const FACTORY = makeRelease({ version: "1.0.0" });
const [NEXT_ID = new Uint8Array(32)] = makeRelease({ version: "1.1.0" }).hashes;
const KINDS = ["installing", "trial", "accepted"] as const;

const provisioned = TestDevice.provisioned(FACTORY).flash;

describe("an entry of the marker whose write was cut", () => {
  it.each(KINDS)("counts as a whole or not at all: %s", (kind) => {
    const whole = new TestDevice(forkFlash(provisioned)).twin.marker;
    const before = whole.read();
    if (kind === "installing") whole.beginInstall(NEXT_ID, [false, false]);
    else whole.confirm(kind, NEXT_ID);
    const after = whole.read();
    for (const tear of PROGRAM_TEARS) {
      for (let seed = 0; seed < 20; seed++) {
        const flash = forkFlash(provisioned);
        const { twin } = new TestDevice(flash, [], 0, { seed });
        twin.power.planCut({ when: "inside", tear, matches: () => true });
        expect(() => {
          if (kind === "installing") twin.marker.beginInstall(NEXT_ID, [false, false]);
          else twin.marker.confirm(kind, NEXT_ID);
        }).toThrow(PowerLoss);
        expect([before, after]).toContainEqual(new TestDevice(flash).twin.marker.read());
      }
    }
  });
});
