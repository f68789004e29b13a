// SPDX-License-Identifier: Apache-2.0
import { FormatError, digestOf, toHex } from "@tandem/base";
import type { Crypto } from "@tandem/base";

import { FLASH_KINDS, PROFILE_NAMES } from "../geometry.js";
import type { FlashKind, Geometry, ProfileName } from "../geometry.js";
import type { BootSetting } from "./boot-run.js";
import { COPY_ANSWERS, DECISIONS, DUMPED } from "./boot-vector.js";
import type { BootAction, BootVector, DeviceDump, Dumped, DumpedPage } from "./boot-vector.js";
import { TITLE, headerLines } from "./vector-header.js";
import type { VectorFiles } from "./write-vectors.js";

const MOST_BOOTS = 1_000_000;
const MOST_COUNTER = 0xffff_ffff;

/** A vector as it stands in its file. */
interface ReadVector {
  readonly vector: BootVector;
  /** Line of its first action, counted from 1. */
  readonly firstActionLine: number;
}

/** Vectors, and what they have in common. */
export interface ReadVectors {
  readonly setting: BootSetting;
  readonly vectors: readonly ReadVector[];
}

/**
 * Reads what `writeVectors` wrote.
 * @param settingOf what belongs to a kind of device
 * @throws {FormatError} explore/vectors with the line, what it says and what was expected
 */
export function readVectors(
  { text, pages }: VectorFiles,
  crypto: Crypto,
  settingOf: (profile: ProfileName, flash: FlashKind) => BootSetting,
): ReadVectors {
  const lines = new Lines(text, pages);
  lines.expectLine(TITLE);
  lines.next("for");
  const setting = settingOf(lines.oneOf(PROFILE_NAMES), lines.oneOf(FLASH_KINDS));
  lines.endLine();
  for (const line of headerLines(setting).slice(1)) lines.expectLine(line);
  lines.expectLine(`pages ${pages.length} ${toHex(digestOf(crypto, pages))}`);
  lines.next("boots");
  const count = lines.number(MOST_BOOTS);
  lines.endLine();
  const vectors: ReadVector[] = [];
  for (let number = 0; number < count; number++) {
    vectors.push(readBoot(lines, number, setting.geometry));
  }
  lines.expectEnd();
  return { setting, vectors };
}

function readBoot(lines: Lines, number: number, geometry: Geometry): ReadVector {
  const units = unitsOf(geometry);
  lines.next("boot");
  lines.expectWord(String(number));
  const resetReason = lines.number(0xffff_ffff);
  const isWatchdogRunning = lines.number(1) === 1;
  const counter = lines.number(MOST_COUNTER);
  const name = lines.rest();
  const badBlocks: number[] = [];
  while (lines.isNext("bad")) {
    lines.next("bad");
    badBlocks.push(lines.number(geometry.chip.shape.blockCount - 1));
    lines.endLine();
  }
  const before = { ...readPages(lines, "in", units), counter };
  const firstActionLine = lines.lineNumber;
  const actions: BootAction[] = [];
  while (lines.isNext("do")) {
    lines.next("do");
    actions.push(readAction(lines, geometry));
    lines.endLine();
  }
  lines.next("end");
  const decision = lines.oneOf(DECISIONS);
  const counterAfter = lines.number(MOST_COUNTER);
  lines.endLine();
  const after = changed(before, readPages(lines, "out", units), counterAfter);
  return {
    firstActionLine,
    vector: { name, resetReason, isWatchdogRunning, before, badBlocks, actions, decision, after },
  };
}

/** How many pages a device has, and how long they are. */
type Units = Readonly<Record<Dumped, { readonly count: number; readonly bytes: number }>>;

function unitsOf({ chip, map }: Geometry): Units {
  const { pageBytes, pagesPerBlock, blockCount } = chip.shape;
  const { appFlash, netFlash } = map;
  return {
    store: { count: pagesPerBlock * blockCount, bytes: pageBytes },
    app: { count: appFlash.sizeBytes / appFlash.pageBytes, bytes: appFlash.pageBytes },
    net: { count: netFlash.sizeBytes / netFlash.pageBytes, bytes: netFlash.pageBytes },
  };
}

/** A page as a line has it; no data: blank. */
type ReadPage = Pick<DumpedPage, "page" | "bits"> & { readonly data: Uint8Array | null };

/** Pages of each device, in ascending order; those of a dump before a boot are not blank. */
function readPages<W extends "in" | "out">(
  lines: Lines,
  word: W,
  units: Units,
): Readonly<Record<Dumped, readonly (W extends "in" ? DumpedPage : ReadPage)[]>>;
function readPages(
  lines: Lines,
  word: "in" | "out",
  units: Units,
): Readonly<Record<Dumped, readonly ReadPage[]>> {
  const found: Record<Dumped, ReadPage[]> = { store: [], app: [], net: [] };
  while (lines.isNext(word)) {
    lines.next(word);
    const device = lines.oneOf(DUMPED);
    const { count, bytes } = units[device];
    const page = lines.number(count - 1);
    const bits = lines.number(device === "store" ? 0xffff : 0, device === "store" ? -1 : 0);
    const isBlank = word === "out" && lines.isWord("-1");
    if (isBlank) lines.expectWord("-1");
    if ((found[device].at(-1)?.page ?? -1) >= page) lines.fail(`page ${page}`, "a higher one");
    found[device].push({ page, bits, data: isBlank ? null : lines.bytes(bytes) });
    lines.endLine();
  }
  return found;
}

