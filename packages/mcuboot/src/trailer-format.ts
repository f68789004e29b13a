// SPDX-License-Identifier: Apache-2.0
import { fromHex } from "@tandem/base";

import type { ResolvedBootConfig } from "./boot-config.js";

/** Size of the magic, bytes. */
export const BOOT_MAGIC_SIZE = 16;

/** The magic of builds with MCUBOOT_BOOT_MAX_ALIGN 8. */
const MAGIC_ALIGN_8 = fromHex("77c295f360d2ef7f3552500f2cb67980");
/** The magic of other builds, behind their alignment as 16 bits. */
const MAGIC_ALIGN_TAIL = fromHex("2de15d29410b8d77679c110f1f8a");

/** `ALIGN_UP`. */
export function alignUp(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}

/** `ALIGN_DOWN`. */
export function alignDown(value: number, align: number): number {
  return value - (value % align);
}

/**
 * Shape of the trailers of one build of MCUboot: what does not depend on the slot.
 * @see MCUboot, docs/design.md, "Image trailer"; boot/bootutil/src/bootutil_area.c
 */
export interface TrailerFormat {
  /** BOOT_MAX_ALIGN, bytes. */
  readonly maxAlign: number;
  /** BOOT_STATUS_STATE_COUNT: status writes per sector; 0 in single-slot builds. */
  readonly statesPerEntry: number;
  /** BOOT_STATUS_MAX_ENTRIES. */
  readonly maxEntries: number;
  /** Swap using offset keeps the sizes of both unprotected TLV areas. */
  readonly hasTlvSizes: boolean;
  readonly magic: Uint8Array;
  /** BOOT_MAGIC_ALIGN_SIZE, bytes. */
  readonly magicAlignSize: number;
  /** Everything but the status entries, bytes. */
  readonly infoSize: number;
}

/** Shape of the trailers that a build reads and writes. */
export function trailerFormat(config: ResolvedBootConfig): TrailerFormat {
  const { mode, maxAlign, maxImgSectors } = config;
  const hasTlvSizes = mode === "offset";
  const magicAlignSize = alignUp(BOOT_MAGIC_SIZE, maxAlign);
  return {
    maxAlign,
    statesPerEntry: mode === "single" ? 0 : mode === "offset" ? 2 : 3,
    maxEntries: maxImgSectors,
    hasTlvSizes,
    magic: maxAlign === 8 ? MAGIC_ALIGN_8 : new Uint8Array([maxAlign, 0, ...MAGIC_ALIGN_TAIL]),
    magicAlignSize,
    infoSize: maxAlign * (hasTlvSizes ? 5 : 4) + magicAlignSize,
  };
}

/** `boot_trailer_sz`: the trailer of a slot whose status is written in units of `writeSize`. */
export function trailerSize(format: TrailerFormat, writeSize: number): number {
  return format.maxEntries * format.statesPerEntry * writeSize + format.infoSize;
}

/** `boot_scratch_trailer_sz`: the scratch area holds the status of one sector only. */
export function scratchTrailerSize(format: TrailerFormat, writeSize: number): number {
  return format.statesPerEntry * writeSize + format.infoSize;
}
