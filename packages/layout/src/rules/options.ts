// SPDX-License-Identifier: Apache-2.0
import type { ImageRole } from "../model/configuration.js";
import { ALL_SDKS } from "../model/sdk-version.js";
import { hasOwnDefaults } from "../model/update-scheme.js";
import type { Rule } from "./rule.js";

/** One option that is without effect, or refused, unless others are set. */
interface Dependency {
  readonly role: ImageRole;
  readonly symbol: string;
  /** Must be on. */
  readonly needs?: readonly string[];
  /** Must be off. */
  readonly excludes?: readonly string[];
  /** Never available on an nRF5340. */
  readonly other?: string;
}

/**
 * `depends on` of the options that decide about updates.
 * @see sdk-nrf sysbuild/Kconfig.netcore, Kconfig.mcuboot, Kconfig.zip, modules/mcuboot/boot/zephyr/Kconfig
 */
const DEPENDENCIES: readonly Dependency[] = [
  {
    role: "sysbuild",
    symbol: "SB_CONFIG_NETCORE_APP_UPDATE",
    needs: ["SB_CONFIG_BOOTLOADER_MCUBOOT", "SB_CONFIG_SECURE_BOOT_NETCORE"],
    excludes: ["SB_CONFIG_NETCORE_NONE"],
  },
  {
    role: "sysbuild",
    symbol: "SB_CONFIG_MCUBOOT_NRF53_MULTI_IMAGE_UPDATE",
    needs: ["SB_CONFIG_NETCORE_APP_UPDATE"],
    excludes: ["SB_CONFIG_MCUBOOT_MODE_SINGLE_APP"],
  },
  {
    role: "sysbuild",
    symbol: "SB_CONFIG_PM_EXTERNAL_FLASH_MCUBOOT_SECONDARY",
    needs: ["SB_CONFIG_BOOTLOADER_MCUBOOT"],
    excludes: [],
  },
  {
    role: "sysbuild",
    symbol: "SB_CONFIG_MCUBOOT_HARDWARE_DOWNGRADE_PREVENTION",
    excludes: ["SB_CONFIG_SECURE_BOOT_APPCORE", "SB_CONFIG_QSPI_XIP_SPLIT_IMAGE"],
  },
  {
    role: "sysbuild",
    symbol: "SB_CONFIG_DFU_ZIP_NET",
    needs: ["SB_CONFIG_SECURE_BOOT_NETCORE", "SB_CONFIG_NETCORE_APP_UPDATE"],
  },
  {
    role: "sysbuild",
    symbol: "SB_CONFIG_MCUBOOT_MANIFEST_UPDATES",
    other: "nRF54H20 with direct XIP; the network core of an nRF5340 has no second executable slot",
  },
  {
    role: "sysbuild",
    symbol: "SB_CONFIG_BOOT_SIGNATURE_TYPE_PURE",
    other: "nRF54L and nRF54H, where both slots are mapped into memory",
  },
  {
    role: "sysbuild",
    symbol: "SB_CONFIG_MCUBOOT_SIGNATURE_USING_KMU",
    other: "nRF54L, which has a KMU that MCUboot can use",
  },
  {
    role: "mcuboot",
    symbol: "CONFIG_NRF53_RECOVERY_NETWORK_CORE",
    excludes: ["CONFIG_NRF53_MULTI_IMAGE_UPDATE"],
  },
  {
    role: "mcuboot",
    symbol: "CONFIG_NRF53_MULTI_IMAGE_UPDATE",
    needs: ["CONFIG_FLASH_SIMULATOR", "CONFIG_FLASH_SIMULATOR_DOUBLE_WRITES"],
    excludes: ["CONFIG_FLASH_SIMULATOR_STATS"],
  },
];

