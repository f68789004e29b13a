// SPDX-License-Identifier: Apache-2.0
import { flashArea } from "@tandem/flash";
import type { NorChip } from "@tandem/flash";
import { SimpleFlash, bootFlashArea } from "@tandem/mcuboot";
import type { BootFlashArea, ImageAreas } from "@tandem/mcuboot";

import { MEMORY_MAP } from "../nrf5340/memory-map.js";
import type { FlashSlot } from "../nrf5340/memory-map.js";
import { RAM_FLASH_BYTES } from "./ncs-layout.js";
import type { NcsFlash, NcsLayout, NcsSlot } from "./ncs-layout.js";

/** Zephyr's flash simulator in application core RAM, erased at each start of MCUboot. */
export function createRamFlash(): SimpleFlash {
  return new SimpleFlash({ name: "ram-flash", size: RAM_FLASH_BYTES, sectorSize: 4096, align: 4 });
}

/** The flash areas of MCUboot on the chips of a device. */
export interface NcsAreas {
  /** Image 0, and image 1 with simultaneous updates. */
  readonly images: readonly Required<ImageAreas>[];
  readonly scratch: BootFlashArea | null;
}

/**
 * @param netSlot b0n's slot in the network core's flash
 */
export function ncsAreas(
  layout: NcsLayout,
  chips: Readonly<Record<NcsFlash, NorChip>>,
  ramFlash: SimpleFlash,
  netSlot: FlashSlot,
): NcsAreas {
  const areaOf = ({ flash, start, sizeBytes }: NcsSlot): BootFlashArea =>
    bootFlashArea(flashArea(chips[flash], start, sizeBytes), { device: flash, offset: start });
  const app = { primary: areaOf(layout.primary), secondary: areaOf(layout.secondary) };
  const scratch = layout.scratch === null ? null : areaOf(layout.scratch);
  if (layout.netSecondary === null) return { images: [app], scratch };
  // sdk-mcuboot checks the firmware's address against b0n's slot, not against the RAM.
  const primary = {
    ...ramFlash.area(0, RAM_FLASH_BYTES),
    offset: MEMORY_MAP.netFlashBase + netSlot.start,
  };
  return { images: [app, { primary, secondary: areaOf(layout.netSecondary) }], scratch };
}