function readAction(lines: Lines, { chip, map }: Geometry): BootAction {
  const { pageBytes, pagesPerBlock, blockCount } = chip.shape;
  const { sizeBytes } = map.appFlash;
  const kind = lines.oneOf(ACTION_KINDS);
  switch (kind) {
    case "store-erase":
      return { kind, block: lines.number(blockCount - 1) };
    case "store-program":
      return {
        kind,
        page: lines.number(pagesPerBlock * blockCount - 1),
        data: lines.bytes(pageBytes),
      };
    case "app-erase":
      return { kind, address: lines.number(sizeBytes - 1) };
    case "app-write":
      return { kind, address: lines.number(sizeBytes - 1), data: lines.range(sizeBytes) };
    case "net-version": {
      const answer = lines.number(0xffff_ffff, -1);
      return { kind, answer: answer === -1 ? null : answer };
    }
    case "net-copy":
      return { kind, data: lines.range(map.pcdRamBytes), answer: lines.oneOf(COPY_ANSWERS) };
    case "counter-raise":
      return { kind, value: lines.number(MOST_COUNTER) };
    case "net-off":
    case "pcd-clear":
    case "seal":
    case "watchdog-start":
    case "watchdog-feed":
      return { kind };
    default:
      return kind satisfies never;
  }
}

const ACTION_KINDS = [
  "store-erase",
  "store-program",
  "app-erase",
  "app-write",
  "net-off",
  "net-version",
  "net-copy",
  "pcd-clear",
  "seal",
  "watchdog-start",
  "watchdog-feed",
  "counter-raise",
] as const satisfies readonly BootAction["kind"][];

function changed(
  before: DeviceDump,
  changes: Readonly<Record<Dumped, readonly ReadPage[]>>,
  counter: number,
): DeviceDump {
  const apply = (device: Dumped): readonly DumpedPage[] => {
    const pages = new Map(before[device].map((page) => [page.page, page]));
    for (const { page, bits, data } of changes[device]) {
      if (data === null) pages.delete(page);
      else pages.set(page, { page, bits, data });
    }
    return [...pages.values()].toSorted((a, b) => a.page - b.page);
  };
  return { store: apply("store"), app: apply("app"), net: apply("net"), counter };
}

/** Lines of words, read one after the other. */
class Lines {
  readonly #lines: readonly string[];
  readonly #pages: Uint8Array;
  #line = 0;
  #words: readonly string[] = [];
  #word = 0;

  constructor(text: string, pages: Uint8Array) {
    this.#lines = text.split("\n");
    this.#pages = pages;
  }

  /** Of the line that comes next, counted from 1. */
  get lineNumber(): number {
    return this.#line + 1;
  }

  isNext(word: string): boolean {
    return this.#lines[this.#line]?.startsWith(`${word} `) === true;
  }

  /** Goes to the next line, which begins with this word. */
  next(word: string): void {
    this.#words = (this.#lines[this.#line] ?? "").split(" ");
    this.#word = 0;
    this.#line += 1;
    this.expectWord(word);
  }

  /** The next line is just this. */
  expectLine(line: string): void {
    const found = this.#lines[this.#line];
    this.#line += 1;
    if (found === undefined) this.fail("the end of the file", "another line");
    if (found !== line) this.fail(found, line);
  }

  endLine(): void {
    const more = this.#words[this.#word];
    if (more !== undefined) this.fail(more, "the end of the line");
  }

  /** The last line has been read; it ends like every other. */
  expectEnd(): void {
    this.expectLine("");
    if (this.#line < this.#lines.length) this.fail("more lines", "the end of the file");
  }

  expectWord(word: string): void {
    const found = this.#take();
    if (found !== word) this.fail(found, word);
  }

  isWord(word: string): boolean {
    return this.#words[this.#word] === word;
  }

  oneOf<T extends string>(words: readonly T[]): T {
    const found = this.#take();
    return words.find((word) => word === found) ?? this.fail(found, words.join(" or "));
  }

  /** A whole number from `least` to `most`, in its shortest form. */
  number(most: number, least = 0): number {
    const found = this.#take();
    const value = /^(?:-1|0|[1-9]\d{0,15})$/.test(found) ? Number(found) : Number.NaN;
    if (value >= least && value <= most) return value;
    return this.fail(found, `a number from ${least} to ${most}`);
  }

  /** Bytes by their offset; the length goes without saying. */
  bytes(length: number): Uint8Array {
    const offset = this.number(this.#pages.length);
    if (offset + length <= this.#pages.length) return this.#pages.subarray(offset, offset + length);
    return this.fail(`offset ${offset}`, `${length} bytes there`);
  }

  /** Bytes by offset and length. */
  range(most: number): Uint8Array {
    const offset = this.number(this.#pages.length);
    const length = this.number(Math.min(most, this.#pages.length - offset));
    return this.#pages.subarray(offset, offset + length);
  }

  /** The other words of the line. */
  rest(): readonly string[] {
    const rest = this.#words.slice(this.#word);
    this.#word = this.#words.length;
    return rest;
  }

  fail(found: string, expected: string): never {
    const shown = found.length > 80 ? `${found.slice(0, 80)}...` : found;
    throw new FormatError(
      "explore/vectors",
      `boots.txt:${this.#line}: ${JSON.stringify(shown)}, expected ${expected}`,
      { details: { line: this.#line, found: shown, expected } },
    );
  }

  #take(): string {
    const word = this.#words[this.#word];
    this.#word += 1;
    return word ?? this.fail("the end of the line", "another word");
  }
}
