// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { MemoryStorage } from "@tandem/flash";
import type { NandChip } from "@tandem/flash";
import { describe, expect, it } from "vitest";

import { Store } from "./store.js";
import {
  Bench,
  CutPower,
  LIMITS,
  PROFILE,
  attempt,
  damagedImage,
  imageBytes,
  receive,
} from "./testing/test-bench.js";

const STEADY = new CutPower(null, "before", 0);

/** A chip with one complete bank. */
const received = ((): MemoryStorage => {
  const bench = new Bench();
  receive(Store.format(bench.chip(STEADY), { limits: LIMITS }));
  return bench.storage;
})();

function benchWithBank(): Bench {
  const bench = new Bench();
  bench.storage = received.fork();
  return bench;
}

/** Physical page of a data page of one copy. */
function pageOf(
  store: Store,
  image: number,
  copy: 0 | 1,
  logicalBlock: number,
  index: number,
): number {
  const extents = store.record.banks[0]?.images[image]?.copies[copy] ?? [];
  const blocks = extents.flatMap(({ firstBlock, count }) =>
    Array.from({ length: count }, (_, i) => firstBlock + i),
  );
  return (blocks[logicalBlock] ?? 0) * PROFILE.pagesPerBlock + 1 + index;
}

function mount(chip: NandChip): Store {
  return Store.mount(chip, { limits: LIMITS });
}

describe("patrol", () => {
  it("finds nothing to do on a healthy chip, and reads each page once", () => {
    const store = mount(benchWithBank().chip(STEADY));
    // 5000 bytes: 3 blocks with 5 pages; 2048 bytes: 1 block with 2 pages; a summary per block.
    expect(store.patrol([0])).toEqual({ pagesRead: 2 * (5 + 3 + 2 + 1), movedBlocks: 0, lost: [] });
  });

  it.each([1, 2])("moves a block with %i flipped bits per sector to a fresh one", (bits) => {
    const bench = benchWithBank();
    const chip = bench.chip(STEADY);
    const store = mount(chip);
    const page = pageOf(store, 0, 1, 1, 0);
    chip.decayPage(page, bits, createRandom(bits));
    expect(store.patrol([0])).toMatchObject({ movedBlocks: 1, lost: [] });
    expect(pageOf(store, 0, 1, 1, 0)).not.toBe(page);
    expect(damagedImage(mount(chip))).toBeNull();
    expect(mount(chip).patrol([0]).movedBlocks).toBe(0);
    expect(bench.violations).toEqual([]);
  });

  it.each([1, 2])("moves a block whose summary has %i flipped bits per sector", (bits) => {
    const bench = benchWithBank();
    const chip = bench.chip(STEADY);
    const store = mount(chip);
    // Behind the only data page of the image's last block.
    const summary = pageOf(store, 0, 0, 2, 1);
    chip.decayPage(summary, bits, createRandom(bits));
    expect(store.patrol([0])).toMatchObject({ movedBlocks: 1, lost: [] });
    expect(pageOf(store, 0, 0, 2, 1)).not.toBe(summary);
    expect(mount(chip).patrol([0]).movedBlocks).toBe(0);
  });

  it("says exactly which bytes both copies have lost, and repair puts them back", () => {
    const bench = benchWithBank();
    const chip = bench.chip(STEADY);
    const store = mount(chip);
    for (const copy of [0, 1] as const) {
      chip.decayPage(pageOf(store, 0, copy, 2, 0), 2, createRandom(copy));
    }
    const { lost } = store.patrol([0]);
    // The last block of 5000 bytes begins at 4096 and holds one page.
    expect(lost).toEqual([{ bank: 0, image: 0, offsetBytes: 4096, lengthBytes: 904 }]);
    const [range] = lost;
    if (range === undefined) throw new Error("unreachable");
    expect(() => store.repair(range, new Uint8Array(904))).toThrow("is not the lost one");
    expect(() => store.repair(range, new Uint8Array(3))).toThrow("3 bytes at 4096");
    store.repair(range, imageBytes(0).subarray(4096));
    expect(damagedImage(mount(chip))).toBeNull();
    expect(store.patrol([0])).toMatchObject({ movedBlocks: 0, lost: [] });
    expect(bench.violations).toEqual([]);
  });

  it("loses a whole block when both summaries are gone, and repairs it", () => {
    const chip = benchWithBank().chip(STEADY);
    const store = mount(chip);
    for (const copy of [0, 1] as const) {
      chip.decayPage(pageOf(store, 1, copy, 0, 2), 2, createRandom(copy));
    }
    const { lost } = store.patrol([0]);
    expect(lost).toEqual([{ bank: 0, image: 1, offsetBytes: 0, lengthBytes: 2048 }]);
    for (const range of lost) store.repair(range, imageBytes(1));
    expect(damagedImage(store)).toBeNull();
  });
});

