// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import type { FlashArea } from "@tandem/flash";

/** One erase unit of an area: `struct flash_sector`. */
export interface FlashSector {
  /** From the start of the area, bytes. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/**
 * A flash area as MCUboot sees it: a slot or the scratch area. Offsets count from its start.
 *
 * MCUboot never asks for ranges outside the area nor for writes that are not a multiple of
 * `align`: what it computes wrong fails in `flash-map.ts`, as the driver would answer it.
 * @see MCUboot, boot/zephyr/include/flash_map_backend/flash_map_backend.h
 */
export interface BootFlashArea {
  /** Name of the device that the area is on. */
  readonly device: string;
  /** `fa_off`: where the area begins on its device, bytes; an address when the device has one. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** In ascending order and without gaps. */
  readonly sectors: readonly FlashSector[];
  /** `flash_area_align`: smallest write, bytes. */
  readonly align: number;
  /** `flash_area_erased_val`: what erased bytes read as. */
  readonly erasedValue: number;
  /** The bytes there; only used until the next call of any method of the device. */
  read(offset: number, length: number): Uint8Array;
  /** One operation. Throws `PowerLoss` when power goes. */
  write(offset: number, bytes: Uint8Array): void;
  /** One operation on one sector. Throws `PowerLoss` when power goes. */
  erase(offset: number, length: number): void;
}

/** Sectors of equal size. */
function uniformSectors(size: number, sectorSize: number): readonly FlashSector[] {
  return Array.from({ length: Math.floor(size / sectorSize) }, (_, i) => ({
    offset: i * sectorSize,
    size: sectorSize,
  }));
}

/**
 * The area that MCUboot sees of a NOR chip's partition. The chip counts and cuts its operations.
 * @param place the name of its device, and where it begins there
 * @throws {UsageError} mcuboot/area when the partition does not end with a page
 */
export function bootFlashArea(
  area: FlashArea,
  place: { readonly device: string; readonly offset: number },
): BootFlashArea {
  if (area.size % area.pageBytes !== 0) {
    throw new UsageError(
      "mcuboot/area",
      `${place.device}: area of ${area.size} bytes, expected a multiple of ${area.pageBytes}`,
    );
  }
  return {
    device: place.device,
    offset: place.offset,
    size: area.size,
    sectors: uniformSectors(area.size, area.pageBytes),
    align: area.writeBytes,
    erasedValue: 0xff,
    read: (offset, length) => area.read(offset, length),
    write: (offset, bytes) => area.write(offset, bytes),
    erase: (offset, length) => {
      for (let at = 0; at < length; at += area.pageBytes) area.erasePage(offset + at);
    },
  };
}
