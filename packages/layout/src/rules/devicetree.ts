// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";

import { stringsOf } from "../model/dt-layout.js";
import type { Partition } from "../model/layout.js";
import type { ImageTree } from "../model/project.js";
import { ALL_SDKS, compareSdkVersions, parseSdkVersion } from "../model/sdk-version.js";
import { walkNodes } from "../read/devicetree.js";
import type { DtsNode } from "../read/devicetree.js";
import { appLayouts } from "./overlap.js";
import type { CheckContext, Rule } from "./rule.js";

const SOURCE =
  "docs.nordicsemi.com, Migration guide for nRF Connect SDK v3.4.0 and Partitioning with devicetree";
const SINCE_DEVICETREE = { from: "v3.3.0", to: null };

/** The network core's partitions are not mapped. */
export const mappedPartitions: Rule = {
  id: "dt/mapped-partition",
  severity: "error",
  title: "Partitions of the network core's flash are mapped",
  reason:
    "With fixed-partitions the base of flash1 is counted twice: the network core image is linked for " +
    "0x02008800 and never starts.",
  source: SOURCE,
  affects: { from: "v3.4.0", to: null },
  fix: 'In &flash1 { partitions { ... } } set ranges; and give every partition compatible = "zephyr,mapped-partition".',
  *check(context) {
    if (!usesDevicetree(context)) return;
    for (const { tree } of context.project.trees) {
      for (const table of walkNodes([tree.root, ...tree.references])) {
        if (table.name !== "partitions" || table.parent?.labels.includes("flash1") !== true)
          continue;
        const compatible = table.properties.get("compatible");
        const fixed = compatible?.strings.find(({ value }) => value === "fixed-partitions");
        if (fixed !== undefined) {
          yield {
            message: "partitions of flash1 are fixed-partitions, expected mapped ones",
            place: fixed.place,
          };
        }
        for (const child of table.children) {
          if (!child.properties.has("reg") || isMapped(child)) continue;
          const message = `${child.labels[0] ?? child.name} is no zephyr,mapped-partition`;
          if (fixed === undefined) yield { message, place: child.place };
        }
      }
    }
  },
};

/** Images of one build see different slots. */
export const slotsDiffer: Rule = {
  id: "dt/slots-differ",
  severity: "error",
  title: "All images see the same slots",
  reason:
    "Each image has its own devicetree. MCUboot installs from the slot that it sees; the application " +
    "writes to the one that it sees.",
  source: SOURCE,
  affects: SINCE_DEVICETREE,
  fix: "Put the partitions into one .dtsi or overlay and use it for the application and for MCUboot (sysbuild/mcuboot.overlay).",
  *check(context) {
    if (!usesDevicetree(context)) return;
    const app = context.project.trees.find(({ role }) => role === "app");
    const mcuboot = context.project.trees.find(({ role }) => role === "mcuboot");
    if (app === undefined || mcuboot === undefined) return;
    for (const partition of mcuboot.layout.partitions) {
      if (partition.slot === null) continue;
      const other = app.layout.partitions.find(({ name }) => name === partition.name);
      if (other === undefined || isSamePlace(partition, other)) continue;
      yield {
        message: `${partition.name} is ${placeOf(partition)} for MCUboot, ${placeOf(other)} for the application`,
        place: partition.addressPlace,
        related: [{ place: other.addressPlace, message: "the application's" }],
      };
    }
  },
};

/** An image is linked for a partition that is not its own. */
export const codePartition: Rule = {
  id: "dt/code-partition",
  severity: "error",
  title: "Every image is linked for its own partition",
  reason:
    "An image that is linked for another partition overwrites it when it is flashed, or faults when it starts.",
  source: "zephyr dts chosen zephyr,code-partition; sdk-mcuboot boot/zephyr/app.overlay",
  affects: SINCE_DEVICETREE,
  fix: "MCUboot: zephyr,code-partition = &boot_partition; application: &slot0_partition.",
  *check(context) {
    if (!usesDevicetree(context)) return;
    for (const { role, tree, layout } of context.project.trees) {
      const expected = layout.core === "net" ? undefined : CODE_PARTITIONS.get(role);
      const chosen = chosenOf(tree.root)?.properties.get("zephyr,code-partition");
      const found = chosen?.references[0];
      if (expected === undefined || found === undefined || expected.includes(found.value)) continue;
      yield {
        message: `zephyr,code-partition is &${found.value}, expected &${expected[0]}`,
        place: found.place,
      };
    }
  },
};

