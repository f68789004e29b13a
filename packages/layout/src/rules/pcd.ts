// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";

import { isPlaced, partitionOf, slotOf } from "../model/layout.js";
import { SPU_FLASH_BLOCK, SPU_RAM_BLOCK } from "../model/nrf5340.js";
import { ALL_SDKS } from "../model/sdk-version.js";
import { appLayouts } from "./overlap.js";
import type { Rule } from "./rule.js";
import { NETWORK_CORE_IMAGE } from "./slots.js";

/** The command word for b0n has no fixed place. */
export const pcdNotFixed: Rule = {
  id: "pcd/not-fixed",
  severity: "warning",
  title: "pcd_sram has a fixed address",
  reason:
    "b0n on the network core looks for its command at the address that it was built with, and is " +
    "never updated. If a later build moves pcd_sram, network core updates hang: MCUboot waits for " +
    "an answer without a time limit.",
  source:
    "sdk-nrf subsys/partition_manager/pm.yml.pcd; subsys/pcd/src/pcd.c; known issue NCSDK-11234",
  affects: ALL_SDKS,
  fix: "Add pcd_sram with address 0x20000000, size 0x2000 and region sram_primary, or where the partitions.yml of the builds in the field has it.",
  *check(context) {
    for (const layout of appLayouts(context)) {
      if (layout.source !== "pm-static" || partitionOf(layout, "pcd_sram") !== null) continue;
      const primary = slotOf(layout, "primary", NETWORK_CORE_IMAGE);
      if (primary?.memory.kind !== "ram-flash") continue;
      yield { message: "network core slots without pcd_sram", place: primary.place };
    }
  },
};

/** The command word cannot be locked as a unit. */
export const pcdAlignment: Rule = {
  id: "pcd/unaligned",
  severity: "error",
  title: "pcd_sram consists of whole SPU regions",
  reason:
    "Before the application starts, MCUboot makes the SPU region with the command read-only. Other " +
    "data in the same region becomes read-only too, and faults when it is written.",
  source: "sdk-nrf subsys/pcd/src/pcd.c, pcd_lock_ram; CONFIG_NRF_SPU_RAM_REGION_SIZE",
  affects: ALL_SDKS,
  fix: "Use an address and a size that are multiples of 0x2000.",
  *check(context) {
    for (const layout of appLayouts(context)) {
      const pcd = partitionOf(layout, "pcd_sram");
      if (pcd === null || !isPlaced(pcd)) continue;
      if (pcd.address % SPU_RAM_BLOCK !== 0) {
        yield {
          message: `pcd_sram begins at ${hex(pcd.address)}, expected a multiple of ${hex(SPU_RAM_BLOCK)}`,
          place: pcd.addressPlace,
        };
      }
      if (pcd.size % SPU_RAM_BLOCK !== 0 || pcd.size === 0) {
        yield {
          message: `pcd_sram has ${hex(pcd.size)} bytes, expected a multiple of ${hex(SPU_RAM_BLOCK)}`,
          place: pcd.sizePlace,
        };
      }
    }
  },
};

/** Images of one build disagree on where the command is. */
export const pcdDiffers: Rule = {
  id: "pcd/differs",
  severity: "error",
  title: "All images use the same address for PCD",
  reason: "MCUboot writes the command where b0n does not look; the update never starts.",
  source: "sdk-nrf subsys/pcd/Kconfig, PCD_CMD_ADDRESS",
  affects: ALL_SDKS,
  fix: "Set CONFIG_PCD_CMD_ADDRESS to one number in MCUboot, b0n and the application.",
  *check(context) {
    const assigned = (["mcuboot", "b0n", "app"] as const).flatMap((role) => {
      const assignment = context.config(role)?.get("CONFIG_PCD_CMD_ADDRESS");
      return assignment === null || assignment === undefined ? [] : [{ role, assignment }];
    });
    const [first, ...others] = assigned;
    if (first === undefined) return;
    for (const { role, assignment } of others) {
      if (Number(assignment.value) === Number(first.assignment.value)) continue;
      yield {
        message: `PCD_CMD_ADDRESS of ${role} is ${assignment.value}, expected ${first.assignment.value} as in ${first.role}`,
        place: assignment.place,
        related: [{ place: first.assignment.place, message: `that of ${first.role}` }],
      };
    }
  },
};

/** MCUboot does not protect itself, nor the command. */
export const fprotectOff: Rule = {
  id: "boot/fprotect-off",
  severity: "warning",
  title: "MCUboot protects its flash and the PCD command",
  reason:
    "pcd_lock_ram is only compiled with CONFIG_FPROTECT. Without it the application can write a PCD " +
    "command, and b0n installs what the command points to.",
  source: "sdk-mcuboot boot/zephyr/main.c, #ifdef CONFIG_FPROTECT before do_boot",
  affects: ALL_SDKS,
  fix: "Set CONFIG_FPROTECT=y in MCUboot's configuration.",
  *check(context) {
    const mcuboot = context.config("mcuboot");
    if (mcuboot?.state("CONFIG_FPROTECT") !== "off") return;
    if (context.scheme.netUpdate.state !== "yes") return;
    const place = mcuboot.get("CONFIG_FPROTECT")?.place ?? context.scheme.netUpdate.place;
    if (place !== null) yield { message: "CONFIG_FPROTECT is off in MCUboot", place };
  },
};

/** MCUboot's end is in the middle of a block that can be protected. */
export const protectionUnit: Rule = {
  id: "boot/protection-unit",
  severity: "warning",
  title: "MCUboot's partition consists of whole SPU blocks",
  reason:
    "fprotect_area refuses an area that is not a multiple of 0x4000; MCUboot then says " +
    '"Protect mcuboot flash failed, cancel startup" and starts nothing.',
  source: "sdk-mcuboot boot/zephyr/main.c; sdk-nrf lib/fprotect/Kconfig, FPROTECT_BLOCK_SIZE",
  affects: ALL_SDKS,
  fix: "Make address and size of MCUboot's partition multiples of 0x4000 (0xc000 or 0x10000).",
  *check(context) {
    const isOn = context.config("mcuboot")?.state("CONFIG_FPROTECT") === "on";
    if (context.config("mcuboot")?.state("CONFIG_FPROTECT") === "off") return;
    for (const layout of appLayouts(context)) {
      for (const partition of layout.partitions) {
        if (!partition.isBootloader || !isPlaced(partition)) continue;
        const { name, address, size, sizePlace } = partition;
        // Behind NSIB it is one of two slots, which NSIB protects.
        if (partitionOf(layout, "s0") !== null) continue;
        if (address % SPU_FLASH_BLOCK === 0 && size % SPU_FLASH_BLOCK === 0) continue;
        yield {
          severity: isOn ? "error" : "warning",
          message: `${name} ends at ${hex(address + size)}, expected a multiple of ${hex(SPU_FLASH_BLOCK)}`,
          place: sizePlace,
        };
      }
    }
  },
};
