// SPDX-License-Identifier: Apache-2.0
import type { FlashSlot } from "../nrf5340/memory-map.js";

/** Name of a flash chip of the device. */
export type NcsFlash = "app-flash" | "ext-flash";

/** A slot on one of the chips that MCUboot writes. */
export interface NcsSlot extends FlashSlot {
  readonly flash: NcsFlash;
}

/** How NCS builds MCUboot to install images (SB_CONFIG_MCUBOOT_MODE_…). */
export type NcsMode = "overwrite" | "scratch" | "move" | "offset";

/**
 * How the network core gets its firmware: as image 1 beside the application
 * (SB_CONFIG_MCUBOOT_NRF53_MULTI_IMAGE_UPDATE), or through the application's own secondary slot,
 * one after the other.
 */
export type NetUpdate = "simultaneous" | "sequential";

/** What stands where in the flash that MCUboot sees. */
export interface NcsLayout {
  /** `mcuboot_primary`. */
  readonly primary: NcsSlot;
  /** `mcuboot_secondary`. */
  readonly secondary: NcsSlot;
  /** `mcuboot_secondary_1`; its primary is RAM. Null with sequential updates. */
  readonly netSecondary: NcsSlot | null;
  /** `mcuboot_scratch`, in mode `scratch` only. */
  readonly scratch: NcsSlot | null;
}

/** RAM that plays `mcuboot_primary_1`, bytes (sdk-nrf, modules/mcuboot/flash_sim_pm.overlay). */
export const RAM_FLASH_BYTES = 0x4_0000;

/** MCUboot ends and the slots begin here, bytes. */
const SLOTS_START = 0x1_0000;
/** The settings begin here, bytes. */
const SLOTS_END = 0xf_0000;
/** PM_PARTITION_SIZE_MCUBOOT_SCRATCH. */
const SCRATCH_BYTES = 0x1_e000;

/**
 * The usual division of an nRF5340: MCUboot in 64 KiB, settings in the last 64 KiB, and between
 * them the primary slot alone (`external`, as on Thingy:53) or all slots (`internal`).
 * @param options.externalStart where the secondary slots begin in external flash, bytes
 * @see sdk-nrf, boards/nordic/thingy53, pm_static.yml
 */
export function ncsLayout(options: {
  readonly mode: NcsMode;
  readonly netUpdate: NetUpdate;
  readonly secondary: "internal" | "external";
  readonly externalStart?: number;
}): NcsLayout {
  const { mode, netUpdate, secondary, externalStart = 0 } = options;
  const scratchBytes = mode === "scratch" ? SCRATCH_BYTES : 0;
  const netBytes = netUpdate === "simultaneous" ? RAM_FLASH_BYTES : 0;
  const isInternal = secondary === "internal";
  const end = SLOTS_END - scratchBytes;
  const sizeBytes = isInternal ? (end - SLOTS_START - netBytes) / 2 : end - SLOTS_START;
  const flash = isInternal ? "app-flash" : "ext-flash";
  const start = isInternal ? SLOTS_START + sizeBytes : externalStart;
  return {
    primary: { flash: "app-flash", start: SLOTS_START, sizeBytes },
    secondary: { flash, start, sizeBytes },
    netSecondary: netBytes === 0 ? null : { flash, start: start + sizeBytes, sizeBytes: netBytes },
    scratch:
      scratchBytes === 0 ? null : { flash: "app-flash", start: end, sizeBytes: scratchBytes },
  };
}
