// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import type { Random } from "@tandem/base";
import { NandChip, STEADY_POWER } from "@tandem/flash";
import type { Cut, FlashOperation, MemoryStorage, Power, Tear } from "@tandem/flash";
import { describe, expect, it } from "vitest";

import { SetState } from "./set-state.js";
import { Store } from "./store.js";
import {
  Bench,
  CutPower,
  LIMITS,
  PROFILE,
  attempt,
  damagedImage,
  receive,
} from "./testing/test-bench.js";

function countOperations(): number {
  const bench = new Bench();
  Store.format(bench.chip(STEADY_POWER), { limits: LIMITS });
  const power = new CutPower(null, "before", 0);
  receive(Store.mount(bench.chip(power), { limits: LIMITS }));
  return power.count;
}

const WHEN = ["before", "inside", "after"] as const;

describe("a store that loses power", () => {
  const operations = countOperations();

  it("receives a release without breaking a rule of the chip", () => {
    const bench = new Bench();
    const chip = bench.chip(STEADY_POWER);
    const store = Store.format(chip, { limits: LIMITS });
    receive(store);
    expect(damagedImage(store)).toBeNull();
    expect(damagedImage(Store.mount(chip, { limits: LIMITS }))).toBeNull();
    expect(bench.violations).toEqual([]);
  });

  it.each(WHEN)("goes on after a cut %s any operation, and one more in the recovery", (when) => {
    for (let first = 0; first < operations; first++) {
      for (const second of [null, 0, 1, 2, 5, 9]) {
        const bench = new Bench();
        Store.format(bench.chip(STEADY_POWER), { limits: LIMITS });
        const seed = first * 31 + (second ?? 17);
        for (const at of [first, second]) {
          const power = new CutPower(at, when, seed);
          attempt(() => receive(Store.mount(bench.chip(power), { limits: LIMITS })));
        }
        const last = Store.mount(bench.chip(STEADY_POWER), { limits: LIMITS });
        receive(last);
        expect(damagedImage(last)).toBeNull();
        expect(last.record.state).toBe(SetState.CANDIDATE);
        expect(bench.violations, `cut at ${first}, ${second}`).toEqual([]);
      }
    }
  });

  it("has both copies of all it counts, whatever reads badly in one session and well in another", () => {
    const bench = new Bench();
    Store.format(bench.chip(STEADY_POWER), { limits: LIMITS });
    let cases = 0;
    for (let first = 0; first < operations; first++) {
      const torn = bench.storage.fork();
      if (receiveOn(torn, true, cutIn(first, "unstable"))) continue;
      for (let second = 0; ; second++) {
        const storage = torn.fork();
        const isDone = receiveOn(storage, false, cutIn(second, null));
        receiveOn(storage, true, STEADY_POWER);
        const store = Store.mount(new NandChip({ name: "nand", profile: PROFILE, storage }), {
          limits: LIMITS,
        });
        expect(damagedImage(store)).toBeNull();
        const { lost, movedBlocks } = store.patrol([0]);
        expect({ lost, movedBlocks }, `cuts at ${first}, ${second}`).toEqual({
          lost: [],
          movedBlocks: 0,
        });
        cases += 1;
        if (isDone) break;
      }
    }
    expect(cases).toBeGreaterThan(1000);
  });

  it("never loses an acknowledged record to sessions that are cut at their first writes", () => {
    const bench = new Bench();
    const random = createRandom(7);
    Store.format(bench.chip(STEADY_POWER), { limits: LIMITS }).commit({
      trials: 1,
    });
    // The acknowledged record, and those that were attempted since.
    const possible = new Set([1]);
    const unstable = new UnstablePages();
    for (let session = 0; session < 3000; session++) {
      const when = WHEN[random.below(3)] ?? "inside";
      // Mostly in the first erase or program: the copies that such sessions leave must not push out
      // the block that they were copied from.
      const at = random.below(3) === 0 ? random.below(8) : random.below(2);
      const power = new CutPower(at, when, session);
      const chip = bench.chip({ begin: (operation) => unstable.watch(operation, power) });
      const store = Store.mount(chip, { limits: LIMITS });
      expect([...possible], `session ${session}`).toContain(store.record.trials);
      for (const chain of [0, 1]) {
        const survivor = bench.withoutChain(chain, unstable.pages);
        const { trials } = Store.mount(survivor, { limits: LIMITS }).record;
        expect([...possible], `session ${session} without chain ${chain}`).toContain(trials);
      }
      // What read well at mount may be gone at the next read: nothing may rest on it alone.
      if (random.below(8) === 0) unstable.decay(bench.chip(STEADY_POWER), random);
      attempt(() => {
        for (let i = 0; i < 3; i++) {
          const trials = next(store.record.trials);
          possible.add(trials);
          store.commit({ trials });
          possible.clear();
          possible.add(trials);
        }
      });
    }
    expect(unstable.decayed).toBeGreaterThan(200);
    expect(bench.violations).toEqual([]);
  });
});

