// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";

import { NRF5340_NET } from "@tandem/release";

import { nandSign, stringsOf } from "../model/dt-layout.js";
import { isPlaced, slotOf } from "../model/layout.js";
import type { Memory, Partition } from "../model/layout.js";
import { ALL_SDKS } from "../model/sdk-version.js";
import { walkNodes } from "../read/devicetree.js";
import type { DtsNode } from "../read/devicetree.js";
import { appLayouts } from "./overlap.js";
import type { CheckContext, Rule } from "./rule.js";

/** Name of the partition that holds Tandem's store. */
const STORE_PARTITION = "tandem_store";

/** NAND at a peripheral that speaks NOR. */
export const nandOnQspi: Rule = {
  id: "nand/qspi",
  severity: "error",
  title: "NAND is not attached to the QSPI peripheral",
  reason:
    "The QSPI peripheral of the nRF5340 sends NOR commands only: linear addresses, status with 05h, " +
    "programs split into 256 bytes. A NAND needs page read (13h), program execute (10h) and feature " +
    "registers; reads return other data than was written.",
  source: "docs.nordicsemi.com, nRF5340 PS, QSPI, Instruction set",
  affects: ALL_SDKS,
  fix: 'Attach the chip to SPIM4 (32 MHz) with compatible = "jedec,spi-nand", Zephyr 4.4 or newer.',
  *check({ project }) {
    for (const { tree } of project.trees) {
      for (const node of walkNodes([tree.root, ...tree.references])) {
        const sign = nandSign(node);
        if (sign === null || !isAtQspi(node)) continue;
        yield { message: `NAND (${sign.value}) at the QSPI peripheral`, place: sign.place };
      }
    }
  },
};

/** MCUboot is to use NAND as a slot. */
export const slotOnNand: Rule = {
  id: "nand/slot",
  severity: "error",
  title: "No slot lies on raw NAND",
  reason:
    "MCUboot writes 16 bytes of magic and then single flags into the last page; a NAND page is " +
    "programmed whole and once. Bad blocks and bit errors have no place in its slots either: an " +
    "uncorrectable page after the primary was erased leaves nothing to start.",
  source:
    "sdk-mcuboot boot/bootutil/src/bootutil_public.c, boot_set_next; zephyr drivers/flash/spi_nand.c (-EINVAL)",
  affects: ALL_SDKS,
  fix: "Keep candidates in a store made for NAND (tandem layout plan --nand …) with MCUboot in single-slot mode, or put the slot on NOR.",
  *check(context) {
    for (const { name, memory, memoryPlace, place } of slotsOnNand(context)) {
      yield {
        message: `${name} is on NAND (${memory.nand?.value})`,
        place,
        related: [{ place: memory.nand?.place ?? memoryPlace, message: "the chip" }],
      };
    }
  },
};

/** A partition on NAND shares a block with another. */
export const eraseBlocks: Rule = {
  id: "nand/erase-blocks",
  severity: "error",
  title: "Partitions on NAND consist of whole blocks",
  reason: "Erasing works on whole blocks: the neighbour in the same block is erased too.",
  source: "zephyr drivers/flash/spi_nand.c; dts/bindings/mtd/jedec,spi-nand.yaml, erase-block-size",
  affects: ALL_SDKS,
  fix: "Round address and size to multiples of the block, usually 0x20000.",
  *check(context) {
    for (const partition of partitionsOnNand(context)) {
      if (!isPlaced(partition)) continue;
      const { name, address, size, addressPlace, sizePlace, memory } = partition;
      const block = memory.eraseBytes;
      if (address % block !== 0) {
        yield {
          message: `${name} begins at ${hex(address)}, expected a multiple of ${hex(block)}`,
          place: addressPlace,
        };
      }
      if (size % block !== 0) {
        yield {
          message: `${name} has ${hex(size)} bytes, expected a multiple of ${hex(block)}`,
          place: sizePlace,
        };
      }
    }
  },
};

/** No block to take the place of a bad one. */
export const badBlockReserve: Rule = {
  id: "nand/no-reserve",
  severity: "error",
  title: "Partitions on NAND have blocks in reserve",
  reason:
    "Up to 2 % of the blocks are bad during the life of the chip, the first ones from the factory on, at any address. " +
    "A partition without spare blocks fails with the first one in it.",
  source: "Winbond W25N01GV data sheet 8.2.7; Linux drivers/mtd/nand/spi (20 of 1,024)",
  affects: ALL_SDKS,
  fix: "Add the chip's largest number of bad blocks (20 of 1,024) to what is needed.",
  *check(context) {
    for (const partition of partitionsOnNand(context)) {
      if (!isPlaced(partition)) continue;
      const { name, slot, size, memory, sizePlace } = partition;
      const blocks = Math.floor(size / memory.eraseBytes);
      const needed = slot === null ? null : neededBlocks(context, slot.image, memory.eraseBytes);
      if (needed !== null && blocks <= needed) {
        yield {
          message: `${name} has ${blocks} blocks, all of them needed for the image`,
          place: sizePlace,
        };
      }
      if (name !== STORE_PARTITION) continue;
      const least = leastStoreBlocks(context, memory);
      if (blocks >= least) continue;
      yield {
        message: `${name} has ${blocks} blocks, expected at least ${least}`,
        place: sizePlace,
      };
    }
  },
};

