// SPDX-License-Identifier: Apache-2.0
import { FormatError, isErased } from "@tandem/base";

import type { NandProfile } from "./nand-profile.js";
import { pageCodecOf } from "./page-codec.js";
import type { PageStorage } from "./page-storage.js";

/**
 * How programmers lay out a raw image: main areas only; main and spare area page by page; or all
 * main areas and then all spare areas.
 */
export const DUMP_LAYOUTS = ["main", "interleaved", "separate"] as const;
export type DumpLayout = (typeof DUMP_LAYOUTS)[number];

/** Bytes that can be read at any place: a file, or an array. */
export interface DumpSource {
  readonly sizeBytes: number;
  read(offset: number, length: number): Uint8Array;
}

/** A dump in memory. */
export function dumpOf(bytes: Uint8Array): DumpSource {
  return {
    sizeBytes: bytes.length,
    read: (offset, length) => bytes.slice(offset, offset + length),
  };
}

function pageCountOf(profile: NandProfile): number {
  return profile.pagesPerBlock * profile.blockCount;
}

/** Length of the dump of a whole chip, bytes. */
export function dumpBytes(profile: NandProfile, layout: DumpLayout): number {
  const perPage = profile.pageBytes + (layout === "main" ? 0 : profile.spareBytes);
  return perPage * pageCountOf(profile);
}

/**
 * The layouts that a dump of this length can have: two when it has spare areas, because the length
 * does not tell where they are.
 * @throws {FormatError} flash/dump-size when none fits, with the lengths that would
 */
export function layoutsOfSize(profile: NandProfile, sizeBytes: number): DumpLayout[] {
  const found = DUMP_LAYOUTS.filter((layout) => dumpBytes(profile, layout) === sizeBytes);
  if (found.length > 0) return found;
  const main = dumpBytes(profile, "main");
  const spare = dumpBytes(profile, "interleaved");
  throw new FormatError(
    "flash/dump-size",
    `dump of ${sizeBytes} bytes, expected ${main} (${profile.name} without spare areas) or ${spare} (with them)`,
    { details: { found: sizeBytes, expected: [main, spare] } },
  );
}

/** Pages that are looked at to tell layouts apart. */
const PROBED_PAGES = 64;

/**
 * The layout of a dump: by its length and, where that fits two, by which of them has valid ECC in
 * more of the first pages that are not blank; interleaved when neither is better.
 * @throws {FormatError} flash/dump-size when the length fits no layout
 */
export function detectDumpLayout(profile: NandProfile, source: DumpSource): DumpLayout {
  const candidates = layoutsOfSize(profile, source.sizeBytes);
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) return only;
  const scores = { interleaved: 0, separate: 0 };
  for (let page = 0, probed = 0; page < pageCountOf(profile) && probed < PROBED_PAGES; page++) {
    let isBlank = true;
    for (const layout of ["interleaved", "separate"] as const) {
      const raw = readDumpPage(profile, source, layout, page);
      if (isErased(raw)) continue;
      isBlank = false;
      const data = raw.slice(0, profile.pageBytes);
      if (pageCodecOf(profile).decode(data, raw) >= 0) scores[layout] += 1;
    }
    if (!isBlank) probed += 1;
  }
  return scores.separate > scores.interleaved ? "separate" : "interleaved";
}

function take(source: DumpSource, offset: number, length: number): Uint8Array {
  const bytes = source.read(offset, length);
  if (bytes.length === length) return bytes;
  throw new FormatError(
    "flash/dump-size",
    `dump ends at 0x${offset.toString(16)}: ${bytes.length} bytes, expected ${length}`,
  );
}

/** One raw page; codes are computed where the dump has no spare areas. */
function readDumpPage(
  profile: NandProfile,
  source: DumpSource,
  layout: DumpLayout,
  page: number,
): Uint8Array {
  const { pageBytes, spareBytes } = profile;
  if (layout === "interleaved") {
    return take(source, page * (pageBytes + spareBytes), pageBytes + spareBytes);
  }
  const raw = new Uint8Array(pageBytes + spareBytes).fill(0xff);
  raw.set(take(source, page * pageBytes, pageBytes));
  if (layout === "separate") {
    const spareAt = pageCountOf(profile) * pageBytes + page * spareBytes;
    raw.set(take(source, spareAt, spareBytes), pageBytes);
  } else if (!isErased(raw)) pageCodecOf(profile).encode(raw);
  return raw;
}

/**
 * Fills the storage of a chip from a dump; blank pages stay erased.
 * @throws {FormatError} flash/dump-size when the dump is not as long as the chip, or is cut short
 */
export function loadDump(
  storage: PageStorage,
  profile: NandProfile,
  source: DumpSource,
  layout: DumpLayout,
): void {
  const expected = dumpBytes(profile, layout);
  if (source.sizeBytes !== expected) {
    throw new FormatError(
      "flash/dump-size",
      `dump of ${source.sizeBytes} bytes, expected ${expected} (${profile.name}, layout ${layout})`,
      { details: { found: source.sizeBytes, expected: [expected] } },
    );
  }
  for (let page = 0; page < pageCountOf(profile); page++) {
    const raw = readDumpPage(profile, source, layout, page);
    if (isErased(raw)) storage.erase(page, 1);
    else storage.write(page, raw);
  }
}

/** The dump of a chip in pieces of at most one page, in the order of the file. */
export function* saveDump(
  storage: PageStorage,
  profile: NandProfile,
  layout: DumpLayout,
): Generator<Uint8Array> {
  const { pageBytes, spareBytes } = profile;
  const blank = new Uint8Array(pageBytes + spareBytes).fill(0xff);
  const pages = pageCountOf(profile);
  for (let page = 0; page < pages; page++) {
    const raw = storage.read(page) ?? blank;
    yield raw.slice(0, layout === "interleaved" ? raw.length : pageBytes);
  }
  if (layout !== "separate") return;
  for (let page = 0; page < pages; page++) yield (storage.read(page) ?? blank).slice(pageBytes);
}
