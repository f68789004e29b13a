// SPDX-License-Identifier: Apache-2.0
import { TandemError, createRandom, toHex } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { MemoryStorage, NandChip, STEADY_POWER } from "@tandem/flash";
import { checkStore, inspectStore, Store } from "@tandem/store";
import type { StoreFinding, StoreInspection } from "@tandem/store";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  Bench,
  CutPower,
  LIMITS,
  PROFILE,
  attempt,
  receive,
} from "../packages/store/src/testing/test-bench.js";

const PAGE_BYTES = PROFILE.pageBytes + PROFILE.spareBytes;
const PAGES = PROFILE.pagesPerBlock * PROFILE.blockCount;

function inspect(bench: Bench): StoreInspection {
  return inspectStore(bench.chip(STEADY_POWER), { limits: LIMITS, crypto: nodeCrypto });
}

function codes(findings: readonly StoreFinding[]): string[] {
  return [...new Set(findings.map((found) => found.code))];
}

function errorsOf(inspection: StoreInspection): string[] {
  return codes(checkStore(inspection).filter((found) => found.severity === "error"));
}

/** A chip that has received a release, and whose candidate is staged. */
function received(): { readonly bench: Bench; readonly store: Store } {
  const bench = new Bench();
  const store = Store.format(bench.chip(STEADY_POWER), { limits: LIMITS });
  receive(store);
  return { bench, store };
}

/** Physical block of a logical one in the newest record. */
function blockOf(store: Store, image: number, copy: 0 | 1): number {
  return store.record.banks[0]?.images[image]?.copies[copy][0]?.firstBlock ?? -1;
}

/** Raw pages of a chip, one after the other. */
function dumpOf(bench: Bench): Uint8Array {
  const dump = new Uint8Array(PAGES * PAGE_BYTES).fill(0xff);
  for (let page = 0; page < PAGES; page++) {
    const bytes = bench.storage.read(page);
    if (bytes !== null) dump.set(bytes, page * PAGE_BYTES);
  }
  return dump;
}

function chipOf(dump: Uint8Array): NandChip {
  const pages = Array.from({ length: PAGES }, (_, page) => {
    const bytes = dump.slice(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    return bytes.every((byte) => byte === 0xff) ? null : bytes;
  });
  return new NandChip({ name: "nand", profile: PROFILE, storage: new MemoryStorage(pages) });
}

/** What mount makes of a chip: the state as text, or the code of its error. */
function mounted(chip: NandChip): string {
  try {
    return asText(Store.mount(chip, { limits: LIMITS }).record);
  } catch (error) {
    if (error instanceof TandemError) return error.code;
    throw error;
  }
}

function asText(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    item instanceof Uint8Array ? toHex(item) : typeof item === "bigint" ? String(item) : item,
  );
}

function winnerOf(inspection: StoreInspection): string {
  return inspection.record === null ? "store/not-formatted" : asText(inspection.record);
}

/** Any unsigned number of so many bits. */
function number(bits: number): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max: 2 ** bits - 1 });
}

