// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";

import { endOf, isPlaced, partitionOf } from "../model/layout.js";
import type { Layout, Partition } from "../model/layout.js";
import { MCUBOOT_HEADER_SIZE } from "../model/nrf5340.js";
import { ALL_SDKS } from "../model/sdk-version.js";
import type { CheckContext, Rule, Violation } from "./rule.js";
import { rangeText } from "./overlap.js";

/** The dynamic partition takes what the static ones leave of a complex region. */
const DYNAMIC_PARTITIONS: ReadonlyMap<string, string> = new Map([
  ["flash_primary", "app"],
  ["sram_primary", "sram_primary"],
]);

const SOURCE = "sdk-nrf scripts/partition_manager.py";

/** A name comes twice in one file. */
export const duplicateName: Rule = {
  id: "pm/duplicate-name",
  severity: "error",
  title: "Every partition is defined once",
  reason: "PyYAML keeps the last entry of a name without a word: the first one has no effect.",
  source: `${SOURCE}, load_static_configuration (yaml.safe_load)`,
  affects: ALL_SDKS,
  fix: "Delete or rename one of them.",
  *check(context) {
    for (const layout of pmLayouts(context)) {
      const seen = new Map<string, Partition>();
      for (const partition of layout.partitions) {
        const before = seen.get(partition.name);
        seen.set(partition.name, partition);
        if (before === undefined) continue;
        yield {
          message: `${partition.name} again, expected it once`,
          place: partition.place,
          related: [{ place: before.place, message: "first defined here" }],
        };
      }
    }
  },
};

/** A partition without address or size. */
export const incompleteEntry: Rule = {
  id: "pm/incomplete-entry",
  severity: "error",
  title: "Static partitions have address and size",
  reason:
    "Partition Manager stops with KeyError: it places dynamic partitions only, from pm.yml files.",
  source: `${SOURCE}, get_dynamic_area_start_and_size and calculate_end_address`,
  affects: ALL_SDKS,
  fix: "Give it both, as in the generated partitions.yml of a build.",
  *check(context) {
    for (const layout of pmLayouts(context)) {
      for (const { name, address, size, place } of layout.partitions) {
        const missing = [address === null ? "address" : null, size === null ? "size" : null];
        const names = missing.filter((field) => field !== null);
        if (names.length > 0) yield { message: `${name} without ${names.join(" and ")}`, place };
      }
    }
  },
};

/** A span is not the sum of its parts. */
export const spanMismatch: Rule = {
  id: "pm/span-mismatch",
  severity: "error",
  title: "A span covers exactly its parts",
  reason:
    "Code uses the span's numbers (mcuboot_primary is the slot), the linker those of the parts: " +
    "an image then stands where MCUboot does not look, or reaches out of its slot.",
  source: `${SOURCE}: static spans are taken as they stand`,
  affects: ALL_SDKS,
  fix: "Set address to that of the first part and size to the sum of all parts.",
  *check(context) {
    for (const layout of pmLayouts(context)) {
      for (const partition of layout.partitions) {
        const violation = spanViolation(layout, partition);
        if (violation !== null) yield violation;
      }
    }
  },
};

/** Static partitions leave a number of gaps that Partition Manager refuses. */
export const staticGaps: Rule = {
  id: "pm/gaps",
  severity: "error",
  title: "Static partitions leave the gap that Partition Manager expects",
  reason:
    "The build stops: in flash_primary and sram_primary exactly one gap has to be left for app and " +
    "what is placed dynamically; in other regions partitions are packed at the start.",
  source: `${SOURCE}, get_dynamic_area_start_and_size and verify_static_conf_simple`,
  affects: ALL_SDKS,
  fix: "Fill the smaller gaps with partitions named EMPTY_0, EMPTY_1 and so on, or move partitions together.",
  *check(context) {
    for (const layout of pmLayouts(context)) {
      if (layout.source !== "pm-static" || layout.core !== "app") continue;
      for (const { name, base, size, place } of layout.memories) {
        const own = layout.partitions.filter((partition) => partition.memory.name === name);
        const last = own.at(-1);
        if (size === null || last === undefined) continue;
        const gap = gapViolation(own, name, base, base + size);
        if (gap === null) continue;
        const before = own.find(
          (partition) => isPlaced(partition) && endOf(partition) === gap.start,
        );
        yield { message: gap.message, place: place ?? (before ?? last).place };
      }
    }
  },
};

/** mcuboot_pad is not as long as the header that imgtool puts in front. */
export const padSize: Rule = {
  id: "pm/pad-size",
  severity: "error",
  title: "mcuboot_pad is as long as the image header",
  reason:
    "The application is linked behind the pad, imgtool puts a header of PM_MCUBOOT_PAD in front of " +
    "it. When the two differ, MCUboot starts the image at the wrong address.",
  source: "sdk-nrf cmake/sysbuild/image_signing.cmake; sysbuild/Kconfig.sysbuild, PM_MCUBOOT_PAD",
  affects: ALL_SDKS,
  fix: "Set size: 0x200 for mcuboot_pad (nRF5340), or SB_CONFIG_PM_MCUBOOT_PAD to the same number.",
  *check(context) {
    const option = context.config("sysbuild")?.number("SB_CONFIG_PM_MCUBOOT_PAD");
    const expected = option ?? MCUBOOT_HEADER_SIZE;
    for (const layout of pmLayouts(context)) {
      const pad = partitionOf(layout, "mcuboot_pad");
      if (pad === null || pad.size === null || pad.size === expected) continue;
      yield {
        message: `mcuboot_pad has ${hex(pad.size)} bytes, expected ${hex(expected)}`,
        place: pad.sizePlace,
      };
    }
  },
};

