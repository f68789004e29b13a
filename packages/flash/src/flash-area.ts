// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";

import type { NorChip } from "./nor-chip.js";

/** A partition of byte-addressed flash: what MCUboot calls a flash area. Offsets are its own. */
export interface FlashArea {
  /** Bytes. */
  readonly size: number;
  /** Erase unit, bytes. */
  readonly pageBytes: number;
  /** Smallest aligned write, bytes. */
  readonly writeBytes: number;
  read(offset: number, length: number): Uint8Array;
  write(offset: number, bytes: Uint8Array): void;
  erasePage(offset: number): void;
}

/**
 * The area of `chip` that begins at `start`.
 * @throws {UsageError} flash/area-range when an access leaves the area
 */
export function flashArea(chip: NorChip, start: number, size: number): FlashArea {
  const check = (offset: number, length: number): number => {
    if (offset < 0 || offset + length > size) {
      throw new UsageError(
        "flash/area-range",
        `${chip.name}: 0x${offset.toString(16)} + ${length} bytes in an area of ${size}`,
      );
    }
    return start + offset;
  };
  return {
    size,
    pageBytes: chip.profile.pageBytes,
    writeBytes: chip.profile.writeBytes,
    read: (offset, length) => chip.read(check(offset, length), length),
    write: (offset, bytes) => chip.write(check(offset, bytes.length), bytes),
    erasePage: (offset) => chip.erasePage(check(offset, chip.profile.pageBytes)),
  };
}
