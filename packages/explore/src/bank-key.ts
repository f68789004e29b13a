// SPDX-License-Identifier: Apache-2.0
import { isSameBlock } from "@tandem/store";
import type { BankImage, BlockIdentity, StateRecord } from "@tandem/store";

import type { Fingerprint } from "./fingerprint.js";
import type { Geometry } from "./geometry.js";
import type { KnownPages } from "./known-pages.js";
import type { Pair } from "./page-facts.js";
import type { Precision } from "./state-key.js";
import type { StoreView } from "./store-view.js";

interface BankContext {
  readonly geometry: Geometry;
  readonly known: KnownPages;
  readonly precision: Precision;
}

/** What the banks of every record that may be found hold. */
export function addBanks(key: Fingerprint, view: StoreView, context: BankContext): void {
  const { geometry, known, precision } = context;
  const records =
    precision === "exact" ? view.chains.flatMap(({ candidates }) => candidates) : view.winners;
  const described: Pair[] = [];
  const isMapped = new Set<number>();
  let nextAllocation = 0;
  for (const { record, key: recordKey } of records) {
    nextAllocation = Math.max(nextAllocation, record.nextAllocation);
    if (described.some((other) => isSamePair(other, recordKey))) continue;
    described.push(recordKey);
    for (const image of imagesOf(record, known)) {
      for (const { block } of image.blocks.flat()) isMapped.add(block);
      addImage(key, view, image, precision);
    }
  }
  const { pagesPerBlock } = view.shape;
  for (let block = geometry.limits.journalBlocks; block < view.shape.blockCount; block++) {
    if (isMapped.has(block)) continue;
    // A free block is erased before it is used; what could be mistaken for a later one cannot
    // be left out, and neither can a block that has failed.
    const { header } = view.page(block * pagesPerBlock);
    if (header !== null && header.sequence >= nextAllocation) key.add(header.sequence);
    if (view.blockFlags(block) > 1) key.add(block * 8 + view.blockFlags(block));
  }
}

function addImage(
  key: Fingerprint,
  view: StoreView,
  { blocks, expected, isReceived }: MappedImage,
  precision: Precision,
): void {
  if (precision === "exact") {
    for (const mapped of blocks.flat()) addBlock(key, view, mapped, { expected, isReceived });
    return;
  }
  const counted = isReceived ? expected.length : addPosition(key, view, blocks, expected.length);
  for (const copy of blocks) {
    for (const mapped of copy.slice(0, counted)) addPages(key, view, mapped, expected);
  }
}

/** An image of a bank, as a record maps it. */
interface MappedImage {
  readonly isReceived: boolean;
  /** Of both copies. */
  readonly blocks: readonly [readonly MappedBlock[], readonly MappedBlock[]];
  /** Its data pages. */
  readonly expected: readonly Pair[];
}

/** States share their records. */
const KNOWN = new WeakMap<StateRecord, readonly MappedImage[]>();

function imagesOf(record: StateRecord, known: KnownPages): readonly MappedImage[] {
  const images =
    KNOWN.get(record) ??
    record.banks.flatMap((bank, at) =>
      bank.images.map((image, index) => ({
        isReceived: image.isReceived,
        blocks: blocksOf(image, { bank: at, image: index }),
        expected: known.inStore(image.fileDigest),
      })),
    );
  KNOWN.set(record, images);
  return images;
}

/** A block of one copy, and what its header and summary say when they are its own. */
interface MappedBlock {
  readonly block: number;
  readonly identity: BlockIdentity;
}

function blocksOf(
  { copies }: BankImage,
  place: { readonly bank: number; readonly image: number },
): readonly [readonly MappedBlock[], readonly MappedBlock[]] {
  const blocksOfCopy = (copy: 0 | 1): readonly MappedBlock[] => {
    const blocks: MappedBlock[] = [];
    for (const { firstBlock, count, firstSequence } of copies[copy]) {
      for (let i = 0; i < count; i++) {
        const logicalBlock = blocks.length;
        const identity = { ...place, copy, logicalBlock, sequence: firstSequence + i };
        blocks.push({ block: firstBlock + i, identity });
      }
    }
    return blocks;
  };
  return [blocksOfCopy(0), blocksOfCopy(1)];
}

