// SPDX-License-Identifier: Apache-2.0
import type { BootFlashArea } from "./boot-flash-area.js";
import { flashAreaGetSector } from "./flash-map.js";
import type { LoaderImage, LoaderSlot, LoaderState } from "./loader-state.js";
import { BOOT_SLOT_SECONDARY } from "./loader-state.js";
import { trailerSize } from "./trailer-format.js";
import type { TrailerFormat } from "./trailer-format.js";

// Every device is taken to need erasing before it is written (MCUBOOT_SUPPORT_DEV_WITH_ERASE), so
// that scrambling is erasing.

/**
 * `boot_erase_region`: erases every sector that the range touches, one operation each, upwards or
 * downwards. False when the range leaves the area.
 * @see MCUboot, boot/bootutil/src/bootutil_area.c
 */
export function bootEraseRegion(
  area: BootFlashArea,
  offset: number,
  size: number,
  backwards: boolean,
): boolean {
  if (offset < 0 || offset >= area.size || area.size - offset < size) return false;
  const first = flashAreaGetSector(area, backwards ? offset + size - 1 : offset);
  const last = flashAreaGetSector(area, backwards ? offset : offset + size - 1);
  if (first === null || last === null) return false;
  let sector = first;
  for (;;) {
    area.erase(sector.offset, sector.size);
    if (backwards ? sector.offset <= last.offset : sector.offset >= last.offset) return true;
    const next = backwards ? sector.offset - 1 : sector.offset + sector.size;
    const found = flashAreaGetSector(area, next);
    if (found === null) return false;
    sector = found;
  }
}

/** `boot_scramble_region`: makes the range unusable; true at once for an empty one. */
export function bootScrambleRegion(
  area: BootFlashArea,
  offset: number,
  size: number,
  backwards: boolean,
): boolean {
  return size === 0 || bootEraseRegion(area, offset, size, backwards);
}

/**
 * `boot_trailer_scramble_offset`: start of the sector in which the trailer begins; null when the
 * trailer is larger than the area.
 */
function bootTrailerScrambleOffset(
  area: BootFlashArea,
  format: TrailerFormat,
  alignment: number,
): number | null {
  const size = trailerSize(format, Math.max(alignment, area.align));
  return flashAreaGetSector(area, area.size - size)?.offset ?? null;
}

/** `swap_scramble_trailer_sectors`: erases a slot's trailer, from its end downwards. */
export function swapScrambleTrailerSectors(
  state: LoaderState,
  image: LoaderImage,
  { area }: LoaderSlot,
): boolean {
  return scrambleTrailerSectors(area, state.format, image.writeSize);
}

/** As above where there is no loader state. */
export function scrambleTrailerSectors(
  area: BootFlashArea,
  format: TrailerFormat,
  alignment: number,
): boolean {
  const offset = bootTrailerScrambleOffset(area, format, alignment);
  if (offset === null) return false;
  return bootScrambleRegion(area, offset, area.size - offset, true);
}

/** `boot_scramble_slot`: makes the image in a slot unusable, with header and trailer. */
export function bootScrambleSlot(state: LoaderState, { area, slot }: LoaderSlot): boolean {
  const { config, format } = state;
  if (!config.minimalScramble) return bootScrambleRegion(area, 0, area.size, false);
  const inSecondSector = config.mode === "offset" && slot === BOOT_SLOT_SECONDARY;
  const header = area.sectors[inSecondSector ? 1 : 0];
  if (header === undefined || !bootScrambleRegion(area, header.offset, header.size, false)) {
    return false;
  }
  const trailer = bootTrailerScrambleOffset(area, format, 0);
  if (trailer === null) return false;
  return bootScrambleRegion(area, trailer, area.size - trailer, true);
}
