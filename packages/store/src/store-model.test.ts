// SPDX-License-Identifier: Apache-2.0
import { deepEqual, equal, ok } from "node:assert/strict";

import { bytesEqual, createRandom } from "@tandem/base";
import { PowerLoss } from "@tandem/flash";
import type { NandChip, Power } from "@tandem/flash";
import { assert, commands, constantFrom, integer, modelRun, property } from "fast-check";
import type { Arbitrary, Command } from "fast-check";
import { expect, it } from "vitest";

import { SetState } from "./set-state.js";
import { FREE_BANK } from "./state-record.js";
import { Store } from "./store.js";
import { Bench, LIMITS, PROFILE } from "./testing/test-bench.js";

const BANKS = LIMITS.banks;

/** One image as a model holds it: its bytes, and how many of them need not be sent again. */
interface ModelImage {
  readonly bytes: Uint8Array;
  received: number;
}

/** A store as simple as can be: arrays, no flash. */
interface Model {
  banks: ModelImage[][];
  trials: number;
}

/** The real thing: a store on a chip that can be cut and mounted again. */
class Real implements Power {
  readonly bench = new Bench();
  readonly chip: NandChip;
  store: Store;
  /** Operations until power goes; null: it stays. */
  cutIn: number | null = null;
  #seed = 1;

  constructor() {
    this.chip = this.bench.chip(this);
    this.store = Store.format(this.chip, { limits: LIMITS });
  }