/** Two partitions are one node. */
export const mergedNodes: Rule = {
  id: "dt/merged-nodes",
  severity: "error",
  title: "Every partition is a node of its own",
  reason:
    "Nodes of the same name in the same place are one node: the last reg counts for both labels, and " +
    "two partitions silently lie on each other.",
  source:
    "zephyr scripts/dts/python-devicetree/src/devicetree/dtlib.py, _parse_node; Devicetree Specification 0.4, 6.4",
  affects: ALL_SDKS,
  fix: "Give each its own unit address, the one in its reg.",
  *check({ project }) {
    for (const { tree } of project.trees) {
      for (const node of walkNodes([tree.root, ...tree.references])) {
        if (node.parent?.name !== "partitions") continue;
        for (const { value, place } of node.merged) {
          yield {
            message: `${value} is the same node as ${node.labels[0] ?? node.name}`,
            place,
            related: [{ place: node.place, message: "first defined here" }],
          };
        }
      }
    }
  },
};

/** MCUboot counts sectors of external flash by itself, and cannot. */
export const automaticSectors: Rule = {
  id: "dt/automatic-sectors",
  severity: "warning",
  title: "The number of sectors is set when a slot is external",
  reason:
    "BOOT_MAX_IMG_SECTORS_AUTO counts with erase-block-size of the first image's chips; a serial NOR " +
    "has no such property, and the table can be too small.",
  source: `${SOURCE}; sdk-mcuboot boot/zephyr/Kconfig, BOOT_MAX_IMG_SECTORS_AUTO`,
  affects: SINCE_DEVICETREE,
  fix: "In MCUboot's configuration: CONFIG_BOOT_MAX_IMG_SECTORS_AUTO=n and CONFIG_BOOT_MAX_IMG_SECTORS=<slot size / 4096>.",
  *check(context) {
    if (!usesDevicetree(context)) return;
    const { secondary } = context.scheme;
    if (secondary?.memory.kind !== "external" || secondary.memory.nand !== null) return;
    const mcuboot = context.config("mcuboot");
    if (mcuboot === undefined || mcuboot.state("CONFIG_BOOT_MAX_IMG_SECTORS_AUTO") === "off")
      return;
    const place = mcuboot.get("CONFIG_BOOT_MAX_IMG_SECTORS_AUTO")?.place ?? secondary.place;
    yield {
      message: `${secondary.name} in ${secondary.memory.name}, sectors counted automatically`,
      place,
    };
  },
};

/** A candidate's chip writes in larger units than the slot that it goes to. */
export const writeBlocks: Rule = {
  id: "slot/write-block",
  severity: "error",
  title: "Slots can be written in MCUboot's units",
  reason:
    "MCUboot writes flags of one byte, padded to the chip's write size, of at most 32 bytes " +
    "(BOOT_MAX_ALIGN). With larger ones boot_write_trailer asserts; the trailer is never written.",
  source:
    "sdk-mcuboot boot/bootutil/src/bootutil_public.c, boot_write_trailer; bootutil_priv.h, BOOT_MAX_ALIGN",
  affects: ALL_SDKS,
  fix: "Use a chip with write-block-size of at most 32 for slots, or a layer that takes small writes.",
  *check(context) {
    for (const layout of appLayouts(context)) {
      for (const { name, slot, memory, memoryPlace } of layout.partitions) {
        if (slot === null || memory.writeBytes <= MAX_ALIGN) continue;
        yield {
          message: `${name} is in ${memory.name} with write blocks of ${memory.writeBytes} bytes, expected at most ${MAX_ALIGN}`,
          place: memoryPlace,
        };
      }
    }
  },
};

/** MCUboot's BOOT_MAX_ALIGN in its widest build. */
const MAX_ALIGN = 32;

const CODE_PARTITIONS: ReadonlyMap<ImageTree["role"], readonly string[]> = new Map([
  ["mcuboot", ["boot_partition"]],
  ["app", ["slot0_partition", "slot0_ns_partition", "slot0_s_partition"]],
]);

/** True when the partitions of the build are known to come from devicetree. */
function usesDevicetree({ project, layouts, sdk, config }: CheckContext): boolean {
  const isPartitionManager = layouts.some(({ source }) => source.startsWith("pm-"));
  if (isPartitionManager || project.trees.length === 0) return false;
  if (config("sysbuild")?.get("SB_CONFIG_PARTITION_MANAGER")?.value === "n") return true;
  return sdk !== null && compareSdkVersions(sdk, parseSdkVersion("v3.4.0")) >= 0;
}

function isMapped(node: DtsNode): boolean {
  return stringsOf(node, "compatible").includes("zephyr,mapped-partition");
}

function chosenOf(root: DtsNode): DtsNode | undefined {
  return root.children.find(({ name }) => name === "chosen");
}

function isSamePlace(a: Partition, b: Partition): boolean {
  return a.address === b.address && a.size === b.size && a.memory.name === b.memory.name;
}

function placeOf({ address, size, memory }: Partition): string {
  return `${hexOrUnknown(size)} at ${hexOrUnknown(address)} of ${memory.name}`;
}

function hexOrUnknown(value: number | null): string {
  return value === null ? "?" : hex(value);
}
