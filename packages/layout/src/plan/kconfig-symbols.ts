// SPDX-License-Identifier: Apache-2.0

/** An option that plans emit: where it was looked up, and since when it is there. */
export interface EmittedSymbol {
  /** First release of nRF Connect SDK that has it; null: every one that has sysbuild (v2.7.0). */
  readonly since: string | null;
  readonly source: string;
}

const BOOTLOADER = "zephyr share/sysbuild/images/bootloader/Kconfig";
const MCUBOOT = "sdk-mcuboot boot/zephyr/Kconfig, tags v2.1.0-ncs1 to branch ncs-v3.4-branch";

/** An option that a plan may emit. */
export type EmittedSymbolName =
  | "SB_CONFIG_BOOTLOADER_MCUBOOT"
  | "SB_CONFIG_MCUBOOT_MODE_SINGLE_APP"
  | "SB_CONFIG_BOOT_SIGNATURE_TYPE_ECDSA_P256"
  | "SB_CONFIG_BOOT_SIGNATURE_KEY_FILE"
  | "SB_CONFIG_SECURE_BOOT_NETCORE"
  | "SB_CONFIG_NETCORE_APP_UPDATE"
  | "SB_CONFIG_PARTITION_MANAGER"
  | "CONFIG_FPROTECT"
  | "CONFIG_BOOT_VALIDATE_SLOT0"
  | "CONFIG_BOOT_MAX_IMG_SECTORS"
  | "CONFIG_BOOT_MAX_IMG_SECTORS_AUTO"
  | "CONFIG_BOOT_GO_HOOKS"
  | "CONFIG_MULTITHREADING"
  | "CONFIG_WATCHDOG"
  | "CONFIG_FLASH"
  | "CONFIG_SPI"
  | "CONFIG_NORDIC_QSPI_NOR"
  | "CONFIG_NORDIC_QSPI_NOR_FLASH_LAYOUT_PAGE_SIZE"
  | "CONFIG_USE_DT_CODE_PARTITION";

/** Every option that plans emit; others cannot be emitted. */
export const EMITTED_SYMBOLS: Readonly<Record<EmittedSymbolName, EmittedSymbol>> = {
  SB_CONFIG_BOOTLOADER_MCUBOOT: { since: null, source: BOOTLOADER },
  SB_CONFIG_MCUBOOT_MODE_SINGLE_APP: { since: null, source: BOOTLOADER },
  SB_CONFIG_BOOT_SIGNATURE_TYPE_ECDSA_P256: { since: null, source: BOOTLOADER },
  SB_CONFIG_BOOT_SIGNATURE_KEY_FILE: { since: null, source: BOOTLOADER },
  SB_CONFIG_SECURE_BOOT_NETCORE: { since: null, source: "sdk-nrf sysbuild/Kconfig.secureboot" },
  SB_CONFIG_NETCORE_APP_UPDATE: { since: null, source: "sdk-nrf sysbuild/Kconfig.netcore" },
  SB_CONFIG_PARTITION_MANAGER: { since: null, source: "sdk-nrf sysbuild/Kconfig.sysbuild" },
  CONFIG_FPROTECT: { since: null, source: "sdk-nrf lib/fprotect/Kconfig" },
  CONFIG_BOOT_VALIDATE_SLOT0: { since: null, source: MCUBOOT },
  CONFIG_BOOT_MAX_IMG_SECTORS: { since: null, source: MCUBOOT },
  CONFIG_BOOT_MAX_IMG_SECTORS_AUTO: {
    since: "v2.9.0",
    source: "sdk-mcuboot boot/zephyr/Kconfig, tag v2.1.0-ncs3",
  },
  CONFIG_BOOT_GO_HOOKS: {
    since: "v3.0.0",
    source: "sdk-mcuboot boot/zephyr/Kconfig, tag v2.1.0-ncs5 (not in v2.1.0-ncs3)",
  },
  CONFIG_MULTITHREADING: { since: null, source: "zephyr kernel/Kconfig" },
  CONFIG_WATCHDOG: { since: null, source: "zephyr drivers/watchdog/Kconfig" },
  CONFIG_FLASH: { since: null, source: "zephyr drivers/flash/Kconfig" },
  CONFIG_SPI: { since: null, source: "zephyr drivers/spi/Kconfig" },
  CONFIG_NORDIC_QSPI_NOR: { since: null, source: "zephyr drivers/flash/Kconfig.nordic_qspi_nor" },
  CONFIG_NORDIC_QSPI_NOR_FLASH_LAYOUT_PAGE_SIZE: {
    since: null,
    source: "zephyr drivers/flash/Kconfig.nordic_qspi_nor",
  },
  CONFIG_USE_DT_CODE_PARTITION: { since: null, source: "zephyr Kconfig.zephyr" },
};
