// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { compareScenario } from "./compare.js";
import { coreMatrix } from "./matrix.js";
import { referenceDirectory } from "./reference.js";

const directory = referenceDirectory();

/** Enough to notice a change; scripts/compare-mcuboot.ts does all of them. */
const sample = coreMatrix().filter((_, i) => i % 9 === 0);

describe.skipIf(directory === null)("Tandem beside MCUboot's C code (TANDEM_MCUBOOT_REF)", () => {
  it("leaves the same bytes after every boot, whatever operation was cut", () => {
    for (const scenario of sample) {
      const { boots, difference } = compareScenario(directory ?? "", scenario);
      expect(difference).toBeNull();
      expect(boots).toBeGreaterThan(10);
    }
  });
});
