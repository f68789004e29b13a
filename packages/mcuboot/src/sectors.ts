// SPDX-License-Identifier: Apache-2.0
import type { FlashSector } from "./boot-flash-area.js";
import { BootStop } from "./boot-stop.js";
import type { LoaderSlot } from "./loader-state.js";

/** What C finds in its table behind the last sector of a slot. */
const NO_SECTOR: FlashSector = { offset: 0, size: 0 };

/**
 * A sector of a slot by its index. A damaged trailer makes MCUboot ask for one that is not there:
 * it finds zeros up to the end of its table, and anything behind, where this boot stops.
 */
export function sectorOf({ area, trailer }: LoaderSlot, index: number): FlashSector {
  const sector = area.sectors[index];
  if (sector !== undefined) return sector;
  if (index >= 0 && index < trailer.format.maxEntries) return NO_SECTOR;
  throw new BootStop("assert", "boot_img_sector_off", `sector ${index} of ${area.sectors.length}`);
}

/**
 * How many sectors of equal size hold `size` bytes, at least one: the loop of `find_last_idx`,
 * which never ends when the sum of sizes wraps around in 32 bits.
 */
export function sectorsFor(size: number, sectorSize: number): number {
  const count = Math.max(1, Math.ceil(size / sectorSize));
  if (count * sectorSize <= 0xffff_ffff) return count;
  throw new BootStop("hang", "find_last_idx", `swap size ${size} in sectors of ${sectorSize}`);
}

/** Index of the first sector from the end that, with those behind it, holds the trailer. */
export function firstTrailerSector(slot: LoaderSlot, trailerSize: number): number {
  let index = slot.area.sectors.length - 1;
  for (let size = sectorOf(slot, index).size; size < trailerSize;) {
    index--;
    size += sectorOf(slot, index).size;
  }
  return index;
}
