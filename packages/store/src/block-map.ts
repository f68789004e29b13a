// SPDX-License-Identifier: Apache-2.0
import { TransportError, UsageError } from "@tandem/base";

import type { BankImage, Extent, StateRecord } from "./state-record.js";
import type { StorePlan } from "./store-plan.js";

/** A physical block that was given to a logical one. */
export interface AllocatedBlock {
  readonly block: number;
  readonly sequence: number;
}

/** Blocks that one copy of an image of this size takes. */
export function blocksForImage(sizeBytes: number, plan: StorePlan): number {
  return Math.ceil(sizeBytes / plan.dataBytesPerBlock);
}

/** Physical block of a logical one, or null when the map ends before it. */
export function lookUpBlock(
  extents: readonly Extent[],
  logicalBlock: number,
): AllocatedBlock | null {
  let index = logicalBlock;
  for (const extent of extents) {
    if (index < extent.count) {
      return { block: extent.firstBlock + index, sequence: extent.firstSequence + index };
    }
    index -= extent.count;
  }
  return null;
}

/**
 * Takes `count` free blocks, starting at the record's ring cursor. Erase counts play no part: the
 * ring alone spreads wear.
 * @throws {TransportError} store/no-space when fewer good blocks are free
 */
export function allocateBlocks(
  record: StateRecord,
  count: number,
  plan: StorePlan,
): { readonly blocks: readonly AllocatedBlock[]; readonly record: StateRecord } {
  const first = plan.limits.journalBlocks;
  const ring = plan.blockCount - first;
  const taken = new Set(record.badBlocks);
  for (const block of usedBlocks(record)) taken.add(block);
  const blocks: AllocatedBlock[] = [];
  let cursor = Math.max(record.cursor, first);
  for (let step = 0; step < ring && blocks.length < count; step++) {
    const block = first + ((cursor - first) % ring);
    cursor = block + 1;
    if (!taken.has(block)) {
      blocks.push({ block, sequence: record.nextAllocation + blocks.length });
    }
  }
  if (blocks.length < count) {
    throw new TransportError(
      "store/no-space",
      `${count} blocks needed, ${blocks.length} good ones free`,
      { details: { expected: count, found: blocks.length } },
    );
  }
  const nextAllocation = (record.nextAllocation + count) >>> 0;
  return { blocks, record: { ...record, cursor, nextAllocation } };
}

/** Runs of neighbouring blocks with consecutive sequences. */
export function toExtents(blocks: readonly AllocatedBlock[]): Extent[] {
  const extents: Extent[] = [];
  for (const { block, sequence } of blocks) {
    const last = extents[extents.length - 1];
    if (
      last !== undefined &&
      last.count < 0xff &&
      block === last.firstBlock + last.count &&
      sequence === last.firstSequence + last.count
    ) {
      extents[extents.length - 1] = { ...last, count: last.count + 1 };
    } else extents.push({ firstBlock: block, count: 1, firstSequence: sequence });
  }
  return extents;
}

/** The same map with one logical block moved elsewhere. */
export function replaceBlock(
  extents: readonly Extent[],
  logicalBlock: number,
  replacement: AllocatedBlock,
): Extent[] {
  const blocks: AllocatedBlock[] = extents.flatMap((extent) =>
    Array.from({ length: extent.count }, (_, i) => ({
      block: extent.firstBlock + i,
      sequence: extent.firstSequence + i,
    })),
  );
  blocks[logicalBlock] = replacement;
  return toExtents(blocks);
}

/**
 * The record with another map for one copy of one image.
 * @throws {UsageError} store/too-fragmented when the record has no room for its extents
 */
export function withCopyMap(
  record: StateRecord,
  place: { readonly bank: number; readonly image: number; readonly copy: number },
  extents: readonly Extent[],
  plan: StorePlan,
): StateRecord {
  const banks = record.banks.map((bank, bankIndex) => {
    if (bankIndex !== place.bank) return bank;
    const images = bank.images.map((image, index): BankImage => {
      if (index !== place.image) return image;
      const [first, second] = image.copies;
      return { ...image, copies: place.copy === 0 ? [extents, second] : [first, extents] };
    });
    return { ...bank, images };
  });
  const changed = { ...record, banks };
  checkExtentCount(changed, plan);
  return changed;
}

/** @throws {UsageError} store/too-fragmented when the record has no room for its extents */
export function checkExtentCount(record: StateRecord, plan: StorePlan): void {
  let count = 0;
  for (const bank of record.banks) {
    for (const image of bank.images) count += image.copies[0].length + image.copies[1].length;
  }
  if (count > plan.limits.extents) {
    throw new UsageError(
      "store/too-fragmented",
      `${count} extents, a record holds ${plan.limits.extents}`,
    );
  }
}

/** The list with one more bad block, ascending. */
export function withBadBlock(badBlocks: readonly number[], block: number): readonly number[] {
  return [...new Set([...badBlocks, block])].toSorted((a, b) => a - b);
}

function* usedBlocks(record: StateRecord): Generator<number> {
  for (const bank of record.banks) {
    for (const image of bank.images) {
      for (const extents of image.copies) {
        for (const extent of extents) {
          for (let i = 0; i < extent.count; i++) yield extent.firstBlock + i;
        }
      }
    }
  }
}