describe("inspectStore", () => {
  it("shows a received release: history, complete blocks in two copies, nothing wrong", () => {
    const { bench } = received();
    const inspection = inspect(bench);
    expect(winnerOf(inspection)).toBe(mounted(bench.chip(STEADY_POWER)));
    expect(inspection.journal.isSettled).toBe(true);
    expect(inspection.journal.history.map((entry) => entry.state)).toContain("WRITING");
    expect(inspection.journal.history.at(-1)).toMatchObject({
      state: "CANDIDATE",
      places: [{ chain: 0 }, { chain: 1 }],
    });
    const [bank] = inspection.banks;
    expect(bank).toMatchObject({ roles: ["candidate"], mustBeComplete: true });
    const states = bank?.images.flatMap((image) => image.copies.flat().map((block) => block.state));
    expect(new Set(states)).toEqual(new Set(["complete"]));
    // The bench records zeros as digests.
    expect(bank?.images.map((image) => image.digest)).toEqual(["mismatch", "mismatch"]);
    expect(errorsOf(inspection)).toEqual(["image-digest"]);
  });

  it("finds what mount finds, and no error, wherever receiving is cut", () => {
    let operations = 0;
    for (const when of ["before", "inside", "after"] as const) {
      for (let at = 0; ; at++) {
        const bench = new Bench();
        Store.format(bench.chip(STEADY_POWER), { limits: LIMITS });
        const power = new CutPower(at, when, at);
        const isDone = attempt(() => receive(Store.mount(bench.chip(power), { limits: LIMITS })));
        const inspection = inspectStore(bench.chip(STEADY_POWER), { limits: LIMITS });
        expect(winnerOf(inspection)).toBe(mounted(bench.chip(STEADY_POWER)));
        expect(errorsOf(inspection), `${when} ${at}`).toEqual([]);
        expect(inspection.journal.isSettled).toBe(
          Store.mount(bench.chip(STEADY_POWER), { limits: LIMITS }).isSettled,
        );
        if (isDone) break;
        operations += 1;
      }
    }
    expect(operations).toBeGreaterThan(100);
  });

  it("tells complete, lost, damaged, open and stale blocks apart", () => {
    const { bench, store } = received();
    const chip = bench.chip(STEADY_POWER);
    const [first, second] = [blockOf(store, 0, 0), blockOf(store, 1, 1)];
    const { pagesPerBlock } = PROFILE;
    chip.decayPage(first * pagesPerBlock + 1, 2, createRandom(1));
    chip.decayPage((first + 1) * pagesPerBlock + 2, 1, createRandom(2));
    bench.storage.erase(second * pagesPerBlock + pagesPerBlock - 1, 1);
    const { banks } = inspect(bench);
    const [a, b] = [banks[0]?.images[0], banks[0]?.images[1]];
    expect(a?.copies[0][0]).toMatchObject({ state: "damaged", unreadablePages: [1] });
    expect(a?.copies[0][1]).toMatchObject({ state: "complete", correctedPages: [2] });
    expect(a).toMatchObject({ singleCopyPages: 1, lost: [] });
    expect(b?.copies[1][0]).toMatchObject({ state: "open", block: second });
    expect(b?.lost).toEqual([]);
  });

  it("names the bytes that neither copy holds", () => {
    const { bench, store } = received();
    for (const copy of [0, 1] as const) {
      const page = blockOf(store, 0, copy) * PROFILE.pagesPerBlock + 2;
      bench.chip(STEADY_POWER).decayPage(page, 2, createRandom(3));
    }
    const inspection = inspect(bench);
    expect(inspection.banks[0]?.images[0]?.lost).toEqual([
      { offsetBytes: 1024, lengthBytes: 1024 },
    ]);
    expect(inspection.banks[0]?.images[0]?.digest).toBe("lost");
    const found = checkStore(inspection).find((finding) => finding.code === "image-lost");
    expect(found).toMatchObject({ severity: "error", place: { bank: 0, image: 0 } });
    expect(found?.message).toContain("0x400 to 0x800");
  });

  it("reads a page of image data that is all 0xFF as good", () => {
    const bench = new Bench();
    const store = Store.format(bench.chip(STEADY_POWER), { limits: LIMITS });
    const image = new Uint8Array(2048).fill(0xff);
    const fileDigest = nodeCrypto.createHash("sha256");
    fileDigest.update(image);
    const incoming = {
      sizeBytes: 2048,
      version: new Uint8Array(8),
      fileDigest: fileDigest.digest(),
    };
    store.commit({ ...store.reserveBank(1, [incoming]), acceptedBank: 1 });
    store.writeImage(1, 0).write(0, image);
    const inspection = inspect(bench);
    expect(inspection.banks[1]?.images[0]).toMatchObject({ digest: "match", singleCopyPages: 0 });
    expect(checkStore(inspection)).toEqual([]);
  });
});

