// SPDX-License-Identifier: Apache-2.0
import { NRF5340_MEMORIES } from "../model/nrf5340.js";
import { compareSdkVersions, parseSdkVersion } from "../model/sdk-version.js";
import { EMITTED_SYMBOLS } from "./kconfig-symbols.js";
import type { EmittedSymbolName } from "./kconfig-symbols.js";
import type { LayoutPlan } from "./layout-plan.js";

/** One option with the reason for it. */
interface Line {
  readonly symbol: EmittedSymbolName;
  readonly value: string;
  readonly why: string;
}

/** sysbuild.conf of a plan. */
export function emitSysbuildConf(plan: LayoutPlan): string {
  return linesOf(plan, [
    {
      symbol: "SB_CONFIG_BOOTLOADER_MCUBOOT",
      value: "y",
      why: "its signature check is the last gate",
    },
    {
      symbol: "SB_CONFIG_MCUBOOT_MODE_SINGLE_APP",
      value: "y",
      why: "the coordinator installs both cores; MCUboot only starts",
    },
    {
      symbol: "SB_CONFIG_SECURE_BOOT_NETCORE",
      value: "y",
      why: "b0n, which writes the network core's flash",
    },
    { symbol: "SB_CONFIG_NETCORE_APP_UPDATE", value: "y", why: "PCD in MCUboot" },
    {
      symbol: "SB_CONFIG_BOOT_SIGNATURE_TYPE_ECDSA_P256",
      value: "y",
      why: "the signature type of the images",
    },
    {
      symbol: "SB_CONFIG_BOOT_SIGNATURE_KEY_FILE",
      value: `"${plan.options.keyFile}"`,
      why: "your own key: the default one is public",
    },
    {
      symbol: "SB_CONFIG_PARTITION_MANAGER",
      value: plan.options.way === "devicetree" ? "n" : "y",
      why:
        plan.options.way === "devicetree"
          ? "partitions come from the overlays"
          : "partitions come from pm_static.yml",
    },
  ]);
}

/** sysbuild/mcuboot.conf of a plan. */
export function emitMcubootConf(plan: LayoutPlan): string {
  const slot = plan.internal.find(({ label }) => label === "slot0_partition");
  const sectors = (slot?.size ?? 0) / NRF5340_MEMORIES["app-flash"].eraseBytes;
  return linesOf(plan, [
    {
      symbol: "CONFIG_BOOT_GO_HOOKS",
      value: "y",
      why: "runs the coordinator before MCUboot looks at the image",
    },
    { symbol: "CONFIG_BOOT_VALIDATE_SLOT0", value: "y", why: "checks the signature at every boot" },
    { symbol: "CONFIG_FPROTECT", value: "y", why: "locks MCUboot's flash and the PCD command" },
    {
      symbol: "CONFIG_BOOT_MAX_IMG_SECTORS_AUTO",
      value: "n",
      why: "counted from the plan instead",
    },
    { symbol: "CONFIG_BOOT_MAX_IMG_SECTORS", value: String(sectors), why: "sectors of the slot" },
    { symbol: "CONFIG_MULTITHREADING", value: "y", why: "drivers of external flash sleep" },
    { symbol: "CONFIG_WATCHDOG", value: "y", why: "ends a trial that hangs" },
    ...chipLines(plan),
  ]);
}

/** What the application needs to reach the store. */
export function emitPrjConf(plan: LayoutPlan): string {
  return linesOf(plan, chipLines(plan));
}

/** sysbuild/b0n.conf, for devicetree partitions. */
export function emitB0nConf(plan: LayoutPlan): string {
  return linesOf(plan, [
    { symbol: "CONFIG_USE_DT_CODE_PARTITION", value: "y", why: "links b0n for its partition" },
  ]);
}

function chipLines({ options }: LayoutPlan): readonly Line[] {
  const flash: Line = {
    symbol: "CONFIG_FLASH",
    value: "y",
    why: "the store, and the marker in internal flash",
  };
  if (options.chip.kind === "nand") {
    return [flash, { symbol: "CONFIG_SPI", value: "y", why: "the bus of the NAND" }];
  }
  return [
    flash,
    { symbol: "CONFIG_NORDIC_QSPI_NOR", value: "y", why: "the chip of the store" },
    {
      symbol: "CONFIG_NORDIC_QSPI_NOR_FLASH_LAYOUT_PAGE_SIZE",
      value: "4096",
      why: "its erase unit",
    },
  ];
}

/** Options that the SDK does not have yet are left out; the plan's remarks tell. */
function linesOf({ options: { sdk } }: LayoutPlan, lines: readonly Line[]): string {
  return lines
    .filter(({ symbol }) => {
      const { since } = EMITTED_SYMBOLS[symbol];
      return sdk === null || since === null || compareSdkVersions(sdk, parseSdkVersion(since)) >= 0;
    })
    .map(({ symbol, value, why }) => `# ${why}\n${symbol}=${value}\n`)
    .join("");
}
