// SPDX-License-Identifier: Apache-2.0
import { TandemError, createRandom } from "@tandem/base";
import type { Random } from "@tandem/base";
import { MemoryStorage, NandChip, STEADY_POWER } from "@tandem/flash";
import { describe, expect, it } from "vitest";

import { Store } from "./store.js";
import type { StoreLimits } from "./store-plan.js";
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

/** Limits for a worn chip of 64 blocks: 20 bad when it left the factory, 10 more since. */
const WORN: StoreLimits = { ...LIMITS, extents: 16, badBlocks: 31, journalBlocks: 24 };

function someBlocks(
  random: Random,
  count: number,
  below: number,
  not: ReadonlySet<number>,
): Set<number> {
  const blocks = new Set<number>();
  while (blocks.size < count) {
    const block = random.below(below);
    if (!not.has(block)) blocks.add(block);
  }
  return blocks;
}

/** Physical blocks of one copy of an image. */
function blocksOf(store: Store, image: number, copy: 0 | 1): number[] {
  const extents = store.record.banks[0]?.images[image]?.copies[copy] ?? [];
  return extents.flatMap(({ firstBlock, count }) =>
    Array.from({ length: count }, (_, i) => firstBlock + i),
  );
}

function destroyBlock(chip: NandChip, block: number): void {
  for (let page = 0; page < PROFILE.pagesPerBlock; page++) {
    chip.decayPage(block * PROFILE.pagesPerBlock + page, 2, createRandom(page + 1));
  }
}

/** `whole`, or the code of the error that ended it. */
function receiveWithin(
  chip: NandChip,
  limits: StoreLimits,
  grown: ReadonlySet<number> = new Set(),
): string {
  try {
    const store = Store.format(chip, { limits });
    for (const block of grown) chip.wearOut(block);
    receive(store);
    return damagedImage(Store.mount(chip, { limits })) === null ? "whole" : "damaged";
  } catch (error) {
    if (error instanceof TandemError) return error.code;
    throw error;
  }
}

