// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import { DEFAULT_LIMITS, planStore } from "@tandem/store";

import type { PlanOptions, PlannedStore, StoreChip } from "./layout-plan.js";

/** Blocks that `scrub` and `repair` move to while the old ones are still in use. */
const MOVING_BLOCKS = 4;

/** A NOR has no bad blocks from the factory; what wears out is retired all the same. */
const NOR_RESERVE_BLOCKS = 2;

/** Pages and erase blocks as `packages/store` sees the chip: a NOR as pages in blocks of 64 KiB. */
export interface ChipGeometry {
  readonly pageBytes: number;
  readonly pagesPerBlock: number;
  readonly blockCount: number;
}

const NOR_PAGE_BYTES = 2048;
const NOR_BLOCK_BYTES = 0x10000;

/** Geometry of the store's chip. */
export function geometryOf(chip: StoreChip): ChipGeometry {
  if (chip.kind === "nand") {
    const { pageBytes, pagesPerBlock, blockCount } = chip.profile;
    return { pageBytes, pagesPerBlock, blockCount };
  }
  return {
    pageBytes: NOR_PAGE_BYTES,
    pagesPerBlock: NOR_BLOCK_BYTES / NOR_PAGE_BYTES,
    blockCount: Math.floor(chip.profile.sizeBytes / NOR_BLOCK_BYTES),
  };
}

/**
 * The store for images of these sizes: three banks if they fit and nothing else is asked for,
 * whole slots if they fit, today's sizes and their growth otherwise.
 * @param slots largest images that the cores take, bytes
 * @throws {UsageError} layout/no-room when even the smallest does not fit
 */
export function sizeStore(
  options: PlanOptions,
  slots: { readonly appBytes: number; readonly netBytes: number },
): PlannedStore {
  const geometry = geometryOf(options.chip);
  const grown = {
    appBytes: Math.min(slots.appBytes, grownBytes(options.appBytes, options.growthPercent)),
    netBytes: Math.min(slots.netBytes, grownBytes(options.netBytes, options.growthPercent)),
  };
  const bankCounts = options.banks === null ? ([3, 2] as const) : [options.banks];
  let smallest: PlannedStore | null = null;
  for (const banks of bankCounts) {
    for (const images of [slots, grown]) {
      smallest = storeFor(options, geometry, banks, images, images === slots);
      if (smallest.blocks <= geometry.blockCount) return checked(smallest, geometry);
    }
  }
  throw new UsageError(
    "layout/no-room",
    `a store of ${smallest?.blocks} blocks, ${options.chip.name} has ${geometry.blockCount}`,
  );
}

/** A size after its growth, whole bytes. */
export function grownBytes(bytes: number, percent: number): number {
  return Math.ceil((bytes * (100 + percent)) / 100);
}

function storeFor(
  { chip }: PlanOptions,
  { pageBytes, pagesPerBlock }: ChipGeometry,
  banks: 2 | 3,
  images: { readonly appBytes: number; readonly netBytes: number },
  isWholeSlot: boolean,
): PlannedStore {
  const isNand = chip.kind === "nand";
  // A NOR has few blocks and loses none at the start.
  const limits = {
    ...DEFAULT_LIMITS,
    banks,
    ...(isNand ? {} : { journalBlocks: 10, badBlocks: 8 }),
  };
  // Header and summary take a page each.
  const dataBytes = (pagesPerBlock - 2) * pageBytes;
  const bankBlocks =
    2 * (Math.ceil(images.appBytes / dataBytes) + Math.ceil(images.netBytes / dataBytes));
  const reserveBlocks = isNand ? (chip.profile.maxBadBlocks ?? 20) : NOR_RESERVE_BLOCKS;
  return {
    banks,
    limits,
    blockBytes: pageBytes * pagesPerBlock,
    blocks: limits.journalBlocks + banks * bankBlocks + MOVING_BLOCKS + reserveBlocks,
    journalBlocks: limits.journalBlocks,
    bankBlocks,
    reserveBlocks,
    ...images,
    reason:
      `journal ${limits.journalBlocks} blocks, ${banks} banks of ${bankBlocks} blocks (two copies, ` +
      `${isWholeSlot ? "images that fill their slots" : "today's images and their growth"}), ` +
      `${MOVING_BLOCKS} to move to, ${reserveBlocks} in reserve for bad ones`,
  };
}

/** Asks the store itself: records must fit a page, the journal its blocks. */
function checked(store: PlannedStore, geometry: ChipGeometry): PlannedStore {
  planStore({ ...geometry, blockCount: store.blocks }, store.limits);
  return store;
}
