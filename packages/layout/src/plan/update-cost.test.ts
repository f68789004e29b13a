// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { MX25R6435F, MemoryStorage, NandChip, NorChip, NorPages, W25N01GV } from "@tandem/flash";
import type { FlashOperation, PagedFlash } from "@tandem/flash";
import { SetState, Store } from "@tandem/store";
import { describe, expect, it } from "vitest";

import type { LayoutPlan, PlanOptions, StoreChip } from "./layout-plan.js";
import { planLayout } from "./plan-layout.js";
import { updateCost } from "./update-cost.js";

const OPTIONS: Omit<PlanOptions, "chip"> = {
  internalBytes: 0x100000,
  appBytes: 280_000,
  netBytes: 173_000,
  growthPercent: 20,
  banks: null,
  settingsBytes: 0x10000,
  way: "devicetree",
  sdk: null,
  keyFile: "/keys/product.pem",
  updatesPerYear: 12,
};

/** What the store did with a chip, behind its journal. */
interface Measured {
  readonly programs: number;
  readonly erases: number;
  readonly seconds: number;
}

/** Receives both images of the plan into a store of the plan's size on a model of the chip. */
function receive(
  plan: LayoutPlan,
  chip: PagedFlash,
  counter: { us: number; operations: FlashOperation[] },
): Measured {
  const { limits, blocks, blockBytes } = plan.store;
  const geometry = { ...chip.geometry, blockCount: blocks };
  const partition: PagedFlash = {
    geometry,
    eccStrengthBits: chip.eccStrengthBits,
    readPage: (page) => chip.readPage(page),
    programPage: (page, data) => chip.programPage(page, data),
    eraseBlock: (block) => chip.eraseBlock(block),
    isMarkedBad: (block) => chip.isMarkedBad(block),
  };
  Store.format(partition, { limits });
  const store = Store.mount(partition, { limits });
  counter.us = 0;
  counter.operations.length = 0;
  const sizes = [plan.options.appBytes, plan.options.netBytes];
  const incoming = sizes.map((sizeBytes) => ({
    sizeBytes,
    fileDigest: new Uint8Array(32),
    version: new Uint8Array(8),
  }));
  store.commit({ ...store.reserveBank(0, incoming), state: SetState.WRITING, candidateBank: 0 });
  for (const [image, size] of sizes.entries()) {
    store.writeImage(0, image).write(0, createRandom(image).bytes(size));
  }
  store.commit({ state: SetState.CANDIDATE });
  const journalEnd = limits.journalBlocks * blockBytes;
  const own = counter.operations.filter(({ address }) => address >= journalEnd);
  return {
    programs: own.filter(({ kind }) => kind !== "erase").length,
    erases: own.filter(({ kind }) => kind === "erase").length,
    seconds: counter.us / 1_000_000,
  };
}

function chipOptions() {
  const counter = { us: 0, operations: new Array<FlashOperation>() };
  return {
    counter,
    name: "chip",
    storage: new MemoryStorage(),
    clock: { elapse: (us: number) => void (counter.us += us) },
    power: {
      begin: (operation: FlashOperation) => {
        counter.operations.push(operation);
        return null;
      },
    },
  };
}

describe("updateCost", () => {
  it("counts what the store does with a NAND", () => {
    const chip: StoreChip = { kind: "nand", name: "W25N01GV", profile: W25N01GV };
    const plan = planLayout({ ...OPTIONS, chip });
    const { counter, ...options } = chipOptions();
    const measured = receive(plan, new NandChip({ ...options, profile: W25N01GV }), counter);
    const cost = updateCost(plan);
    expect([measured.programs * W25N01GV.pageBytes, measured.erases]).toEqual([
      cost.storedBytes,
      cost.storeErases,
    ]);
    // The store reads back what it journals, and its records take time too.
    expect(measured.seconds / cost.storeSeconds).toBeGreaterThan(0.95);
    expect(measured.seconds / cost.storeSeconds).toBeLessThan(1.1);
  });

  it("estimates what the store does with a NOR", () => {
    const chip: StoreChip = { kind: "nor", name: "MX25R64", profile: MX25R6435F };
    const plan = planLayout({ ...OPTIONS, chip });
    const { counter, ...options } = chipOptions();
    const nor = new NorPages(new NorChip({ ...options, profile: MX25R6435F }));
    const measured = receive(plan, nor, counter);
    const cost = updateCost(plan);
    expect(measured.erases).toBe(cost.storeErases);
    expect(measured.seconds / cost.storeSeconds).toBeGreaterThan(0.9);
    expect(measured.seconds / cost.storeSeconds).toBeLessThan(1.25);
  });
});
