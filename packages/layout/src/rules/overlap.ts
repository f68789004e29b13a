// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";

import { endOf, isPlaced } from "../model/layout.js";
import type { Layout, Partition, PlacedPartition } from "../model/layout.js";
import { ALL_SDKS } from "../model/sdk-version.js";
import type { CheckContext, Rule, Violation } from "./rule.js";

/** Two partitions with memory of their own share bytes. */
export const overlap: Rule = {
  id: "layout/overlap",
  severity: "error",
  title: "Partitions do not overlap",
  reason:
    "Writing one partition changes the other. Partition Manager does not look for overlaps of " +
    "static partitions, and a devicetree compiler does not either.",
  source: "sdk-nrf scripts/partition_manager.py, get_dynamic_area_start_and_size",
  affects: ALL_SDKS,
  fix: "Move or shrink one of the two so that one ends where the other begins.",
  *check({ layouts, scheme }) {
    for (const layout of layouts) {
      for (const [first, second] of overlapsOf(layout)) {
        yield describe(first, second, scheme.multiImage.state);
      }
    }
  },
};

/** A partition reaches out of its memory. */
export const beyondMemory: Rule = {
  id: "layout/beyond-memory",
  severity: "error",
  title: "Partitions lie inside their memory",
  reason: "What lies behind the end of the chip does not exist: writes fail or wrap around.",
  source: "sdk-nrf cmake/sysbuild/partition_manager.cmake (regions); nRF5340 PS, Memory",
  affects: ALL_SDKS,
  fix: "Shrink or move the partition, or correct the size of the memory.",
  *check({ layouts }) {
    for (const { partitions } of layouts) {
      for (const partition of partitions.filter(isPlaced)) {
        const { name, memory } = partition;
        if (memory.size === null) continue;
        const end = memory.base + memory.size;
        if (partition.address >= memory.base && endOf(partition) <= end) continue;
        yield {
          message:
            `${name} is ${rangeText(partition)}, expected inside ${memory.name}, ` +
            `${hex(memory.base)} to ${hex(end)}`,
          place: partition.address < memory.base ? partition.addressPlace : partition.sizePlace,
        };
      }
    }
  },
};

/** Pairs of partitions that share bytes; sorted by address, so that many partitions cost little. */
function* overlapsOf(layout: Layout): Generator<[PlacedPartition, PlacedPartition]> {
  const own = layout.partitions
    .filter(isPlaced)
    .filter(({ span, size, name, memory }) => span === null && size > 0 && !isFiller(name, memory))
    .toSorted((a, b) => a.address - b.address || b.size - a.size);
  let open: PlacedPartition[] = [];
  for (const partition of own) {
    open = open.filter((before) => endOf(before) > partition.address);
    for (const before of open) {
      if (before.memory !== partition.memory || contains(before, partition)) continue;
      yield [before, partition];
    }
    open.push(partition);
  }
}

/**
 * Nothing is stored in `EMPTY_n`, nor in the rest of a region, which has the region's name; layouts
 * in use repeat it or let it overlap. The rest of RAM is the application's RAM.
 */
function isFiller(name: string, memory: Partition["memory"]): boolean {
  return /^EMPTY_\d+$/.test(name) || (name === memory.name && memory.kind !== "app-ram");
}

/** True when one is made of the other: nested nodes, or a slot without a span and its image. */
function contains(outer: PlacedPartition, inner: PlacedPartition): boolean {
  if (inner.parent === outer.name || outer.parent === inner.name) return true;
  const isPart = ["app", "mcuboot_pad", "mcuboot_primary_app"].includes(inner.name);
  return isPart && outer.slot?.kind === "primary" && endOf(inner) <= endOf(outer);
}

function describe(
  first: PlacedPartition,
  second: PlacedPartition,
  multiImage: "yes" | "no" | "unknown",
): Violation {
  const violation = {
    message: `${second.name} ${rangeText(second)} overlaps ${first.name} ${rangeText(first)}`,
    place: second.addressPlace,
    related: [{ place: first.addressPlace, message: `${first.name} begins here` }],
  };
  const slots = [first.slot, second.slot];
  const isSequential = slots.every((slot) => slot?.kind === "secondary");
  if (isSequential && multiImage !== "yes") {
    return {
      ...violation,
      severity: "warning",
      message: `${violation.message}: right only while one image is updated at a time`,
      fix:
        "Give each secondary slot its own place before both images are sent in one go " +
        "(SB_CONFIG_MCUBOOT_NRF53_MULTI_IMAGE_UPDATE=y).",
    };
  }
  // Two data partitions on the same bytes are a fault only if both are used.
  return { ...violation, severity: [first, second].some(isCode) ? "error" : "warning" };
}

function isCode({ slot, isBootloader, name }: Partition): boolean {
  return (
    slot !== null || isBootloader || /^(app|mcuboot_pad|tfm.*|s[01](_.*)?|pcd_sram)$/.test(name)
  );
}

/** `0x10000 to 0xf0000`. */
export function rangeText(partition: PlacedPartition): string {
  return `${hex(partition.address)} to ${hex(endOf(partition))}`;
}

/** Layouts of the application core, which hold the slots. */
export function appLayouts({ layouts }: CheckContext): readonly Layout[] {
  return layouts.filter(({ core }) => core === "app");
}