  begin(): ReturnType<Power["begin"]> {
    if (this.cutIn === null || this.cutIn-- > 0) return null;
    this.cutIn = null;
    return { when: "inside", random: createRandom(this.#seed++) };
  }

  mount(): void {
    this.cutIn = null;
    this.store = Store.mount(this.chip, { limits: LIMITS });
  }
}

type StoreCommand = Command<Model, Real>;

/** Reserves a bank for images of some sizes; what it held before is gone. */
class Reserve implements StoreCommand {
  readonly bank: number;
  readonly sizes: readonly number[];

  constructor(bank: number, sizes: readonly number[]) {
    this.bank = bank;
    this.sizes = sizes;
  }

  check(): boolean {
    return true;
  }

  run(model: Model, real: Real): void {
    const images = this.sizes.map((size) => ({
      bytes: createRandom(size).bytes(size),
      received: 0,
    }));
    const incoming = images.map(({ bytes }) => ({
      sizeBytes: bytes.length,
      fileDigest: new Uint8Array(32),
      version: new Uint8Array(8),
    }));
    real.store.commit({ ...real.store.reserveBank(this.bank, incoming), state: SetState.WRITING });
    model.banks[this.bank] = images;
  }

  toString(): string {
    return `reserve(${this.bank}, [${this.sizes.join(", ")}])`;
  }
}

/** Writes some more of an image, from where the medium says that it ends; maybe with a cut. */
class Write implements StoreCommand {
  readonly bank: number;
  readonly image: number;
  readonly length: number;
  readonly cutIn: number | null;

  constructor(bank: number, image: number, length: number, cutIn: number | null) {
    this.bank = bank;
    this.image = image;
    this.length = length;
    this.cutIn = cutIn;
  }

  check(model: Readonly<Model>): boolean {
    return model.banks[this.bank]?.[this.image] !== undefined;
  }

  run(model: Model, real: Real): void {
    const image = model.banks[this.bank]?.[this.image];
    if (image === undefined) return;
    const before = real.store.receivedBytes(this.bank, this.image);
    equal(before, image.received);
    real.cutIn = this.cutIn;
    try {
      const writer = real.store.writeImage(this.bank, this.image);
      const end = Math.min(before + this.length, image.bytes.length);
      writer.write(before, image.bytes.subarray(before, end));
      image.received = receivedAfter(real, image, end);
    } catch (error) {
      if (!(error instanceof PowerLoss)) throw error;
      real.mount();
      image.received = real.store.receivedBytes(this.bank, this.image);
      // Going on erases what proved the block before.
      ok(image.received >= before - real.store.plan.dataBytesPerBlock);
    }
    real.cutIn = null;
  }

  toString(): string {
    return `write(${this.bank}, ${this.image}, ${this.length}, cut ${this.cutIn ?? "never"})`;
  }
}

/** What counts once `end` bytes were written: blocks behind which a page of the next one stands. */
function receivedAfter(real: Real, image: ModelImage, end: number): number {
  if (end === image.bytes.length) return end;
  const { dataBytesPerBlock, pageBytes } = real.store.plan;
  const followed = Math.floor((end - pageBytes) / dataBytesPerBlock) * dataBytesPerBlock;
  return Math.max(image.received, followed);
}

/** Compares everything that is complete, after a remount. */
class Compare implements StoreCommand {
  check(): boolean {
    return true;
  }

  run(model: Model, real: Real): void {
    real.mount();
    equal(real.store.record.trials, model.trials);
    for (const [bank, images] of model.banks.entries()) {
      equal(real.store.record.banks[bank]?.images.length, images.length);
      for (const [index, image] of images.entries()) {
        equal(real.store.receivedBytes(bank, index), image.received);
        if (image.received < image.bytes.length) continue;
        const read = real.store.readImage(bank, index).read(0, image.bytes.length);
        ok(bytesEqual(read, image.bytes));
      }
    }
    deepEqual(real.bench.violations, []);
  }

  toString(): string {
    return "compare()";
  }
}

/** Commits a number, or frees a bank. */
class Commit implements StoreCommand {
  readonly trials: number;
  readonly freedBank: number | null;

  constructor(trials: number, freedBank: number | null) {
    this.trials = trials;
    this.freedBank = freedBank;
  }

  check(): boolean {
    return true;
  }

  run(model: Model, real: Real): void {
    const { banks } = real.store.record;
    const kept = banks.map((bank, index) => (index === this.freedBank ? FREE_BANK : bank));
    real.store.commit({ trials: this.trials, banks: kept });
    model.trials = this.trials;
    if (this.freedBank !== null) model.banks[this.freedBank] = [];
  }

  toString(): string {
    return `commit(${this.trials}, free ${this.freedBank ?? "none"})`;
  }
}

/** Decays a page of one copy of a complete image, then patrols its bank. */
class DecayAndPatrol implements StoreCommand {
  readonly bank: number;
  readonly copy: 0 | 1;
  readonly bits: number;

  constructor(bank: number, copy: 0 | 1, bits: number) {
    this.bank = bank;
    this.copy = copy;
    this.bits = bits;
  }

  check(model: Readonly<Model>): boolean {
    const images = model.banks[this.bank] ?? [];
    return images.length > 0 && images.every(({ bytes, received }) => received === bytes.length);
  }

  run(_model: Model, real: Real): void {
    const extents = real.store.record.banks[this.bank]?.images[0]?.copies[this.copy] ?? [];
    const page = (extents[0]?.firstBlock ?? 0) * PROFILE.pagesPerBlock + 1;
    real.chip.decayPage(page, this.bits, createRandom(page));
    const { movedBlocks, lost } = real.store.patrol([this.bank]);
    deepEqual({ movedBlocks, lost }, { movedBlocks: 1, lost: [] });
  }

  toString(): string {
    return `decayAndPatrol(${this.bank}, ${this.copy}, ${this.bits})`;
  }
}

const bankNumber = integer({ min: 0, max: BANKS - 1 });
const size = integer({ min: 1, max: 7000 });

const anyCommand: Arbitrary<StoreCommand>[] = [
  bankNumber.chain((bank) => size.chain((a) => size.map((b) => new Reserve(bank, [a, b])))),
  bankNumber.chain((bank) =>
    integer({ min: 0, max: 1 }).chain((image) =>
      integer({ min: 1, max: 7000 }).chain((length) =>
        constantFrom(null, null, null, 0, 1, 2, 3, 5, 8, 13).map(
          (cutIn) => new Write(bank, image, length, cutIn),
        ),
      ),
    ),
  ),
  integer({ min: 0, max: 200 }).chain((trials) =>
    constantFrom(null, null, null, 0, 1).map((bank) => new Commit(trials, bank)),
  ),
  bankNumber.chain((bank) =>
    constantFrom<(0 | 1)[]>(0, 1).chain((copy) =>
      integer({ min: 1, max: 2 }).map((bits) => new DecayAndPatrol(bank, copy, bits)),
    ),
  ),
  constantFrom(new Compare()),
];

/** Enough for 100,000 operations. A failure prints the seed and path that replay it. */
const RUNS = 1100;

it("does what a simple model does, through any sequence of operations and cuts", () => {
  let operations = 0;
  const sequence = commands(anyCommand, { maxCommands: 200, size: "max" });
  assert(
    property(sequence, (steps) => {
      const model = { banks: Array.from({ length: BANKS }, () => []), trials: 0 };
      modelRun(() => ({ model, real: new Real() }), steps);
      operations += [...steps].length;
    }),
    { numRuns: RUNS },
  );
  process.stdout.write(`store model: ${operations} operations in ${RUNS} runs\n`);
  expect(operations).toBeGreaterThan(100_000);
}, 600_000);
