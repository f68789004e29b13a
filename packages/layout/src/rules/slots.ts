// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";

import { isPlaced, slotOf } from "../model/layout.js";
import type { Layout, Partition } from "../model/layout.js";
import { RAM_FLASH_SIZE } from "../model/nrf5340.js";
import { ALL_SDKS } from "../model/sdk-version.js";
import { walkNodes } from "../read/devicetree.js";
import { appLayouts } from "./overlap.js";
import type { CheckContext, Rule } from "./rule.js";

/** MCUboot's image number of the network core where both cores are updated. */
export const NETWORK_CORE_IMAGE = 1;

const IMAGES = [0, 1, 2, 3, 4, 5];

/** Primary and secondary of an image differ in size. */
export const slotSizes: Rule = {
  id: "slot/size-mismatch",
  severity: "error",
  title: "Both slots of an image have the same size",
  reason:
    "MCUboot compares the two sector by sector and reads behind its table when one ends first. At " +
    'best it says "Cannot upgrade: not a compatible amount of sectors" and starts the old image.',
  source:
    "sdk-mcuboot boot/bootutil/src/swap_*.c, boot_slots_compatible; docs.nordicsemi.com, Partitioning",
  affects: ALL_SDKS,
  fix: "Give both the size of the smaller one, or free the space for the larger one.",
  *check(context) {
    for (const layout of appLayouts(context)) {
      for (const [primary, secondary] of slotPairs(layout)) {
        // A secondary on NAND has larger blocks: nand/erase-blocks looks at it.
        if (primary.size === null || secondary.size === null || secondary.memory.nand !== null)
          continue;
        if (primary.size === secondary.size) continue;
        const isShorter = secondary.size < primary.size && primary.slot?.image === 0;
        const compression = isShorter ? compressionOf(context) : "no";
        if (compression === "yes") continue;
        yield {
          message: `${secondary.name} has ${hex(secondary.size)} bytes, ${primary.name} ${hex(primary.size)}`,
          place: secondary.sizePlace,
          related: [{ place: primary.sizePlace, message: `size of ${primary.name}` }],
          ...(compression === "unknown"
            ? {
                severity: "warning" as const,
                fix: "Right only for compressed images (SB_CONFIG_MCUBOOT_COMPRESSED_IMAGE_SUPPORT=y); else make them equal.",
              }
            : {}),
          ...(isOneSectorApart(primary.size, secondary.size, primary.memory.eraseBytes)
            ? {
                severity: "warning" as const,
                fix: "Right for one swap mode only (the larger primary for move, the larger secondary for offset); else make them equal.",
              }
            : {}),
        };
      }
    }
  },
};

/** A slot does not consist of whole sectors. */
export const slotAlignment: Rule = {
  id: "slot/unaligned",
  severity: "error",
  title: "Slots begin and end at sector boundaries",
  reason:
    "Erasing works on whole sectors: erasing the slot fails, or erases the end of its neighbour.",
  source: "sdk-mcuboot boot/bootutil/src/loader.c, boot_read_sectors; Zephyr flash_map",
  affects: ALL_SDKS,
  fix: "Round address and size to multiples of the sector size.",
  *check(context) {
    for (const { partitions } of appLayouts(context)) {
      for (const partition of partitions) {
        // Raw NAND has a rule of its own, with more to say.
        if (partition.slot === null || partition.memory.nand !== null) continue;
        yield* misaligned(partition);
      }
    }
  },
};

/** Another partition does not consist of whole sectors. */
export const partitionAlignment: Rule = {
  id: "layout/unaligned",
  severity: "warning",
  title: "Partitions that are erased begin and end at sector boundaries",
  reason:
    "Whoever erases the partition erases whole sectors, and with them bytes of its neighbour.",
  source: "Zephyr include/zephyr/storage/flash_map.h, flash_area_erase",
  affects: ALL_SDKS,
  fix: "Round address and size to multiples of the sector size.",
  *check(context) {
    for (const layout of appLayouts(context)) {
      const parts = new Set(
        layout.partitions.flatMap(({ span }) => span ?? []).map(({ value }) => value),
      );
      for (const partition of layout.partitions) {
        const { name, span, slot, parent } = partition;
        const isPart = span !== null || parts.has(name) || parent !== null;
        // Images of TF-M and NSIB lie where their headers and keys put them.
        if (
          isPart ||
          slot !== null ||
          /^(app|tfm|s[01](_|$)|b0|provision|nonsecure|EMPTY_)|_(app|pad)$/.test(name)
        )
          continue;
        // MCUboot's end is the start of its pad; boot/protection looks at it.
        if (partition.isBootloader || name.startsWith("mcuboot")) continue;
        yield* misaligned(partition);
      }
    }
  },
};

