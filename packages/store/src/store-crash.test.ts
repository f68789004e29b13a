// SPDX-License-Identifier: Apache-2.0
import { FormatError, bytesEqual, createRandom } from "@tandem/base";
import {
  MX25R6435F,
  MemoryStorage,
  NandChip,
  NorChip,
  NorPages,
  PowerLoss,
  TC58CVG,
  W25N01GV,
  tearsOf,
} from "@tandem/flash";
import type { Cut, FlashOperation, PagedFlash, Power, RuleViolation, Tear } from "@tandem/flash";
import { describe, expect, it } from "vitest";

import { Store } from "./store.js";
import type { StoreLimits } from "./store-plan.js";

const LIMITS: StoreLimits = { images: 2, banks: 2, extents: 16, badBlocks: 8, journalBlocks: 12 };

/** Bytes of the images of two releases: a block and a bit, and less than a page. */
const RELEASES = [0, 1].map((release) => [
  createRandom(release * 2 + 1).bytes(6000),
  createRandom(release * 2 + 2).bytes(700),
]);

/** Power that goes at one operation, in one way; counts all of them. */
class OneCut implements Power {
  operations: FlashOperation[] = [];
  readonly #at: number;
  readonly #cut: Cut;

  constructor(at: number, cut: Cut) {
    this.#at = at;
    this.#cut = cut;
  }

  begin(operation: FlashOperation): Cut | null {
    this.operations.push(operation);
    return this.operations.length - 1 === this.#at ? this.#cut : null;
  }
}

const STEADY: Power = { begin: () => null };

interface FlashKind {
  readonly name: string;
  readonly make: (
    storage: MemoryStorage,
    power: Power,
    violations: RuleViolation[],
    seed: number,
  ) => PagedFlash;
  /** Makes a page close to unreadable; flash without ECC has nothing like it. */
  readonly decay: (storage: MemoryStorage, page: number) => void;
  /** Makes a page unreadable, or wrong where there is no ECC. */
  readonly lose: (storage: MemoryStorage, page: number) => void;
  /** Programs and erases of a block fail from now on; NOR tells of no such thing. */
  readonly wearOut: (storage: MemoryStorage, block: number) => void;
}

function nandKind(name: string, profile: typeof W25N01GV, bits: number): FlashKind {
  const small = { ...profile, pagesPerBlock: 4, blockCount: 40 };
  return {
    name,
    make: (storage, power, violations, seed) => {
      const onViolation = (violation: RuleViolation): void => void violations.push(violation);
      const random = createRandom(seed);
      return new NandChip({ name: "nand", profile: small, storage, power, onViolation, random });
    },
    decay: (storage, page) => {
      const chip = new NandChip({ name: "nand", profile: small, storage });
      chip.decayPage(page, bits, createRandom(page));
    },
    lose: (storage, page) => {
      const chip = new NandChip({ name: "nand", profile: small, storage });
      chip.decayPage(page, 3 * bits, createRandom(page));
    },
    wearOut: (storage, block) => {
      new NandChip({ name: "nand", profile: small, storage }).wearOut(block);
    },
  };
}

const KINDS: readonly FlashKind[] = [
  nandKind("NAND with 1-bit ECC", W25N01GV, 1),
  nandKind("NAND with 8-bit ECC", TC58CVG, 6),
  {
    name: "NOR",
    make: (storage, power, violations) => {
      const profile = { ...MX25R6435F, sizeBytes: 40 * 0x10000 };
      const onViolation = (violation: RuleViolation): void => void violations.push(violation);
      return new NorPages(new NorChip({ name: "nor", profile, storage, power, onViolation }));
    },
    decay: () => undefined,
    lose: (storage, page) => {
      // One storage page is an erase unit: two pages of the store.
      const unit = storage.read(page >> 1)?.slice() ?? new Uint8Array(4096).fill(0xff);
      unit[(page & 1) * 2048 + 5] = (unit[(page & 1) * 2048 + 5] ?? 0) ^ 0x10;
      storage.write(page >> 1, unit);
    },
    wearOut: () => undefined,
  },
];