/** An option is on without what it depends on. */
export const unmetDependency: Rule = {
  id: "config/unmet-dependency",
  severity: "error",
  title: "Options have what they depend on",
  reason:
    'Kconfig refuses the line ("was assigned the value y but got the value n") or leaves the option ' +
    "off: the update is built without the part that it is meant to have.",
  source:
    "sdk-nrf sysbuild/Kconfig.netcore, Kconfig.mcuboot, Kconfig.zip; modules/mcuboot/boot/zephyr/Kconfig",
  affects: ALL_SDKS,
  fix: "Set what it depends on, or delete the line.",
  *check({ config, project }) {
    for (const { role, symbol, needs = [], excludes = [], other } of DEPENDENCIES) {
      const configuration = config(role);
      const assignment = configuration?.get(symbol);
      if (configuration === undefined || assignment?.value !== "y") continue;
      const { place } = assignment;
      // A .config is Kconfig's result: what contradicts in a fragment cannot stand in it.
      if (configuration.complete) continue;
      if (other !== undefined) {
        yield { message: `${symbol} is for ${other}`, place, fix: "Delete the line." };
      }
      for (const needed of needs) {
        const state = configuration.state(needed);
        if (state === "on") continue;
        // A board may set it by default, as the Thingy:53 does.
        const isCertain = state === "off";
        if (!isCertain && (role !== "sysbuild" || hasOwnDefaults(project))) continue;
        yield {
          severity: isCertain ? "error" : "warning",
          message: `${symbol} needs ${needed}=y`,
          place,
          fix: `Add ${needed}=y.`,
        };
      }
      for (const excluded of excludes) {
        if (configuration.state(excluded) !== "on") continue;
        yield {
          message: `${symbol} cannot be used with ${excluded}`,
          place,
          fix: "Turn one of the two off.",
        };
      }
    }
  },
};

/** A line that Kconfig does not accept. */
export const malformedLine: Rule = {
  id: "config/malformed-line",
  severity: "error",
  title: "Lines are SYMBOL=value",
  reason:
    "Kconfig warns of a malformed line and ignores it, and Zephyr makes that warning an error.",
  source: "zephyr scripts/kconfig/kconfiglib.py, _load_config; scripts/kconfig/kconfig.py",
  affects: ALL_SDKS,
  fix: "Write CONFIG_NAME=value without spaces around the sign and without a comment behind a number; strings in double quotes.",
  *check({ project }) {
    for (const { files } of project.configurations.values()) {
      for (const { malformed } of files) {
        for (const { value, place } of malformed) {
          yield { message: `${JSON.stringify(value)} is no assignment`, place };
        }
      }
    }
  },
};

/** sysbuild's options in an image's configuration, or the other way round. */
export const wrongPrefix: Rule = {
  id: "config/wrong-file",
  severity: "error",
  title: "Sysbuild's options stand in sysbuild.conf, the others do not",
  reason:
    "sysbuild.conf knows symbols with SB_CONFIG_ only, images those with CONFIG_ only. A line in the " +
    "wrong file is an error or without effect.",
  source: "zephyr doc/build/sysbuild/index.rst, Configuration namespacing",
  affects: { from: "v2.7.0", to: null },
  fix: "Move the line to the file that it belongs to.",
  *check({ project }) {
    for (const [role, { files }] of project.configurations) {
      for (const { assignments } of files) {
        for (const { symbol, place } of assignments) {
          if (symbol.startsWith("SB_") === (role === "sysbuild")) continue;
          const where = role === "sysbuild" ? "the configuration of an image" : "sysbuild.conf";
          yield { message: `${symbol} belongs into ${where}`, place };
        }
      }
    }
  },
};

/** MCUboot with TF-M has too little RAM for RAM flash. */
export const secureRam: Rule = {
  id: "boot/secure-ram",
  severity: "warning",
  title: "MCUboot of a non-secure build uses all RAM",
  reason:
    "For boards with TF-M MCUboot gets the secure part of RAM only; 256 KiB of RAM flash do not fit.",
  source:
    "sdk-nrf sysbuild/Kconfig.mcuboot, MCUBOOT_USE_ALL_AVAILABLE_RAM (that RAM flash does not fit is inferred)",
  affects: { from: "v2.7.0", to: null },
  fix: "Set SB_CONFIG_MCUBOOT_USE_ALL_AVAILABLE_RAM=y in sysbuild.conf.",
  *check({ project, scheme, config }) {
    if (!/(_|\/)ns$/.test(project.board ?? "") || scheme.multiImage.state !== "yes") return;
    const sysbuild = config("sysbuild");
    if (
      sysbuild === undefined ||
      sysbuild.state("SB_CONFIG_MCUBOOT_USE_ALL_AVAILABLE_RAM") === "on"
    )
      return;
    const { place } = scheme.multiImage;
    if (place !== null)
      yield { message: `multi-image update on ${project.board} without it`, place };
  },
};