/** A signature mode that reads the image through a pointer. */
export const needsMapping: Rule = {
  id: "nand/needs-mapping",
  severity: "error",
  title: "Candidates that are not mapped are hashed, not dereferenced",
  reason:
    "Pure signatures and hashing directly on storage read the slot through memory addresses. NAND has " +
    "none, and neither has flash behind SPI.",
  source:
    "sdk-mcuboot boot/zephyr/Kconfig, BOOT_SIGNATURE_TYPE_PURE and BOOT_IMG_HASH_DIRECTLY_ON_STORAGE",
  affects: ALL_SDKS,
  fix: "Turn it off: MCUboot then hashes in pieces of 256 bytes that it reads.",
  *check(context) {
    const isUnmapped =
      slotsOnNand(context).length > 0 || context.scheme.externalSecondary.state === "yes";
    if (!isUnmapped) return;
    for (const [role, symbol] of [
      ["mcuboot", "CONFIG_BOOT_SIGNATURE_TYPE_PURE"],
      ["mcuboot", "CONFIG_BOOT_IMG_HASH_DIRECTLY_ON_STORAGE"],
      ["sysbuild", "SB_CONFIG_BOOT_SIGNATURE_TYPE_PURE"],
    ] as const) {
      const assignment = context.config(role)?.get(symbol);
      if (assignment?.value !== "y") continue;
      yield {
        message: `${symbol}=y with a secondary slot that is not mapped`,
        place: assignment.place,
      };
    }
  },
};

/** Nobody notices that bits decay. */
export const noScrub: Rule = {
  id: "nand/no-scrub",
  severity: "warning",
  title: "Data on NAND is refreshed before it is lost",
  reason:
    "Zephyr's spi_nand driver corrects bit errors without telling, so nothing above it (dhara, " +
    "littlefs, FAT) knows which page to move. With 1-bit ECC the next error in the page is final.",
  source:
    "zephyr drivers/flash/spi_nand.c (corrected errors are only logged); drivers/disk/ftl_dhara.c; dhara README",
  affects: ALL_SDKS,
  fix: "Use a layer that reads the ECC status and moves weak blocks, and patrol at intervals.",
  *check(context) {
    for (const { tree } of context.project.trees) {
      for (const node of walkNodes([tree.root, ...tree.references])) {
        const ftl = node.properties
          .get("compatible")
          ?.strings.find(({ value }) => value === "zephyr,ftl-dhara");
        if (ftl !== undefined)
          yield { message: "a disk on NAND without scrubbing", place: ftl.place };
      }
    }
    for (const { name, slot, place } of partitionsOnNand(context)) {
      if (
        slot !== null ||
        name === STORE_PARTITION ||
        !/storage|littlefs|lfs|fat|settings|nvs/.test(name)
      )
        continue;
      yield { message: `${name} is on NAND without ECC telemetry`, place };
    }
  },
};

/** Smallest journal of a store (`planStore`). */
const LEAST_JOURNAL_BLOCKS = 8;

/** Share of blocks that go bad in the life of a chip. */
const BAD_SHARE = 0.02;

/** Blocks of a chip whose size is not known: 1 Gb. */
const COMMON_BLOCKS = 1024;

/** Journal, two banks of two copies, and the bad blocks of the whole chip, wherever they are. */
function leastStoreBlocks(context: CheckContext, { size, eraseBytes }: Memory): number {
  const app = neededBlocks(context, 0, eraseBytes) ?? 1;
  const net = Math.ceil((NRF5340_NET.slot.end - NRF5340_NET.slot.start) / eraseBytes);
  const reserve = Math.floor((size === null ? COMMON_BLOCKS : size / eraseBytes) * BAD_SHARE);
  return LEAST_JOURNAL_BLOCKS + 2 * 2 * (app + net) + reserve;
}

function partitionsOnNand({ layouts, project }: CheckContext): readonly Partition[] {
  // A chip is described in devicetree also where Partition Manager places the slots.
  const all = new Set([...layouts, ...project.trees.map(({ layout }) => layout)]);
  return [...all].flatMap(({ partitions }) =>
    partitions.filter(({ memory }) => memory.nand !== null),
  );
}

function slotsOnNand(context: CheckContext): readonly Partition[] {
  return appLayouts(context).flatMap(({ partitions }) =>
    partitions.filter(({ slot, memory }) => slot !== null && memory.nand !== null),
  );
}

function neededBlocks(context: CheckContext, image: number, blockBytes: number): number | null {
  for (const layout of appLayouts(context)) {
    const primary = slotOf(layout, "primary", image);
    if (primary?.size !== null && primary?.size !== undefined)
      return Math.ceil(primary.size / blockBytes);
  }
  return null;
}

function isAtQspi(node: DtsNode): boolean {
  if (stringsOf(node, "compatible").includes("nordic,qspi-nor")) return true;
  const { parent } = node;
  if (parent === null) return false;
  return (
    parent.labels.includes("qspi") || stringsOf(parent, "compatible").includes("nordic,nrf-qspi")
  );
}