/** The primary slot of the network core is not RAM flash. */
export const networkPrimary: Rule = {
  id: "slot/network-primary",
  severity: "error",
  title: "The network core's primary slot is RAM flash",
  reason:
    "Image 1 is not installed into a slot: MCUboot copies it to simulated flash in RAM, from where " +
    "b0n takes it (PCD). In any other memory the copy overwrites what is there, and b0n gets nothing.",
  source:
    "sdk-mcuboot boot/zephyr/pm.yml, mcuboot_primary_1; sdk-nrf modules/mcuboot/hooks/nrf53_hooks.c",
  affects: ALL_SDKS,
  fix: "Set region: ram_flash, device: nordic_ram_flash_controller and address: 0x0.",
  *check(context) {
    if (context.scheme.netUpdate.state === "no") return;
    for (const layout of appLayouts(context)) {
      const primary = slotOf(layout, "primary", NETWORK_CORE_IMAGE);
      // With QSPI XIP and no network core update, image 1 is the XIP part.
      if (primary === null || ["ram-flash", "external", "other"].includes(primary.memory.kind))
        continue;
      yield {
        message: `${primary.name} is in ${primary.memory.name}, expected ram_flash`,
        place: primary.memoryPlace,
      };
    }
  },
};

/** The network core's primary slot is larger than the RAM that is set aside for it. */
export const ramFlashSize: Rule = {
  id: "slot/ram-flash-size",
  severity: "error",
  title: "The network core's primary slot fits the simulated flash in RAM",
  reason:
    "The flash simulator refuses what lies behind its end: copying the network core image fails.",
  source:
    "sdk-nrf modules/mcuboot/flash_sim.overlay, flash_sim0; modules/mcuboot/boot/zephyr/Kconfig, NRF53_RAM_FLASH_SIZE",
  affects: ALL_SDKS,
  fix: "Use the size of flash_sim0 (0x40000 unless an overlay changes it) for both slots of the network core.",
  *check(context) {
    const limit = ramFlashLimit(context);
    for (const layout of appLayouts(context)) {
      const primary = slotOf(layout, "primary", NETWORK_CORE_IMAGE);
      if (primary?.memory.kind !== "ram-flash" || primary.size === null) continue;
      if (primary.size <= limit) continue;
      yield {
        message: `${primary.name} has ${hex(primary.size)} bytes, expected at most ${hex(limit)}`,
        place: primary.sizePlace,
      };
    }
  },
};

/** One slot of a pair is missing. */
export const slotWithoutPair: Rule = {
  id: "slot/without-pair",
  severity: "warning",
  title: "Every secondary slot has a primary one, and the network core's RAM slot a secondary one",
  reason:
    "MCUboot addresses slots in pairs. Partition Manager places the missing one itself, which may " +
    "differ between builds; in devicetree the build fails or the image is never installed.",
  source: "sdk-mcuboot boot/zephyr/include/sysflash/sysflash.h",
  affects: ALL_SDKS,
  fix: "Define the other slot of the pair in the same file, with the same size.",
  *check(context) {
    for (const layout of appLayouts(context)) {
      if (layout.source === "overlay" || layout.source === "devicetree") continue;
      for (const image of IMAGES) {
        const primary = slotOf(layout, "primary", image);
        const secondary = slotOf(layout, "secondary", image);
        // Without any slot of MCUboot's the bootloader is another one, or a fragment is checked.
        if (image > 0 && secondary !== null && primary === null) {
          yield {
            message: `${secondary.name} without mcuboot_primary_${image}`,
            place: secondary.place,
          };
        }
        if (image === NETWORK_CORE_IMAGE && primary !== null && secondary === null) {
          yield {
            message: `${primary.name} without mcuboot_secondary_${image}`,
            place: primary.place,
          };
        }
      }
    }
  },
};

