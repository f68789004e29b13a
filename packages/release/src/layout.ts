// SPDX-License-Identifier: Apache-2.0

/** Where the image of one core has to fit. */
export interface CoreLayout {
  /** `app`, `net`. */
  readonly core: string;
  /** Name in dfu_application.zip. */
  readonly soc: string;
  /** All flash of the core: tells firmware of one core from another's. */
  readonly flash: { readonly start: number; readonly end: number };
  /** Place of the image; `end` is the first address behind it. */
  readonly slot: { readonly start: number; readonly end: number };
  /** True when MCUboot's header stands in the slot, in front of the firmware. */
  readonly headerInSlot: boolean;
  /** Largest image file, bytes: header and TLVs included. */
  readonly maxImageBytes: number;
  /** True when b0n starts the firmware, which needs fw_info and validation info. */
  readonly needsFwInfo: boolean;
}

/**
 * Application core of the nRF5340 with MCUboot (64 KiB) and a single slot: the Thingy:53 scheme
 * with the last 8 KiB before the settings kept for Tandem's marker.
 */
export const NRF5340_APP: CoreLayout = {
  core: "app",
  soc: "nRF5340_CPUAPP_QKAA",
  flash: { start: 0, end: 0x0010_0000 },
  slot: { start: 0x0001_0000, end: 0x000e_e000 },
  headerInSlot: true,
  maxImageBytes: 0x000e_e000 - 0x0001_0000,
  needsFwInfo: false,
};

/** Network core of the nRF5340 behind the default b0n container. */
export const NRF5340_NET: CoreLayout = {
  core: "net",
  soc: "nRF5340_CPUNET_QKAA",
  flash: { start: 0x0100_0000, end: 0x0104_0000 },
  slot: { start: 0x0100_8800, end: 0x0100_8800 + 0x3_7800 },
  headerInSlot: false,
  // The RAM that MCUboot hands to b0n (ram_flash, mcuboot_primary_1).
  maxImageBytes: 0x4_0000,
  needsFwInfo: true,
};

/** Both cores by image index. */
export const NRF5340_LAYOUT: readonly CoreLayout[] = [NRF5340_APP, NRF5340_NET];

/** Address of the first byte of firmware in the slot. */
export function firmwareStart(layout: CoreLayout, headerSize: number): number {
  return layout.slot.start + (layout.headerInSlot ? headerSize : 0);
}