/** A session that receives the release; true when it was not cut. */
function receiveOn(storage: MemoryStorage, areReadsGood: boolean, power: Power): boolean {
  const physics = { unstableReadIsGood: () => areReadsGood };
  const chip = new NandChip({ name: "nand", profile: PROFILE, storage, physics, power });
  return attempt(() => receive(Store.mount(chip, { limits: LIMITS })));
}

/** A cut after an operation, or one with this tear in it if it is a program. */
function cutIn(at: number, tear: Tear | null): Power {
  let count = 0;
  return {
    begin: ({ kind }) => {
      if (count++ !== at || (tear !== null && kind === "erase")) return null;
      const random = createRandom(1);
      return tear === null ? { when: "after", random } : { when: "inside", tear, random };
    },
  };
}

function next(trials: number): number {
  return (trials % 200) + 1;
}

/** Pages whose program was cut at its very end: they read well until they do not. */
class UnstablePages {
  readonly pages = new Set<number>();
  decayed = 0;

  watch(operation: FlashOperation, power: Power): Cut | null {
    const cut = power.begin(operation);
    const page = operation.address / PROFILE.pageBytes;
    if (operation.kind === "erase" && cut?.when !== "before") {
      for (let i = 0; i < PROFILE.pagesPerBlock; i++) this.pages.delete(page + i);
    }
    if (operation.kind === "program" && cut?.when === "after") this.pages.add(page);
    return cut;
  }

  /** All of them go bad at once. */
  decay(chip: NandChip, random: Random): void {
    for (const page of this.pages) chip.decayPage(page, 2, random);
    this.decayed += this.pages.size;
    this.pages.clear();
  }
}

describe("a store on a worn chip", () => {
  it("moves to fresh blocks when blocks fail, and remembers the bad ones", () => {
    const bench = new Bench();
    const chip = bench.chip(STEADY_POWER);
    const store = Store.format(chip, { limits: LIMITS });
    for (const block of [1, 3, 17, 19, 22]) chip.wearOut(block);
    receive(store);
    expect(damagedImage(store)).toBeNull();
    const again = Store.mount(chip, { limits: LIMITS });
    expect(damagedImage(again)).toBeNull();
    expect(again.record.badBlocks).toEqual(expect.arrayContaining([17, 19]));
    expect(bench.violations).toEqual([]);
  });

  it("never touches factory bad blocks", () => {
    const bench = new Bench();
    const chip = bench.chip(STEADY_POWER);
    for (const block of [1, 2, 16, 18, 40]) chip.markFactoryBad(block);
    const store = Store.format(chip, { limits: LIMITS });
    receive(store);
    expect(damagedImage(store)).toBeNull();
    expect(store.record.badBlocks).toEqual([1, 2, 16, 18, 40]);
    expect(bench.violations).toEqual([]);
  });

  it("serves a page that one copy has lost from the other, and says when both are lost", () => {
    const bench = new Bench();
    const chip = bench.chip(STEADY_POWER);
    const events: string[] = [];
    const store = Store.format(chip, {
      limits: LIMITS,
      onEvent: (event) => events.push(`${event.image}/${event.copy}`),
    });
    receive(store);
    const image = store.record.banks[0]?.images[0];
    const pageOf = (copy: 0 | 1): number => (image?.copies[copy][0]?.firstBlock ?? 0) * 4 + 1;
    chip.decayPage(pageOf(0), 2, createRandom(1));
    expect(damagedImage(store)).toBeNull();
    expect(events).toContain("0/0");
    chip.decayPage(pageOf(1), 2, createRandom(2));
    expect(() => store.readImage(0, 0).read(0, 10)).toThrow(/bank 0, image 0: bytes from 0x0/);
  });
});