/** One release after the other, then a patrol over both; goes on where an earlier session ended. */
function tellStory(flash: PagedFlash, acknowledge: (trials: number) => void): void {
  const store = Store.mount(flash, { limits: LIMITS });
  // As every boot does: a record in one chain only may be gone at the next read.
  if (!store.isSettled) store.settle();
  for (const [bank, images] of RELEASES.entries()) {
    if (store.record.trials > bank) continue;
    receiveInto(store, bank, images);
    store.commit({ acceptedBank: bank, trials: bank + 1 });
    acknowledge(bank + 1);
  }
  if (store.record.trials === 2) {
    for (const range of store.patrol([0, 1]).lost) {
      const bytes = RELEASES[range.bank]?.[range.image] ?? new Uint8Array(0);
      store.repair(range, bytes.subarray(range.offsetBytes, range.offsetBytes + range.lengthBytes));
    }
    store.commit({ trials: 3 });
    acknowledge(3);
  }
}

function receiveInto(store: Store, bank: number, images: readonly Uint8Array[]): void {
  if (store.record.candidateBank !== bank) {
    const incoming = images.map((bytes) => ({
      sizeBytes: bytes.length,
      fileDigest: new Uint8Array(32),
      version: new Uint8Array(8),
    }));
    store.commit({ ...store.reserveBank(bank, incoming), candidateBank: bank });
  }
  for (const [image, bytes] of images.entries()) {
    const writer = store.writeImage(bank, image);
    writer.write(writer.positionBytes, bytes.subarray(writer.positionBytes));
  }
}

/** Runs one session; the last state that it acknowledged, 0 for none. */
function session(
  kind: FlashKind,
  storage: MemoryStorage,
  power: OneCut,
  violations: RuleViolation[],
): number {
  let acknowledged = 0;
  try {
    tellStory(kind.make(storage, power, violations, 1), (trials) => {
      acknowledged = trials;
    });
  } catch (error) {
    if (!(error instanceof PowerLoss)) throw error;
  }
  return acknowledged;
}

/** What is wrong with a chip after a session, for a store that had acknowledged so much. */
function damage(
  kind: FlashKind,
  storage: MemoryStorage,
  acknowledged: number,
  start: "fresh" | "decayed" = "fresh",
): string | null {
  const store = Store.mount(kind.make(storage, STEADY, [], 1), { limits: LIMITS });
  const { trials } = store.record;
  if (trials < acknowledged) return `state ${trials}, acknowledged ${acknowledged}`;
  for (let bank = 0; bank < Math.min(trials, RELEASES.length); bank++) {
    for (const [image, bytes] of (RELEASES[bank] ?? []).entries()) {
      // Both copies of a page were lost on purpose, until the repair is acknowledged.
      if (start === "decayed" && bank === 1 && image === 1 && trials < 3) continue;
      const read = store.readImage(bank, image).read(0, bytes.length);
      if (!bytesEqual(read, bytes)) return `bank ${bank}, image ${image}: other bytes`;
    }
  }
  return null;
}

/** A formatted chip; two of the blocks that come next fail, one of the journal and one of a bank. */
function fresh(kind: FlashKind): MemoryStorage {
  const storage = new MemoryStorage();
  Store.format(kind.make(storage, STEADY, [], 1), { limits: LIMITS });
  for (const block of [3, LIMITS.journalBlocks + 1]) kind.wearOut(storage, block);
  return storage;
}

/** The chip after both releases: weak pages in both copies of different blocks, one page lost. */
function decayed(kind: FlashKind): MemoryStorage {
  const storage = fresh(kind);
  const flash = kind.make(storage, STEADY, [], 1);
  const store = Store.mount(flash, { limits: LIMITS });
  for (const [bank, images] of RELEASES.entries()) {
    receiveInto(store, bank, images);
    store.commit({ acceptedBank: bank, trials: bank + 1 });
  }
  const { pagesPerBlock } = flash.geometry;
  const [first, second] = store.record.banks[0]?.images[0]?.copies ?? [];
  kind.decay(storage, (first?.[0]?.firstBlock ?? 0) * pagesPerBlock + 1);
  kind.decay(storage, (second?.[0]?.firstBlock ?? 0) * pagesPerBlock + pagesPerBlock + 2);
  for (const extents of store.record.banks[1]?.images[1]?.copies ?? []) {
    kind.lose(storage, (extents[0]?.firstBlock ?? 0) * pagesPerBlock + 1);
  }
  return storage;
}

interface Case {
  readonly at: number;
  readonly when: Cut["when"];
  readonly tear?: Tear;
}