/** MCUboot's sector table is too small for a slot. */
export const sectorCount: Rule = {
  id: "slot/sector-count",
  severity: "error",
  title: "BOOT_MAX_IMG_SECTORS covers the largest slot",
  reason:
    'MCUboot says "Failed reading sectors; BOOT_MAX_IMG_SECTORS=… too small?" and installs nothing.',
  source:
    "sdk-mcuboot boot/zephyr/Kconfig, BOOT_MAX_IMG_SECTORS (default 128); boot/bootutil/src/loader.c",
  affects: ALL_SDKS,
  fix: "Set CONFIG_BOOT_MAX_IMG_SECTORS in MCUboot's configuration to the slot's number of sectors or more.",
  *check(context) {
    const mcuboot = context.config("mcuboot");
    if (mcuboot === undefined || mcuboot.state("CONFIG_BOOT_MAX_IMG_SECTORS_AUTO") === "on") return;
    const assigned = mcuboot.get("CONFIG_BOOT_MAX_IMG_SECTORS");
    const limit = mcuboot.number("CONFIG_BOOT_MAX_IMG_SECTORS");
    // Without an assignment the default depends on the way of partitioning and on snippets.
    if (assigned === null || limit === null) return;
    for (const layout of appLayouts(context)) {
      for (const { name, slot, size, memory, sizePlace } of layout.partitions) {
        if (slot === null || size === null) continue;
        const sectors = Math.ceil(size / memory.eraseBytes);
        if (sectors <= limit) continue;
        yield {
          message: `BOOT_MAX_IMG_SECTORS is ${limit}, expected at least ${sectors} for ${name}`,
          place: assigned.place,
          related: [
            { place: sizePlace, message: `${hex(size)} bytes of ${hex(memory.eraseBytes)}` },
          ],
        };
      }
    }
  },
};

/** Pairs that are both there. */
function* slotPairs(layout: Layout): Generator<[Partition, Partition]> {
  for (const image of IMAGES) {
    const primary = slotOf(layout, "primary", image);
    const secondary = slotOf(layout, "secondary", image);
    if (primary !== null && secondary !== null) yield [primary, secondary];
  }
}

/** MCUboot unpacks images from a shorter slot if it is built for it. */
function compressionOf({ config }: CheckContext): "yes" | "no" | "unknown" {
  const sysbuild = config("sysbuild");
  const mcuboot = config("mcuboot");
  if (sysbuild?.state("SB_CONFIG_MCUBOOT_COMPRESSED_IMAGE_SUPPORT") === "on") return "yes";
  if (mcuboot?.state("CONFIG_BOOT_DECOMPRESSION_SUPPORT") === "on") return "yes";
  return sysbuild === undefined && mcuboot === undefined ? "unknown" : "no";
}

function isOneSectorApart(a: number, b: number, sectorBytes: number): boolean {
  return Math.abs(a - b) === sectorBytes;
}

function* misaligned(partition: Partition) {
  const { name, memory, addressPlace, sizePlace } = partition;
  if (!isPlaced(partition) || memory.eraseBytes <= 1) return;
  for (const [what, value, place] of [
    ["begins at", partition.address, addressPlace],
    ["has size", partition.size, sizePlace],
  ] as const) {
    if (value % memory.eraseBytes === 0) continue;
    yield {
      message: `${name} ${what} ${hex(value)}, expected a multiple of ${hex(memory.eraseBytes)} (sector of ${memory.name})`,
      place,
    };
  }
}

/** reg of flash_sim0 in MCUboot's devicetree, or the option that passes it on. */
function ramFlashLimit(context: CheckContext): number {
  const option = context.config("mcuboot")?.number("CONFIG_NRF53_RAM_FLASH_SIZE");
  if (option !== null && option !== undefined) return option;
  for (const { role, tree } of context.project.trees) {
    if (role !== "mcuboot") continue;
    for (const node of walkNodes([tree.root, ...tree.references])) {
      const size = node.properties.get("reg")?.cells[1]?.value;
      if (node.labels.includes("flash_sim0") && size !== null && size !== undefined) return size;
    }
  }
  return RAM_FLASH_SIZE;
}