/**
 * Where receiving the image goes on: behind the last block that another one follows. What stands
 * there is erased before it is written; with unstable pages it may be one place or another.
 * @returns blocks that may count as received
 */
function addPosition(
  key: Fingerprint,
  view: StoreView,
  [first, second]: readonly [readonly MappedBlock[], readonly MappedBlock[]],
  pages: number,
): number {
  let isCertain = true;
  let at = 0;
  for (; at < first.length - 1; at++) {
    const follower = first[at + 1];
    const marks = [
      hasOwnHeader(view, follower),
      Math.max(hasOwnSummary(view, first[at], pages), hasOwnSummary(view, second[at], pages)),
    ];
    const least = Math.min(...marks);
    if (least === 0) break;
    if (least === MAYBE) {
      isCertain = false;
      // Which of the two it is that may be missing tells when it will be gone.
      for (const mark of marks) key.add(mark);
    } else key.add(isCertain ? 7 : 8);
  }
  key.add(-1 - at);
  return at;
}

const MAYBE = 1;
const SURELY = 2;

function hasOwnHeader(view: StoreView, mapped: MappedBlock | undefined): number {
  if (mapped === undefined) return 0;
  const page = mapped.block * view.shape.pagesPerBlock;
  const { header } = view.page(page);
  if (header === null || !isSameBlock(header, mapped.identity)) return 0;
  return view.isUnstable(page) ? MAYBE : SURELY;
}

function hasOwnSummary(view: StoreView, mapped: MappedBlock | undefined, pages: number): number {
  if (mapped === undefined) return 0;
  const page = summaryPage(view, mapped, pages);
  const { summary } = view.page(page);
  if (summary === null || !isSameBlock(summary.identity, mapped.identity)) return 0;
  return view.isUnstable(page) ? MAYBE : SURELY;
}

function summaryPage(view: StoreView, { block, identity }: MappedBlock, pages: number): number {
  const { pagesPerBlock } = view.shape;
  const perBlock = pagesPerBlock - 2;
  return block * pagesPerBlock + 1 + Math.min(perBlock, pages - identity.logicalBlock * perBlock);
}

/**
 * What can be made of a block: of one that is incomplete and will be written again from its start,
 * only whether it was begun.
 */
function addBlock(
  key: Fingerprint,
  view: StoreView,
  mapped: MappedBlock,
  image: { readonly expected: readonly Pair[]; readonly isReceived: boolean },
): void {
  const { expected, isReceived } = image;
  key.add(hasOwnHeader(view, mapped));
  const isComplete = hasOwnSummary(view, mapped, expected.length) !== 0;
  if (isComplete || isReceived) addPages(key, view, mapped, expected);
}

/** Of a block that counts: whether each page is right, weak, or unstable. */
function addPages(
  key: Fingerprint,
  view: StoreView,
  mapped: MappedBlock,
  expected: readonly Pair[],
): void {
  const { pagesPerBlock } = view.shape;
  const { block, identity } = mapped;
  const first = block * pagesPerBlock;
  const firstExpected = identity.logicalBlock * (pagesPerBlock - 2);
  const last = summaryPage(view, mapped, expected.length);
  key.add(view.blockFlags(block));
  for (let at = first + 1; at <= last; at++) {
    const { dataKey, isWeak } = view.page(at);
    const isGood =
      at === last
        ? hasOwnSummary(view, mapped, expected.length) !== 0
        : isSamePair(dataKey, expected[firstExpected + at - first - 1]);
    key.add((isGood ? 2 : 0) + (isWeak ? 1 : 0));
    if (view.isUnstable(at)) key.add(77);
  }
}

function isSamePair(a: Pair, b: Pair | undefined): boolean {
  return a.high === b?.high && a.low === b.low;
}