/** Every way to cut every operation of a session that starts from this chip. */
function casesOf(kind: FlashKind, storage: MemoryStorage): Case[] {
  const power = new OneCut(-1, { when: "before", random: createRandom(1) });
  session(kind, storage.fork(), power, []);
  return power.operations.flatMap((operation, at): Case[] => [
    { at, when: "before" },
    ...tearsOf(operation.kind).map((tear): Case => ({ at, when: "inside", tear })),
    { at, when: "after" },
  ]);
}

function cutOf(one: Case): Cut {
  const random = createRandom(one.at * 13 + 5);
  return one.tear === undefined
    ? { when: one.when, random }
    : { when: one.when, random, tear: one.tear };
}

/** The first thing that goes wrong over all cases and second cuts, and how many there were. */
function crashTest(
  kind: FlashKind,
  from: "fresh" | "decayed",
  secondCuts: readonly number[],
): { readonly cases: number; readonly wrong: string | null } {
  let cases = 0;
  const start = from === "fresh" ? fresh(kind) : decayed(kind);
  for (const first of casesOf(kind, start)) {
    for (const second of secondCuts) {
      cases += 1;
      const storage = start.fork();
      const violations: RuleViolation[] = [];
      const what = `${JSON.stringify(first)}, then ${second}`;
      const again: Case = { at: second, when: "inside" };
      const firstState = session(kind, storage, new OneCut(first.at, cutOf(first)), violations);
      const secondState = session(kind, storage, new OneCut(second, cutOf(again)), violations);
      const wrong = damage(kind, storage.fork(), Math.max(firstState, secondState), from);
      if (wrong !== null) return { cases, wrong: `${what}: ${wrong}` };
      session(kind, storage, new OneCut(-1, cutOf(again)), violations);
      const end = damage(kind, storage, 3);
      if (end !== null) return { cases, wrong: `${what}: in the end ${end}` };
      if (violations.length > 0)
        return { cases, wrong: `${what}: ${JSON.stringify(violations[0])}` };
    }
  }
  return { cases, wrong: null };
}

/** What a mount finds after a format was cut: nothing, or a store that can be used. */
function formatCut(kind: FlashKind, one: Case): string | null {
  const storage = decayed(kind);
  const violations: RuleViolation[] = [];
  const power = new OneCut(one.at, cutOf(one));
  try {
    Store.format(kind.make(storage, power, violations, 1), { limits: LIMITS });
  } catch (error) {
    if (!(error instanceof PowerLoss)) throw error;
  }
  try {
    Store.mount(kind.make(storage, STEADY, violations, 1), { limits: LIMITS }).settle();
  } catch (error) {
    if (!(error instanceof FormatError)) return String(error);
  }
  const flash = kind.make(storage, STEADY, violations, 1);
  Store.format(flash, { limits: LIMITS });
  tellStory(flash, () => undefined);
  return violations.length > 0 ? JSON.stringify(violations[0]) : damage(kind, storage, 3);
}

/**
 * Operations of the recovery at which power goes again. `TANDEM_LONG=1` takes every one of them,
 * which is some minutes; otherwise a few, early and late.
 */
function recoveryCuts(few: readonly number[]): readonly number[] {
  return process.env["TANDEM_LONG"] === "1" ? Array.from({ length: 48 }, (_, i) => i) : few;
}

describe.each(KINDS)("a store on $name", (kind) => {
  it("can be formatted again after a format was cut", () => {
    const power = new OneCut(-1, { when: "before", random: createRandom(1) });
    Store.format(kind.make(decayed(kind), power, [], 1), { limits: LIMITS });
    const cases = power.operations.flatMap((operation, at) =>
      tearsOf(operation.kind).map((tear): Case => ({ at, when: "inside", tear })),
    );
    for (const one of cases) expect(formatCut(kind, one), JSON.stringify(one)).toBeNull();
    process.stdout.write(`store format, ${kind.name}: ${cases.length} cases\n`);
    expect(cases.length).toBeGreaterThan(50);
  });

  it("survives a cut at every operation with every tear, and a second one in the recovery", () => {
    // A page of NOR is eight operations, so its cases are many already.
    const receiving = crashTest(kind, "fresh", recoveryCuts(kind.name === "NOR" ? [1] : [0, 2]));
    expect(receiving.wrong).toBeNull();
    const patrolling = crashTest(kind, "decayed", recoveryCuts([0, 1, 3, 6]));
    expect(patrolling.wrong).toBeNull();
    const cases = receiving.cases + patrolling.cases;
    process.stdout.write(`store crash, ${kind.name}: ${cases} cases\n`);
    expect(cases).toBeGreaterThan(1000);
  }, 3_600_000);
});
