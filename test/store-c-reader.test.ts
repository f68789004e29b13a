// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { TandemError, createRandom, toHex } from "@tandem/base";
import type { Random } from "@tandem/base";
import { STEADY_POWER } from "@tandem/flash";
import type { PagedFlash } from "@tandem/flash";
import { SetState, Store, inspectStore, planStore, stateName } from "@tandem/store";
import type { BankImage, IncomingImage, StateRecord } from "@tandem/store";
import { describe, expect, it } from "vitest";

import { cHeader } from "../packages/cli/src/store/c-header.js";
import {
  Bench,
  CutPower,
  LIMITS,
  PROFILE,
  attempt,
  receive,
} from "../packages/store/src/testing/test-bench.js";
import { TemporaryDirectory } from "./support/temporary.js";

const DUMPS = 200;
const SEED = 20_261_123;
const READER = path.join(import.meta.dirname, "support/store-reader.c");
const STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O1"];

const compiler = ["cc", "gcc", "clang"].find(
  (name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0,
);
const why = compiler === undefined ? " (skipped: no C compiler on this machine)" : "";

/** A dump, and how it came about. */
interface Made {
  readonly kind: string;
  readonly bench: Bench;
}

/** The kinds in turn: fresh, in the middle of an update, cut somewhere, cut and decayed. */
function makeDump(index: number): Made {
  const random = createRandom(SEED + index);
  const bench = new Bench();
  for (let count = random.below(4); count > 0; count--) {
    bench.chip(STEADY_POWER).markFactoryBad(random.below(PROFILE.blockCount));
  }
  if (index % 50 === 0) return { kind: "blank", bench };
  Store.format(bench.chip(STEADY_POWER), { limits: LIMITS });
  const kind = ["fresh", "mid-update", "cut", "decayed"][index % 4] ?? "fresh";
  if (kind === "mid-update") live(bench, null, random);
  if (kind === "cut" || kind === "decayed") {
    // Sessions that end by a cut, one after the other.
    for (let session = 1 + random.below(6); session > 0; session--) {
      live(bench, random.below(60), random);
    }
  }
  if (kind === "decayed") decayJournal(bench, random);
  return { kind, bench };
}

/** One session: goes on with the update, or with what comes after it. */
function live(bench: Bench, cutAt: number | null, random: Random): void {
  const when = (["before", "inside", "after"] as const)[random.below(3)] ?? "after";
  const power = cutAt === null ? STEADY_POWER : new CutPower(cutAt, when, random.u32());
  attempt(() => {
    const store = Store.mount(bench.chip(power), { limits: LIMITS });
    receive(store);
    store.commit(store.reserveBank(1, [incoming(random)]));
    for (let step = random.below(8); step > 0; step--) store.commit(change(random));
  });
}

/** A claim of an image that nothing is ever received of: its map is in the record all the same. */
function incoming(random: Random): IncomingImage {
  return {
    sizeBytes: 1 + random.below(9000),
    version: random.bytes(8),
    fileDigest: random.bytes(32),
  };
}

/** Some values for everything that `receive` leaves alone, also such that no update would write. */
function change(random: Random): Partial<StateRecord> {
  return {
    state: random.below(2) === 0 ? SetState.CANDIDATE : SetState.TRIAL,
    attempts: random.below(9),
    trials: random.below(4),
    acceptedBank: random.below(2) === 0 ? null : 1,
    previousBank: random.below(2) === 0 ? null : 1,
    targetBank: random.below(2) === 0 ? null : 0,
    isLimp: random.below(2) === 0,
    reason:
      random.below(2) === 0
        ? null
        : {
            image: random.below(2) === 0 ? null : 1,
            step: random.below(256),
            code: random.below(256),
            detail: random.u32(),
          },
    installed: [random.bytes(32), null],
  };
}

/** Of some used journal pages, bits flip: one per sector is corrected, two are not, and some lie. */
function decayJournal(bench: Bench, random: Random): void {
  const chip = bench.chip(STEADY_POWER);
  for (let page = 0; page < LIMITS.journalBlocks * PROFILE.pagesPerBlock; page++) {
    if (bench.storage.read(page) === null || random.below(3) !== 0) continue;
    const flips = random.below(3);
    if (flips > 0) chip.decayPage(page, flips, random);
    else bench.storage.write(page, miscorrected(chip.readPage(page).data, random));
  }
}

/** A page with a wrong bit and a right code: what ECC makes of too many flips. */
function miscorrected(data: Uint8Array, random: Random): Uint8Array {
  const at = random.below(data.length);
  data[at] = (data[at] ?? 0) ^ (1 << random.below(8));
  const scratch = new Bench();
  scratch.chip(STEADY_POWER).programPage(0, data);
  return scratch.storage.read(0) ?? new Uint8Array(PROFILE.pageBytes + PROFILE.spareBytes);
}

/** Corrected main areas; a page that cannot be corrected is all zeros. */
function mainAreas(flash: PagedFlash): Uint8Array {
  const { pageBytes, pagesPerBlock } = flash.geometry;
  const pages = LIMITS.journalBlocks * pagesPerBlock;
  const dump = new Uint8Array(pages * pageBytes);
  for (let page = 0; page < pages; page++) {
    const read = flash.readPage(page);
    if (read.status === "uncorrectable") continue;
    // A page that is blank but for a flipped bit is not blank to mount.
    if (read.status === "corrected" && read.data.every((byte) => byte === 0xff)) continue;
    dump.set(read.data, page * pageBytes);
  }
  return dump;
}

/** The text that the C reader prints for one dump. */
function expectedText(store: Store | null, sequence: bigint): string[] {
  if (store === null) return ["no record"];
  const { record } = store;
  const { reason } = record;
  const roles = [
    ["accepted", record.acceptedBank],
    ["previous", record.previousBank],
    ["candidate", record.candidateBank],
    ["target", record.targetBank],
  ].map(([role, bank]) => `${role}=${bank ?? "-"}`);
  return [
    [
      `record ${sequence.toString(16).padStart(16, "0")}`,
      `settled=${store.isSettled ? 1 : 0}`,
      `state=${stateName(record.state)}`,
      `attempts=${record.attempts}`,
      `trials=${record.trials}`,
      ...roles,
      `limp=${record.isLimp ? 1 : 0}`,
      `cursor=${record.cursor}`,
      `next=${record.nextAllocation}`,
    ].join(" "),
    ...(reason === null
      ? []
      : [`reason ${reason.image ?? 255} ${reason.step} ${reason.code} ${reason.detail}`]),
    ["bad", ...record.badBlocks].join(" "),
    ...record.installed.map((hash) => `installed ${toHex(hash ?? new Uint8Array(32))}`),
    ...record.banks.flatMap(({ securityCounter, images }, index) => [
      `bank ${index} counter=${securityCounter}`,
      ...images.map((image, number) => imageText(index, number, image)),
    ]),
  ];
}

function imageText(bank: number, number: number, image: BankImage): string {
  const copies = image.copies.map((extents, copy) => {
    const text = extents.map((e) => `[${e.firstBlock}+${e.count}@${e.firstSequence}]`).join("");
    return ` copy${copy}=${text}`;
  });
  return (
    `image ${bank}.${number} size=${image.sizeBytes} file=${toHex(image.fileDigest)}` +
    ` hash=${toHex(image.imageHash)} version=${toHex(image.version)}${copies.join("")}`
  );
}

function compile(directory: TemporaryDirectory): string {
  const program = directory.file("store-reader");
  writeFileSync(directory.file("tandem-store-format.h"), cHeader(planStore(PROFILE, LIMITS)));
  execFileSync(compiler ?? "cc", [...STRICT, `-I${directory.path}`, READER, "-o", program]);
  return program;
}

/** The store as the device mounts it, or null where there is none. */
function mountOrNull(chip: PagedFlash): Store | null {
  try {
    return Store.mount(chip, { limits: LIMITS });
  } catch (error) {
    if (error instanceof TandemError && error.code === "store/not-formatted") return null;
    throw error;
  }
}

describe(`the C reader${why}`, () => {
  it.skipIf(compiler === undefined)(
    `finds the same record and banks as TypeScript in ${DUMPS} dumps`,
    () => {
      using directory = new TemporaryDirectory();
      const program = compile(directory);
      const files: string[] = [];
      const expected: string[] = [];
      const seen = new Map<string, number>();
      for (let index = 0; index < DUMPS; index++) {
        const { kind, bench } = makeDump(index);
        const chip = bench.chip(STEADY_POWER);
        const file = directory.file(`${index}.bin`);
        writeFileSync(file, mainAreas(chip));
        files.push(file);
        const store = mountOrNull(chip);
        const { journal } = inspectStore(chip, { limits: LIMITS });
        expect(journal.isSettled).toBe(store?.isSettled ?? false);
        expected.push(`dump ${index}`, ...expectedText(store, journal.winner?.sequence ?? 0n));
        const state = store === null ? "no record" : stateName(store.record.state);
        const key = `${kind}, ${state}, ${journal.isSettled ? "settled" : "unsettled"}`;
        seen.set(key, (seen.get(key) ?? 0) + 1);
      }
      const printed = execFileSync(program, files, { encoding: "utf8", maxBuffer: 1 << 26 });
      expect(printed.trimEnd().split("\n")).toEqual(expected);
      const summary = [...seen].map(([key, count]) => `${key}: ${count}`).toSorted();
      process.stdout.write(`${DUMPS} dumps (seed ${SEED})\n  ${summary.join("\n  ")}\n`);
      expect(seen.size).toBeGreaterThan(8);
    },
  );

  it("has no heap", () => {
    const source = readFileSync(READER, "utf8");
    expect(source).not.toMatch(/\b(malloc|calloc|realloc|alloca|free)\b/);
  });
});
