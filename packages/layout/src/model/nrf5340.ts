// SPDX-License-Identifier: Apache-2.0
import { MX25R6435F, NRF5340_APP_FLASH, NRF5340_NET_FLASH } from "@tandem/flash";

import type { Memory, MemoryKind } from "./layout.js";

/** Block that the SPU protects, bytes: FPROTECT_BLOCK_SIZE of the application core. */
export const SPU_FLASH_BLOCK = 0x4000;

/** Block of RAM that the SPU protects: CONFIG_NRF_SPU_RAM_REGION_SIZE, the size of pcd_sram. */
export const SPU_RAM_BLOCK = 0x2000;

/** RAM that MCUboot keeps free for a network core image: reg of flash_sim0. */
export const RAM_FLASH_SIZE = 0x40000;

/** MCUboot's header: PM_PARTITION_SIZE_MCUBOOT_PAD, CONFIG_ROM_START_OFFSET. */
export const MCUBOOT_HEADER_SIZE = 0x200;

/** Base, size and units of each memory of the nRF5340, as Partition Manager and Zephyr have them. */
export const NRF5340_MEMORIES: Readonly<
  Record<MemoryKind, Pick<Memory, "base" | "size" | "eraseBytes" | "writeBytes">>
> = {
  "app-flash": {
    base: 0,
    size: NRF5340_APP_FLASH.sizeBytes,
    eraseBytes: NRF5340_APP_FLASH.pageBytes,
    writeBytes: NRF5340_APP_FLASH.writeBytes,
  },
  "net-flash": {
    base: 0x0100_0000,
    size: NRF5340_NET_FLASH.sizeBytes,
    eraseBytes: NRF5340_NET_FLASH.pageBytes,
    writeBytes: NRF5340_NET_FLASH.writeBytes,
  },
  // A serial NOR of unknown size.
  external: {
    base: 0,
    size: null,
    eraseBytes: MX25R6435F.pageBytes,
    writeBytes: MX25R6435F.writeBytes,
  },
  "ram-flash": { base: 0, size: RAM_FLASH_SIZE, eraseBytes: 4096, writeBytes: 4 },
  "app-ram": { base: 0x2000_0000, size: 0x80000, eraseBytes: 1, writeBytes: 1 },
  "net-ram": { base: 0x2100_0000, size: 0x10000, eraseBytes: 1, writeBytes: 1 },
  otp: { base: 0x00ff_8100, size: 0x2fc, eraseBytes: 1, writeBytes: 4 },
  other: { base: 0, size: null, eraseBytes: 1, writeBytes: 1 },
};
