// SPDX-License-Identifier: Apache-2.0
import { UsageError, createRandom } from "@tandem/base";
import { NandChip } from "@tandem/flash";
import type { FlashOperation, MemoryStorage } from "@tandem/flash";

import type { Decay } from "./faults.js";
import type { Geometry } from "./geometry.js";

/**
 * Lets a page of the store decay.
 * @param storage of the store, changed in place
 * @throws {UsageError} explore/decay for a page that is not there, and on NOR, whose pages have no
 * ECC to decay against
 */
export function decayPage(geometry: Geometry, storage: MemoryStorage, { page, kind }: Decay): void {
  const flash = geometry.chip.make(storage, {});
  if (!(flash instanceof NandChip)) {
    throw new UsageError("explore/decay", `page ${page} of NOR, expected NAND`);
  }
  const { blockCount, pagesPerBlock } = flash.geometry;
  if (page >= blockCount * pagesPerBlock) {
    const last = blockCount * pagesPerBlock - 1;
    throw new UsageError("explore/decay", `page ${page} of the store, expected at most ${last}`);
  }
  const bits = flash.eccStrengthBits + (kind === "lost" ? 1 : 0);
  flash.decayPage(page, bits, createRandom(page));
}

/**
 * Lets the block that an operation works on go bad: this operation fails, and each later one. Only
 * blocks of the store's NAND do.
 * @param storage of the store, changed in place
 */
export function wearOutBlock(
  { chip }: Geometry,
  storage: MemoryStorage,
  { device, address }: FlashOperation,
): void {
  if (device !== chip.name || chip.norProfile !== null) return;
  const { pageBytes, pagesPerBlock } = chip.shape;
  const block = Math.floor(address / (pageBytes * pagesPerBlock));
  storage.medium.setBlock(block, { isWornOut: true });
}
