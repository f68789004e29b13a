// SPDX-License-Identifier: Apache-2.0
import type { BootFlashArea, FlashSector } from "./boot-flash-area.js";

// The checks that a flash driver makes before it touches the device. A refused call does nothing
// and is no operation; MCUboot sees its error code.

function isInside(area: BootFlashArea, offset: number, length: number): boolean {
  return offset >= 0 && length >= 0 && offset + length <= area.size;
}

/** `flash_area_read`; null when the range leaves the area. */
export function flashAreaRead(
  area: BootFlashArea,
  offset: number,
  length: number,
): Uint8Array | null {
  return isInside(area, offset, length) ? area.read(offset, length) : null;
}

/** 32 bits, little-endian; null when they leave the area. */
export function flashAreaReadWord(area: BootFlashArea, offset: number): number | null {
  const bytes = flashAreaRead(area, offset, 4);
  if (bytes === null) return null;
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

/** `flash_area_write`; false when the range leaves the area or is not aligned. */
export function flashAreaWrite(area: BootFlashArea, offset: number, bytes: Uint8Array): boolean {
  const { align } = area;
  if (!isInside(area, offset, bytes.length)) return false;
  if (offset % align !== 0 || bytes.length % align !== 0) return false;
  area.write(offset, bytes);
  return true;
}

/** `flash_area_get_sector`: the sector that holds `offset`, or null. */
export function flashAreaGetSector(area: BootFlashArea, offset: number): FlashSector | null {
  const { sectors } = area;
  const first = sectors[0];
  if (first === undefined || offset < 0 || offset >= area.size) return null;
  // Right at once when all sectors are equal.
  const guess = sectors[Math.floor(offset / first.size)];
  if (guess !== undefined && holds(guess, offset)) return guess;
  return sectors.find((sector) => holds(sector, offset)) ?? null;
}

function holds(sector: FlashSector, offset: number): boolean {
  return offset >= sector.offset && offset < sector.offset + sector.size;
}