describe("repair", () => {
  it("puts all back that a block has lost, with what is at hand for it, in one move", () => {
    const chip = benchWithBank().chip(STEADY);
    const store = mount(chip);
    for (const copy of [0, 1] as const) {
      for (const index of [0, 1]) {
        chip.decayPage(pageOf(store, 0, copy, 1, index), 2, createRandom(copy * 2 + index));
      }
    }
    const [whole] = store.patrol([0]).lost;
    expect(whole).toEqual({ bank: 0, image: 0, offsetBytes: 2048, lengthBytes: 2048 });
    const [first, second] = [2048, 3072].map((offsetBytes) => ({
      range: { bank: 0, image: 0, offsetBytes, lengthBytes: 1024 },
      bytes: imageBytes(0).subarray(offsetBytes, offsetBytes + 1024),
    }));
    if (first === undefined || second === undefined) throw new Error("unreachable");
    const { nextAllocation } = store.record;
    expect(() => store.repair(first.range, first.bytes)).toThrow(
      "1024 bytes at 0xc00 of the same block are lost too",
    );
    const wrong = { ...second, bytes: new Uint8Array(1024) };
    expect(() => store.repair(first.range, first.bytes, [wrong])).toThrow("is not the lost one");
    expect(store.record.nextAllocation).toBe(nextAllocation);
    // What is for another block, image or bank is left to its own repair.
    const elsewhere = [{ image: 1 }, { bank: 1 }, { offsetBytes: 0 }].map((place) => ({
      range: { ...second.range, ...place },
      bytes: new Uint8Array(3),
    }));
    store.repair(first.range, first.bytes, [second, ...elsewhere]);
    const moved = store.record.nextAllocation;
    expect(moved).toBe(nextAllocation + 2);
    store.repair(second.range, second.bytes, [first]);
    expect(store.record.nextAllocation).toBe(moved);
    expect(damagedImage(mount(chip))).toBeNull();
    expect(store.patrol([0])).toMatchObject({ movedBlocks: 0, lost: [] });
  });
});

describe("scrub", () => {
  it("moves what reading has met, and only that", () => {
    const chip = benchWithBank().chip(STEADY);
    const store = mount(chip);
    chip.decayPage(pageOf(store, 0, 0, 0, 1), 2, createRandom(1));
    chip.decayPage(pageOf(store, 1, 1, 0, 0), 1, createRandom(2));
    expect(store.scrub()).toBe(0);
    store.readImage(0, 0).read(0, 5000);
    expect(store.scrub()).toBe(1);
    expect(store.scrub()).toBe(0);
    expect(store.patrol([0]).movedBlocks).toBe(1);
  });
});

/** Decays one page of each copy of different blocks, and loses one in both copies. */
function spoil(bench: Bench): void {
  const chip = bench.chip(STEADY);
  const store = mount(chip);
  chip.decayPage(pageOf(store, 0, 0, 0, 1), 2, createRandom(1));
  chip.decayPage(pageOf(store, 0, 1, 1, 0), 1, createRandom(2));
  for (const copy of [0, 1] as const) {
    chip.decayPage(pageOf(store, 1, copy, 0, 1), 2, createRandom(3 + copy));
  }
}

function maintain(chip: NandChip): void {
  const store = mount(chip);
  for (const range of store.patrol([0]).lost) {
    store.repair(range, imageBytes(range.image).subarray(range.offsetBytes));
  }
}

describe.each(["before", "inside", "after"] as const)("maintenance that is cut %s", (when) => {
  function operations(): number {
    const bench = benchWithBank();
    spoil(bench);
    const power = new CutPower(null, when, 0);
    maintain(bench.chip(power));
    return power.count;
  }

  it("at any operation, twice, ends with both copies whole", () => {
    const count = operations();
    expect(count).toBeGreaterThan(40);
    for (let first = 0; first < count; first++) {
      for (const second of [0, 1, 3, 7, 12]) {
        const bench = benchWithBank();
        spoil(bench);
        for (const at of [first, second]) {
          const power = new CutPower(at, when, first * 7 + second);
          attempt(() => maintain(bench.chip(power)));
        }
        const chip = bench.chip(STEADY);
        maintain(chip);
        const store = mount(chip);
        const what = `cuts at ${first} and ${second}`;
        expect(damagedImage(store), what).toBeNull();
        expect(store.patrol([0]), what).toMatchObject({ movedBlocks: 0, lost: [] });
        expect(bench.violations, what).toEqual([]);
      }
    }
  });
});
