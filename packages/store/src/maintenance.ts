// SPDX-License-Identifier: Apache-2.0
import { FormatError, TransportError, UsageError, bytesEqual, crc32c, hex } from "@tandem/base";

import { readSummary } from "./bank-reader.js";
import type { BankReader } from "./bank-reader.js";
import { examineBlock } from "./block-condition.js";
import { blocksForImage } from "./block-map.js";
import { rewriteBlock } from "./block-rewriter.js";
import type { RewriterHost } from "./block-rewriter.js";
import type { StorePlan } from "./store-plan.js";

/** Bytes of an image that neither copy holds any more; never across two blocks. */
export interface LostRange {
  readonly bank: number;
  readonly image: number;
  /** In the image file; at the start of a page. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** Bytes for a range that both copies have lost. */
export interface FoundBytes {
  readonly range: LostRange;
  /** As many as the range is long. */
  readonly bytes: Uint8Array;
}

/** What a patrol found and did. */
export interface PatrolReport {
  readonly pagesRead: number;
  readonly movedBlocks: number;
  readonly lost: readonly LostRange[];
}

/** What maintenance needs of the store around it. */
export interface MaintenanceHost extends RewriterHost {
  readImage(bank: number, image: number): BankReader;
}

/** A logical block, in both copies. */
interface LogicalBlock {
  readonly bank: number;
  readonly image: number;
  readonly logicalBlock: number;
}

/** Moves what is weak of these blocks; the number of blocks that were moved. */
export function scrubBlocks(
  host: MaintenanceHost,
  places: readonly LogicalBlock[],
  tick: () => void,
): number {
  const unique = new Map<string, LogicalBlock>();
  for (const place of places) {
    unique.set(`${place.bank}/${place.image}/${place.logicalBlock}`, place);
  }
  let moved = 0;
  for (const place of unique.values()) {
    tick();
    moved += examineAndMove(host, place).movedBlocks;
  }
  return moved;
}

/** Reads every page of both copies of these banks, moves what is weak, and tells what is lost. */
export function patrolBanks(
  host: MaintenanceHost,
  banks: readonly number[],
  tick: () => void,
): PatrolReport {
  let pagesRead = 0;
  let movedBlocks = 0;
  const lost: LostRange[] = [];
  for (const bank of banks) {
    for (const [image, stored] of (host.record().banks[bank]?.images ?? []).entries()) {
      const count = blocksForImage(stored.sizeBytes, host.plan);
      for (let logicalBlock = 0; logicalBlock < count; logicalBlock++) {
        tick();
        const result = examineAndMove(host, { bank, image, logicalBlock });
        pagesRead += result.pagesRead;
        movedBlocks += result.movedBlocks;
        lost.push(...result.lost);
      }
    }
  }
  return { pagesRead, movedBlocks, lost };
}

/**
 * Writes both copies of the block anew that the range is in, with `bytes` in place of those that
 * were lost, and with what `also` has for the same block. Writes nothing when the bytes stand
 * there already.
 */
export function repairRange(
  host: MaintenanceHost,
  range: LostRange,
  bytes: Uint8Array,
  also: readonly FoundBytes[],
): void {
  const all = [
    ...also.filter((found) => areInOneBlock(found.range, range, host.plan)),
    { range, bytes },
  ];
  const given = new Map<number, Uint8Array>();
  for (const found of all) addPages(found, host.plan, given);
  if (holds(host, range, bytes)) return;
  const place = placeOf(range, host.plan);
  checkNothingElseLost(host, place, given);
  checkAgainstSummary(host, place, given);
  moveCopies(host, place, [0, 1], given);
}

function placeOf(range: LostRange, plan: StorePlan): LogicalBlock {
  const logicalBlock = Math.floor(range.offsetBytes / plan.dataBytesPerBlock);
  return { bank: range.bank, image: range.image, logicalBlock };
}

/** True for ranges of the same image that a repair writes together. */
export function areInOneBlock(a: LostRange, b: LostRange, plan: StorePlan): boolean {
  const [first, second] = [placeOf(a, plan), placeOf(b, plan)];
  return (
    first.bank === second.bank &&
    first.image === second.image &&
    first.logicalBlock === second.logicalBlock
  );
}

/** True when a copy has these bytes: they came with another range of their block. */
function holds(host: MaintenanceHost, range: LostRange, bytes: Uint8Array): boolean {
  try {
    const reader = host.readImage(range.bank, range.image);
    return bytesEqual(reader.read(range.offsetBytes, range.lengthBytes), bytes);
  } catch (error) {
    if (error instanceof TransportError && error.code === "store/unreadable") return false;
    throw error;
  }
}

function examineAndMove(host: MaintenanceHost, place: LogicalBlock): PatrolReport {
  const { flash, plan } = host;
  const { lostPages, weakCopies, pagesRead } = examineBlock(flash, plan, host.record(), place);
  if (lostPages.length > 0) {
    return { pagesRead, movedBlocks: 0, lost: lostRanges(host, place, lostPages) };
  }
  moveCopies(host, place, weakCopies, new Map());
  return { pagesRead, movedBlocks: weakCopies.length, lost: [] };
}

/**
 * Adds pages by index in the block; the last page of an image is filled up with 0xFF.
 * @throws {UsageError} store/repair-length
 */
function addPages(found: FoundBytes, plan: StorePlan, pages: Map<number, Uint8Array>): void {
  const { bytes, range } = found;
  if (bytes.length !== range.lengthBytes || range.offsetBytes % plan.pageBytes !== 0) {
    throw new UsageError(
      "store/repair-length",
      `${bytes.length} bytes at ${range.offsetBytes} for a lost range of ${range.lengthBytes}`,
    );
  }
  for (let at = 0; at < bytes.length; at += plan.pageBytes) {
    const page = new Uint8Array(plan.pageBytes).fill(0xff);
    page.set(bytes.subarray(at, at + plan.pageBytes));
    pages.set(((range.offsetBytes + at) / plan.pageBytes) % plan.dataPagesPerBlock, page);
  }
}

function checkNothingElseLost(
  host: MaintenanceHost,
  place: LogicalBlock,
  given: ReadonlyMap<number, Uint8Array>,
): void {
  const { lostPages } = examineBlock(host.flash, host.plan, host.record(), place);
  const missing = lostPages.filter((index) => !given.has(index));
  const [range] = lostRanges(host, place, missing);
  if (range === undefined) return;
  const { bank, image, offsetBytes, lengthBytes } = range;
  throw new TransportError(
    "store/unreadable",
    `bank ${bank}, image ${image}: ${lengthBytes} bytes at ${hex(offsetBytes)} of the same block ` +
      "are lost too, expected bytes for all that is",
    { details: { bank, image, offset: offsetBytes } },
  );
}

function checkAgainstSummary(
  host: MaintenanceHost,
  place: LogicalBlock,
  given: ReadonlyMap<number, Uint8Array>,
): void {
  const { flash, plan } = host;
  const { logicalBlock } = place;
  const summary = [0, 1]
    .map((copy) => readSummary(flash, plan, host.record(), { ...place, copy }, logicalBlock))
    .find((found) => found !== null);
  for (const [index, page] of given) {
    if (summary != null && crc32c(page) !== summary.pageCrcs[index]) {
      throw new FormatError(
        "store/repair-mismatch",
        `bank ${place.bank}, image ${place.image}: page ${index} of block ${logicalBlock} is not the lost one`,
      );
    }
  }
}

function moveCopies(
  host: MaintenanceHost,
  place: LogicalBlock,
  copies: readonly number[],
  given: ReadonlyMap<number, Uint8Array>,
): void {
  const { pageBytes, dataBytesPerBlock } = host.plan;
  for (const copy of copies) {
    // A reader of its own: once the first copy has moved, the second is read from what it became.
    const reader = host.readImage(place.bank, place.image);
    rewriteBlock(host, { ...place, copy }, (index) => {
      const known = given.get(index);
      if (known !== undefined) return known;
      const offset = place.logicalBlock * dataBytesPerBlock + index * pageBytes;
      const page = new Uint8Array(pageBytes).fill(0xff);
      page.set(reader.read(offset, Math.min(pageBytes, reader.size - offset)));
      return page;
    });
  }
}

/** Neighbouring lost pages as ranges of the image file. */
function lostRanges(
  host: MaintenanceHost,
  place: LogicalBlock,
  lostPages: readonly number[],
): LostRange[] {
  const { pageBytes, dataBytesPerBlock } = host.plan;
  const { bank, image } = place;
  const size = host.record().banks[bank]?.images[image]?.sizeBytes ?? 0;
  const ranges: LostRange[] = [];
  for (const index of lostPages) {
    const offsetBytes = place.logicalBlock * dataBytesPerBlock + index * pageBytes;
    const lengthBytes = Math.min(pageBytes, size - offsetBytes);
    const last = ranges[ranges.length - 1];
    if (last !== undefined && last.offsetBytes + last.lengthBytes === offsetBytes) {
      ranges[ranges.length - 1] = { ...last, lengthBytes: last.lengthBytes + lengthBytes };
    } else ranges.push({ bank, image, offsetBytes, lengthBytes });
  }
  return ranges;
}