/** A static layout that no build reads. */
export const unusedLayout: Rule = {
  id: "pm/unused",
  severity: "warning",
  title: "pm_static.yml is used",
  reason:
    "With Partition Manager off the partitions come from devicetree. Whoever reads or changes the " +
    "file believes in addresses that no image has.",
  source: "sdk-nrf sysbuild/Kconfig.sysbuild, PARTITION_MANAGER",
  affects: { from: "v2.7.0", to: null },
  fix: "Delete the file, or turn Partition Manager on again with SB_CONFIG_PARTITION_MANAGER=y.",
  *check({ project, layouts, config }) {
    const off = config("sysbuild")?.get("SB_CONFIG_PARTITION_MANAGER");
    for (const layout of project.pmLayouts) {
      const [first] = layout.partitions;
      if (off === null || off === undefined || first === undefined || layouts.includes(layout))
        continue;
      yield {
        message: `${layout.file} is not used`,
        place: first.place,
        related: [{ place: off.place, message: "Partition Manager is off" }],
      };
    }
  },
};

/** Partition Manager is used where it is on its way out. */
export const deprecatedPm: Rule = {
  id: "pm/deprecated",
  severity: "note",
  title: "Partition Manager is deprecated",
  reason:
    "Off by default in the major release after v3.3 and gone in the one after that; devicetree " +
    "partitions take its place. Devices in the field keep their addresses only if the new files say so.",
  source: "docs.nordicsemi.com, Migrating partitions to devicetree (migration_partitions.rst)",
  affects: { from: "v3.3.0", to: null },
  needsSdk: true,
  fix: "Plan the move: same addresses in overlays of every image, SB_CONFIG_PARTITION_MANAGER=n.",
  *check(context) {
    const [layout] = pmLayouts(context);
    const first = layout?.partitions[0];
    if (layout === undefined || first === undefined) return;
    yield { message: `${layout.file} is for Partition Manager`, place: first.place };
  },
};

function pmLayouts({ layouts }: CheckContext): readonly Layout[] {
  return layouts.filter(({ source }) => source === "pm-static" || source === "pm-generated");
}

function spanViolation(layout: Layout, span: Partition): Violation | null {
  if (span.span === null || span.span.length === 0 || !isPlaced(span)) return null;
  const parts = span.span.map(({ value }) => partitionOf(layout, value));
  const placed = parts.filter((part) => part !== null).filter(isPlaced);
  // A static file may leave a part to Partition Manager.
  if (placed.length !== parts.length) return null;
  const sorted = placed.toSorted((a, b) => a.address - b.address);
  const [first] = sorted;
  const last = sorted.at(-1);
  if (first === undefined || last === undefined) return null;
  const related = sorted.map((part) => ({
    place: part.addressPlace,
    message: `${part.name}: ${rangeText(part)}`,
  }));
  if (span.address !== first.address || endOf(span) !== endOf(last)) {
    // A slot may be longer than what is linked for it; only the application should fill its slot.
    const isLonger = span.address === first.address && endOf(span) > endOf(last);
    if (isLonger && span.slot !== null && span.slot.image > 0) return null;
    const expected = `${hex(first.address)} to ${hex(endOf(last))}`;
    return {
      ...(isLonger ? { severity: "warning" as const } : {}),
      message: `${span.name} is ${rangeText(span)}, expected ${expected} as its parts`,
      place: span.address === first.address ? span.sizePlace : span.addressPlace,
      related,
    };
  }
  for (const [i, part] of sorted.entries()) {
    const next = sorted[i + 1];
    if (next === undefined || endOf(part) >= next.address) continue;
    return {
      message: `${span.name} has a hole from ${hex(endOf(part))} to ${hex(next.address)}`,
      place: span.place,
      related,
    };
  }
  return null;
}

function gapViolation(
  partitions: readonly Partition[],
  region: string,
  start: number,
  end: number,
): { message: string; start: number } | null {
  const dynamic = DYNAMIC_PARTITIONS.get(region);
  const own = partitions
    .filter(({ name, span }) => span === null && name !== dynamic)
    .filter(isPlaced);
  // As Partition Manager counts them: ends that are no start, starts that are no end.
  const starts = new Set([end, ...own.map(({ address }) => address)]);
  const ends = new Set([start, ...own.map(endOf)]);
  const from = [...ends].filter((address) => !starts.has(address)).toSorted(ascending);
  const to = [...starts].filter((address) => !ends.has(address)).toSorted(ascending);
  const gaps = from
    .slice(0, to.length)
    .map((address, i): [number, number] => [address, to[i] ?? end]);
  const found = gaps.map(([a, b]) => `${hex(a)} to ${hex(b)}`).join(", ");
  // Overlaps hide gaps from this arithmetic; layout/overlap reports them.
  if (gaps.some(([a, b]) => a > b)) return null;
  if (dynamic !== undefined) {
    if (gaps.length === 1) return null;
    if (gaps.length === 0) {
      return { message: `no gap in ${region}, expected one for ${dynamic}`, start };
    }
    const wanted = partitions.find(({ name }) => name === dynamic)?.address ?? start;
    const wrong = gaps.find(([a, b]) => wanted < a || wanted >= b) ?? gaps[0];
    const message = `${gaps.length} gaps in ${region} (${found}), expected one`;
    return { message, start: wrong?.[0] ?? start };
  }
  const [first] = gaps;
  if (first === undefined || (gaps.length === 1 && first[1] === end)) return null;
  const message = `gaps in ${region} (${found}), expected partitions packed at its start`;
  return { message, start: first[0] };
}

function ascending(a: number, b: number): number {
  return a - b;
}
