// SPDX-License-Identifier: Apache-2.0
import { NRF5340_APP_FLASH, NRF5340_NET_FLASH } from "@tandem/flash";
import type { NorProfile } from "@tandem/flash";
import { NRF5340_LAYOUT } from "@tandem/release";
import type { CoreLayout } from "@tandem/release";

/** What the nRF5340 keeps where, beside the slots of `NRF5340_LAYOUT`. */
export const MEMORY_MAP = {
  /** Two erase pages for Tandem's marker, between application slot and settings. */
  marker: { start: 0xe_e000, sizeBytes: 0x2000 },
  /** Where network core flash appears in the address map. */
  netFlashBase: 0x0100_0000,
  /** RAM that MCUboot keeps for the network core's image. */
  pcdRamBytes: 0x4_0000,
} as const;

/** Slot of a core: where it begins in the core's own flash, and its size in bytes. */
export interface FlashSlot {
  readonly start: number;
  readonly sizeBytes: number;
}

/** Primary slot of the application core, MCUboot's header included. */
export const APP_SLOT: FlashSlot = slotOf("app", 0);

/** Slot of b0n (`s0`) in the network core's flash: bare firmware. */
export const NET_SLOT: FlashSlot = slotOf("net", MEMORY_MAP.netFlashBase);

/** The internal flash of a device and what stands where in it. */
export interface DeviceMap {
  readonly appFlash: NorProfile;
  readonly netFlash: NorProfile;
  readonly appSlot: FlashSlot;
  readonly netSlot: FlashSlot;
  /** At least two erase pages of the application core's flash. */
  readonly marker: FlashSlot;
  /** RAM that MCUboot keeps for the network core's image, bytes. */
  readonly pcdRamBytes: number;
}

/** The nRF5340 as `NRF5340_LAYOUT` divides it. */
export const NRF5340_MAP: DeviceMap = {
  appFlash: NRF5340_APP_FLASH,
  netFlash: NRF5340_NET_FLASH,
  appSlot: APP_SLOT,
  netSlot: NET_SLOT,
  marker: MEMORY_MAP.marker,
  pcdRamBytes: MEMORY_MAP.pcdRamBytes,
};

function slotOf(core: string, flashBase: number): FlashSlot {
  const layout: CoreLayout | undefined = NRF5340_LAYOUT.find((entry) => entry.core === core);
  const { start, end } = layout?.slot ?? { start: 0, end: 0 };
  return { start: start - flashBase, sizeBytes: end - start };
}
