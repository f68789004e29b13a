// SPDX-License-Identifier: Apache-2.0
import { SYSBUILD_MODES, SWAP_MODES } from "../model/update-scheme.js";
import { ALL_SDKS } from "../model/sdk-version.js";
import type { CheckContext, Rule } from "./rule.js";

const DOCUMENTATION =
  "docs.nordicsemi.com, Simultaneous multi-image DFU with nRF5340; sdk-nrf sysbuild/Kconfig.mcuboot, MCUBOOT_NRF53_MULTI_IMAGE_UPDATE";

/** The network core image comes from a chip that b0n cannot read. */
export const externalWithoutMultiImage: Rule = {
  id: "update/external-without-multi-image",
  severity: "error",
  title: "Network core updates from external flash are installed through RAM",
  reason:
    "Without the multi-image update MCUboot hands b0n the address of the candidate in flash. The " +
    "network core cannot read external flash, and MCUboot faults when it dereferences that address.",
  source: `${DOCUMENTATION}; sdk-mcuboot boot/bootutil/src/loader.c (secondary_fa->fa_off)`,
  affects: ALL_SDKS,
  fix: "Set SB_CONFIG_MCUBOOT_NRF53_MULTI_IMAGE_UPDATE=y and SB_CONFIG_MCUBOOT_MODE_OVERWRITE_ONLY=y in sysbuild.conf.",
  *check({ scheme }) {
    const { netUpdate, externalSecondary, multiImage } = scheme;
    if (netUpdate.state !== "yes" || externalSecondary.state !== "yes") return;
    const place = multiImage.place ?? netUpdate.place;
    if (multiImage.state !== "no" || place === null) return;
    yield {
      message:
        "network core updates with the secondary slot in external flash, without multi-image update",
      place,
      related:
        externalSecondary.place === null
          ? []
          : [{ place: externalSecondary.place, message: "the secondary slot is external" }],
    };
  },
};

/** A revert would write the network core from RAM that holds something else. */
export const multiImageWithSwap: Rule = {
  id: "update/multi-image-with-swap",
  severity: "error",
  title: "A multi-image update overwrites and never swaps",
  reason:
    "This can brick the device. The network core's flash is not readable from the application core, " +
    "so MCUboot keeps nothing to swap back. When the application is reverted, the network core is " +
    "written again with whatever the RAM that PCD uses holds by then. Nordic's documentation says " +
    "that the simultaneous update cannot take the network core image back and that application " +
    "reversion has to be off with it.",
  source: DOCUMENTATION,
  affects: ALL_SDKS,
  fix:
    "Two lines in sysbuild.conf: SB_CONFIG_MCUBOOT_MODE_OVERWRITE_ONLY=y and " +
    "SB_CONFIG_MCUBOOT_NRF53_MULTI_IMAGE_UPDATE=y (and no other MCUBOOT_MODE). Rolling both cores " +
    "back needs a store that keeps both old images, such as Tandem's.",
  *check({ scheme, config }) {
    const { multiImage, overwriteOnly } = scheme;
    const dangerous = config("mcuboot")?.get("CONFIG_USE_NRF53_MULTI_IMAGE_WITHOUT_UPGRADE_ONLY");
    const isDangerous = dangerous !== null && dangerous !== undefined && dangerous.value === "y";
    const isSwap = multiImage.state === "yes" && overwriteOnly.state === "no";
    if (!isSwap && !isDangerous) return;
    const place = overwriteOnly.place ?? dangerous?.place ?? multiImage.place;
    if (place === null) return;
    yield {
      message: "multi-image update of both cores without overwrite-only mode",
      place,
      related:
        multiImage.place === null || multiImage.place === place
          ? []
          : [{ place: multiImage.place, message: "this turns the multi-image update on" }],
    };
  },
};