describe("a store on a bad chip", () => {
  it("works with 20 factory bad and 10 grown bad blocks anywhere", () => {
    let worked = 0;
    for (let seed = 0; seed < 200; seed++) {
      const bench = new Bench();
      const chip = bench.chip(STEADY_POWER);
      const random = createRandom(seed);
      const factory = someBlocks(random, 20, PROFILE.blockCount, new Set());
      for (const block of factory) chip.markFactoryBad(block);
      const grown = someBlocks(random, 10, PROFILE.blockCount, factory);
      const ended = receiveWithin(chip, WORN, grown);
      // Nearly all journal blocks may be bad: then the store says so instead of going on.
      expect(ended, `seed ${seed}`).toMatch(
        /^(whole|store\/(journal-full|no-space|too-fragmented))$/,
      );
      if (ended === "whole") worked += 1;
      expect(bench.violations, `seed ${seed}`).toEqual([]);
    }
    expect(worked).toBeGreaterThan(190);
  });

  it("loses nothing to any one block of any copy that becomes unreadable", () => {
    for (const image of [0, 1]) {
      for (const copy of [0, 1] as const) {
        const count = Math.ceil(imageBytes(image).length / (2 * PROFILE.pageBytes));
        for (let index = 0; index < count; index++) {
          const bench = new Bench();
          const chip = bench.chip(STEADY_POWER);
          receive(Store.format(chip, { limits: LIMITS }));
          const store = Store.mount(chip, { limits: LIMITS });
          destroyBlock(chip, blocksOf(store, image, copy)[index] ?? 0);
          const bytes = imageBytes(image);
          expect(store.readImage(0, image).read(0, bytes.length)).toEqual(bytes);
          expect(store.patrol([0])).toMatchObject({ movedBlocks: 1, lost: [] });
          expect(damagedImage(Store.mount(chip, { limits: LIMITS }))).toBeNull();
        }
      }
    }
  });

  it("loses no state to any one journal block that becomes unreadable", () => {
    for (let block = 0; block < LIMITS.journalBlocks; block++) {
      const bench = new Bench();
      const chip = bench.chip(STEADY_POWER);
      const store = Store.format(chip, { limits: LIMITS });
      for (let trials = 1; trials <= 17; trials++) store.commit({ trials });
      destroyBlock(chip, block);
      const again = Store.mount(chip, { limits: LIMITS });
      expect(again.record.trials, `block ${block}`).toBe(17);
      again.commit({ trials: 18 });
      expect(Store.mount(chip, { limits: LIMITS }).record.trials).toBe(18);
      expect(bench.violations).toEqual([]);
    }
  });

  it("loses nothing to any two pages that become unreadable in different images", () => {
    const bench = new Bench();
    receive(Store.format(bench.chip(STEADY_POWER), { limits: LIMITS }));
    const store = Store.mount(bench.chip(STEADY_POWER), { limits: LIMITS });
    const pagesOf = (image: number): number[] =>
      ([0, 1] as const).flatMap((copy) =>
        blocksOf(store, image, copy).flatMap((block) =>
          Array.from(
            { length: PROFILE.pagesPerBlock },
            (_, i) => block * PROFILE.pagesPerBlock + i,
          ),
        ),
      );
    for (const first of pagesOf(0)) {
      for (const second of pagesOf(1)) {
        const chip = new NandChip({
          name: "nand",
          profile: PROFILE,
          storage: bench.storage.fork(),
        });
        for (const page of [first, second]) chip.decayPage(page, 2, createRandom(page));
        const damaged = Store.mount(chip, { limits: LIMITS });
        expect(damaged.patrol([0]).lost, `pages ${first} and ${second}`).toEqual([]);
        expect(damagedImage(damaged)).toBeNull();
      }
    }
  });

  it.each([3, 5, 7, 11])(
    "works on a chip that fails every %ith program, or says why not",
    (nth) => {
      const chip = new NandChip({
        name: "nand",
        profile: { ...PROFILE, pageBytes: 2048, blockCount: 200 },
        storage: new MemoryStorage(),
        physics: { failEveryNthProgram: nth },
      });
      const limits = { ...LIMITS, badBlocks: 150, journalBlocks: 100, extents: 40 };
      expect(receiveWithin(chip, limits)).toMatch(
        /^(whole|store\/(journal-full|no-space|too-fragmented))$/,
      );
    },
  );

  it("keeps every bad block that it has met, in the journal too", () => {
    const bench = new Bench();
    const chip = bench.chip(STEADY_POWER);
    Store.format(chip, { limits: LIMITS });
    // The blocks that the chains take next, and some of the bank's.
    const worn = [2, 3, 4, 5, 16, 18];
    for (const block of worn) chip.wearOut(block);
    receive(Store.mount(chip, { limits: LIMITS }));
    const again = Store.mount(chip, { limits: LIMITS });
    for (let trials = 0; trials < 20; trials++) again.commit({ trials });
    expect(damagedImage(again)).toBeNull();
    expect(Store.mount(chip, { limits: LIMITS }).record.badBlocks).toEqual(worn);
    expect(bench.violations).toEqual([]);
  });

  it("keeps its journal while each chain has two blocks left, and then says that it is full", () => {
    const limits: StoreLimits = { ...LIMITS, journalBlocks: 8 };
    const power = new CutPower(null, "inside", 1);
    const chip = new Bench().chip(power);
    let store = Store.format(chip, { limits });
    let trials = 0;
    for (let worn = 0; worn <= 4; worn++) {
      if (worn > 0) chip.wearOut(worn * 2 - 1);
      for (let session = 0; session < 40; session++) {
        trials = (trials + 1) % 200;
        store = Store.mount(chip, { limits });
        for (let repeat = 0; repeat <= session % 7; repeat++) store.commit({ trials });
        expect(Store.mount(chip, { limits }).record.trials).toBe(trials);
        // A session that is cut in its first write must not be the last.
        power.at = power.count + (session % 5);
        const cut = Store.mount(chip, { limits });
        expect(attempt(() => cut.commit({ trials }))).toBe(false);
      }
    }
    expect(store.record.badBlocks).toEqual([1, 3, 5, 7]);
    for (const block of [0, 2, 4]) chip.wearOut(block);
    const again = Store.mount(chip, { limits });
    expect(() => again.commit({ trials: 201 })).toThrow(/no good block left for journal chain/);
  });

  it("says so when more blocks have failed than a record can name", () => {
    const limits: StoreLimits = { ...LIMITS, badBlocks: 2 };
    const chip = new Bench().chip(STEADY_POWER);
    Store.format(chip, { limits });
    for (const block of [3, 5, 7]) chip.wearOut(block);
    const sessions = (): void => {
      for (let trials = 1; trials < 20; trials++) Store.mount(chip, { limits }).commit({ trials });
    };
    expect(sessions).toThrow("3 bad blocks, the store allows 2");
    expect(Store.mount(chip, { limits }).record.trials).toBeGreaterThan(0);
  });

  it("does not believe wrong data that the chip's ECC calls good", () => {
    const bench = new Bench();
    const chip = bench.chip(STEADY_POWER);
    receive(Store.format(chip, { limits: LIMITS }));
    const store = Store.mount(chip, { limits: LIMITS });
    const page = (blocksOf(store, 0, 0)[0] ?? 0) * PROFILE.pagesPerBlock + 1;
    // A whole page of other data with a matching code: what a misdirected write leaves behind.
    const other = (blocksOf(store, 1, 0)[0] ?? 0) * PROFILE.pagesPerBlock + 1;
    const stored = bench.storage.read(other);
    if (stored !== null) bench.storage.write(page, stored.slice());
    expect(chip.readPage(page).status).toBe("ok");
    expect(store.readImage(0, 0).read(0, 5000)).toEqual(imageBytes(0));
    expect(store.patrol([0]).movedBlocks).toBe(1);
  });

  it("names image and bytes when both copies of a page are lost", () => {
    const chip = new Bench().chip(STEADY_POWER);
    const store = Store.format(chip, { limits: LIMITS });
    receive(store);
    for (const copy of [0, 1] as const) destroyBlock(chip, blocksOf(store, 0, copy)[1] ?? 0);
    expect(() => store.readImage(0, 0).read(0, 5000)).toThrow(
      "bank 0, image 0: bytes from 0x800 are lost in both copies",
    );
  });
});
