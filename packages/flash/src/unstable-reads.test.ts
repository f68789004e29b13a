// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { describe, expect, it } from "vitest";

import { NandChip } from "./nand-chip.js";
import { W25N01GV } from "./nand-profiles.js";
import { NorChip } from "./nor-chip.js";
import { NRF5340_APP_FLASH } from "./nor-profile.js";
import { MemoryStorage } from "./page-storage.js";
import { PowerLoss } from "./power.js";
import type { Power } from "./power.js";

const unstable: Power = {
  begin: () => ({ when: "inside", tear: "unstable", random: createRandom(3) }),
};
const BYTES = createRandom(1).bytes(W25N01GV.pageBytes);

describe("reads of unstable pages that are decided from outside", () => {
  const outcomes = Array.from({ length: 600 }, (_, i) => i % 3 !== 0);

  it("are as decided on NAND, however many there are", () => {
    const storage = new MemoryStorage();
    const profile = W25N01GV;
    const cut = new NandChip({ name: "nand", profile, storage, power: unstable });
    expect(() => cut.programPage(0, BYTES)).toThrow(PowerLoss);
    const planned = outcomes.values();
    const physics = { unstableReadIsGood: () => planned.next().value ?? false };
    const chip = new NandChip({ name: "nand", profile, storage, physics });
    const found = outcomes.map(() => chip.readPage(0).status === "ok");
    expect(found).toEqual(outcomes);
  });

  it("are as decided on NOR", () => {
    const storage = new MemoryStorage();
    const profile = NRF5340_APP_FLASH;
    const cut = new NorChip({ name: "nor", profile, storage, power: unstable });
    expect(() => cut.write(0, BYTES)).toThrow(PowerLoss);
    const planned = outcomes.values();
    const unstableReadIsGood = (): boolean => planned.next().value ?? false;
    const chip = new NorChip({ name: "nor", profile, storage, unstableReadIsGood });
    const written = BYTES.subarray(0, 1024).join();
    expect(outcomes.map(() => chip.read(0, 1024).join() === written)).toEqual(outcomes);
  });
});