describe("checkStore", () => {
  it("calls a chip without any record not formatted", () => {
    const [found, ...others] = checkStore(inspect(new Bench()));
    expect(found).toMatchObject({ code: "not-formatted", severity: "error" });
    expect(others).toEqual([]);
  });

  it("finds a journal that was cut between its chains", () => {
    const bench = new Bench();
    Store.format(bench.chip(STEADY_POWER), { limits: LIMITS });
    const found = new Set<string>();
    for (let at = 0; at < 6; at++) {
      const store = Store.mount(bench.chip(new CutPower(at, "after", at)), { limits: LIMITS });
      attempt(() => store.commit({ trials: at }));
      for (const code of codes(checkStore(inspect(bench)))) found.add(code);
    }
    expect(found).toContain("journal-unsettled");
  });

  it("finds blocks that are marked bad after they were given away, and marks that are not recorded", () => {
    const { bench, store } = received();
    const block = blockOf(store, 1, 0);
    bench.chip(STEADY_POWER).markFactoryBad(block);
    bench.chip(STEADY_POWER).markFactoryBad(PROFILE.blockCount - 1);
    expect(codes(checkStore(inspect(bench)))).toEqual(
      expect.arrayContaining(["bad-block-used", "mark-not-recorded"]),
    );
  });

  it("finds blocks that belong to two places, lie outside or are too few", () => {
    const { bench, store } = received();
    const banks = store.record.banks.map((bank) => ({
      ...bank,
      images: bank.images.map((image, index) => {
        const [extent] = image.copies[0];
        if (extent === undefined) return image;
        return index === 0
          ? { ...image, copies: [image.copies[0], image.copies[0]] as const }
          : { ...image, copies: [[{ ...extent, firstBlock: 60_000 }], []] as const };
      }),
    }));
    store.commit({ banks });
    expect(errorsOf(inspect(bench))).toEqual(
      expect.arrayContaining(["block-shared", "map-outside", "map-short", "image-lost"]),
    );
  });

  it("finds a state whose bank is empty or missing, and sequences from the future", () => {
    const { bench, store } = received();
    store.commit({ acceptedBank: 1, previousBank: 7, candidateBank: null, nextAllocation: 1 });
    const errors = checkStore(inspect(bench)).filter((found) => found.severity === "error");
    expect(errors.map((found) => found.message)).toEqual(
      expect.arrayContaining([
        "accepted bank 1 holds nothing",
        "previous bank 7 does not exist",
        "state CANDIDATE without a candidate",
      ]),
    );
    expect(codes(errors)).toContain("map-sequence");
  });
});

describe("hostile dumps", () => {
  const base = dumpOf(received().bench);

  it("are inspected like mount mounts them, whatever bytes are changed", () => {
    const change = fc.record({
      at: fc.nat(base.length - 1),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const dump = base.slice();
        for (const { at, bytes } of changes) dump.set(bytes.subarray(0, dump.length - at), at);
        const inspection = inspectStore(chipOf(dump), { limits: LIMITS, crypto: nodeCrypto });
        expect(winnerOf(inspection)).toBe(mounted(chipOf(dump)));
        checkStore(inspection);
      }),
      { numRuns: 150, verbose: true },
    );
  });

  it("that are nothing but noise give an inspection", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const dump = createRandom(seed).bytes(base.length);
        const inspection = inspectStore(chipOf(dump), { limits: LIMITS });
        expect(errorsOf(inspection)).toEqual(["not-formatted"]);
      }),
      { numRuns: 10 },
    );
  });

  it("with a valid record of impossible contents cost no more than the chip is large", () => {
    const extent = fc.record({
      firstBlock: number(16),
      count: number(8),
      firstSequence: number(32),
    });
    const copy = fc.array(extent, { maxLength: 5 });
    const image = fc.record({
      sizeBytes: number(32),
      fileDigest: fc.constant(new Uint8Array(32)),
      imageHash: fc.constant(new Uint8Array(32)),
      version: fc.constant(new Uint8Array(8)),
      isReceived: fc.boolean(),
      copies: fc.tuple(copy, copy),
    });
    const bank = fc.record({
      securityCounter: number(32),
      images: fc.array(image, { maxLength: 2 }),
    });
    const change = fc.record({
      state: fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 8),
      acceptedBank: fc.option(number(8)),
      candidateBank: fc.option(number(8)),
      targetBank: fc.option(number(8)),
      banks: fc.tuple(bank, bank),
      badBlocks: fc.array(number(16), { maxLength: LIMITS.badBlocks }),
      cursor: number(16),
      nextAllocation: number(32),
    });
    fc.assert(
      fc.property(change, (hostile) => {
        const { bench, store } = received();
        const count = hostile.banks.flatMap((b) => b.images.flatMap((i) => i.copies.flat())).length;
        fc.pre(count <= LIMITS.extents);
        store.commit(hostile);
        const inspection = inspectStore(bench.chip(STEADY_POWER), { limits: LIMITS });
        expect(inspection.record?.nextAllocation).toBe(hostile.nextAllocation);
        checkStore(inspection);
        expect(asText(inspection).length).toBeLessThan(4_000_000);
      }),
      { numRuns: 150 },
    );
  });
});