/** A project that expects confirmation or reversion where MCUboot does neither. */
export const revertExpected: Rule = {
  id: "update/no-revert",
  severity: "note",
  title: "Overwrite-only has no way back",
  reason:
    "In overwrite-only mode there is nothing to confirm and nothing to revert to: an application " +
    "that starts and then fails stays, and so does the network core that belongs to it.",
  source:
    "sdk-mcuboot docs/design.md, Overwrite only; sdk-nrf samples/dfu/dfu_multi_image/README.rst (confirm is not applicable)",
  affects: ALL_SDKS,
  fix: "Validate both images before the reset, or keep both old images in a store that can install them again.",
  *check({ scheme }) {
    const { multiImage, overwriteOnly } = scheme;
    if (multiImage.state !== "yes" || overwriteOnly.state !== "yes") return;
    if (overwriteOnly.place === null) return;
    yield { message: "both cores are overwritten without a way back", place: overwriteOnly.place };
  },
};

/** MCUboot's own configuration says another mode than sysbuild. */
export const modeContradiction: Rule = {
  id: "boot/mode-contradiction",
  severity: "warning",
  title: "Only sysbuild chooses MCUboot's mode",
  reason:
    "Sysbuild writes its choice over MCUboot's configuration: the other line has no effect, and who " +
    "reads it believes in a mode that is not built.",
  source: "zephyr share/sysbuild/image_configurations/BOOTLOADER_image_default.cmake",
  affects: { from: "v2.7.0", to: null },
  fix: "Delete the line from MCUboot's configuration and choose with SB_CONFIG_MCUBOOT_MODE_... in sysbuild.conf.",
  *check(context) {
    const { scheme, config } = context;
    const sysbuild = config("sysbuild");
    const mcuboot = config("mcuboot");
    if (sysbuild === undefined || mcuboot === undefined) return;
    const isOverwrite = scheme.overwriteOnly.state;
    const decided = scheme.overwriteOnly.place;
    const related = decided === null ? [] : [{ place: decided, message: "sysbuild's choice" }];
    if (isOverwrite === "yes") {
      for (const symbol of SWAP_MODES) {
        const assignment = mcuboot.get(symbol);
        if (assignment?.value !== "y") continue;
        yield {
          message: `${symbol}=y while sysbuild chooses overwrite-only`,
          place: assignment.place,
          related,
        };
      }
    }
    const overwrite = mcuboot.get("CONFIG_BOOT_UPGRADE_ONLY");
    if (isOverwrite === "no" && overwrite?.value === "y") {
      yield {
        message: "CONFIG_BOOT_UPGRADE_ONLY=y while sysbuild chooses another mode",
        place: overwrite.place,
        related,
      };
    }
    yield* applicationMode(context);
  },
};

/** Two modes are chosen at once. */
export const twoModes: Rule = {
  id: "boot/two-modes",
  severity: "error",
  title: "One MCUboot mode is chosen",
  reason: "The modes are one Kconfig choice: the last line wins, or the build stops.",
  source: "zephyr share/sysbuild/images/bootloader/Kconfig, choice MCUBOOT_MODE",
  affects: ALL_SDKS,
  fix: "Keep one SB_CONFIG_MCUBOOT_MODE_... line.",
  *check({ config }) {
    const sysbuild = config("sysbuild");
    const modes = ["SB_CONFIG_MCUBOOT_MODE_OVERWRITE_ONLY", ...SYSBUILD_MODES].flatMap((symbol) => {
      const assignment = sysbuild?.get(symbol);
      return assignment?.value === "y" ? [assignment] : [];
    });
    const [first, second] = modes;
    if (first === undefined || second === undefined) return;
    yield {
      message: `${second.symbol} and ${first.symbol} are both on`,
      place: second.place,
      related: [{ place: first.place, message: "the other one" }],
    };
  },
};

function* applicationMode({ scheme, config }: CheckContext) {
  const app = config("app");
  const stated = app?.get("CONFIG_MCUBOOT_BOOTLOADER_MODE_OVERWRITE_ONLY");
  if (stated === null || stated === undefined) return;
  const saysOverwrite = stated.value === "y" ? "yes" : "no";
  if (scheme.overwriteOnly.state === "unknown" || saysOverwrite === scheme.overwriteOnly.state)
    return;
  yield {
    message: `the application says ${stated.symbol}=${stated.value}, sysbuild chooses otherwise`,
    place: stated.place,
  };
}
