// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";

import type { LayoutPlan, PlannedPartition } from "./layout-plan.js";

/** One memory with what stands in it, for drawing. */
interface DrawnMemory {
  readonly title: string;
  readonly bytes: number;
  readonly partitions: readonly PlannedPartition[];
}

const BAR = 40;
const FILLS = ["#4c9f70", "#3f7cac", "#e3c567", "#8e6bbf", "#c97b3d"];
const FREE_FILL = "#eeeeee";
const WIDTH = 720;
const ROW = 62;

/** Address, size, name and share of every partition, and what is free. */
export function drawMemoryMap(plan: LayoutPlan): string[] {
  return memoriesOf(plan).flatMap(({ title, bytes, partitions }) => [
    `${title}, ${sizeText(bytes)}`,
    ...withFree(partitions, bytes).map(({ name, address, size }) => {
      const share = Math.max(size === 0 ? 0 : 1, Math.round((size / bytes) * BAR));
      const row = `  ${hex(address).padStart(9)}  ${sizeText(size).padStart(9)}  ${name.padEnd(18)}`;
      return `${row}${(name === "free" ? "░" : "█").repeat(share)}`;
    }),
    "",
  ]);
}

/** The same as a picture. */
export function drawMemorySvg(plan: LayoutPlan): string {
  const memories = memoriesOf(plan);
  const height = memories.length * ROW + 20;
  const rows = memories.map(({ title, bytes, partitions }, row) => {
    const top = row * ROW + 10;
    const bars = withFree(partitions, bytes).map(({ name, address, size, reason }, i) => {
      const x = (address / bytes) * WIDTH;
      const width = Math.max(1, (size / bytes) * WIDTH);
      const fill = name === "free" ? FREE_FILL : (FILLS[i % FILLS.length] ?? FREE_FILL);
      const tip = `${name}: ${hex(address)}, ${sizeText(size)}. ${reason}`;
      // Text only where it fits: a tip says the rest.
      const fits = width > name.length * 7;
      const label = fits
        ? `<text x="${(x + 4).toFixed(1)}" y="${top + 36}" font-size="11">${escapeXml(name)}</text>`
        : "";
      return (
        `<g><title>${escapeXml(tip)}</title><rect x="${x.toFixed(1)}" y="${top + 20}" ` +
        `width="${width.toFixed(1)}" height="26" fill="${fill}" stroke="#555"/>${label}</g>`
      );
    });
    const heading = `<text x="0" y="${top + 12}" font-size="12">${escapeXml(`${title}, ${sizeText(bytes)}`)}</text>`;
    return `${heading}${bars.join("")}`;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 0 ${WIDTH + 20} ${height}" ` +
    `font-family="sans-serif">\n${rows.join("\n")}\n</svg>\n`
  );
}

/** `896 KiB`, `17 MiB`, `640 bytes`. */
export function sizeText(bytes: number): string {
  if (bytes >= 0x10_0000 && bytes % 0x2_0000 === 0) return `${bytes / 0x10_0000} MiB`;
  return bytes >= 1024 && bytes % 512 === 0 ? `${bytes / 1024} KiB` : `${bytes} bytes`;
}

function memoriesOf({
  options,
  internal,
  network,
  external,
  externalBytes,
}: LayoutPlan): readonly DrawnMemory[] {
  return [
    { title: "application core flash", bytes: options.internalBytes, partitions: internal },
    { title: "network core flash", bytes: 0x40000, partitions: network },
    { title: options.chip.name, bytes: externalBytes, partitions: external },
  ];
}

function withFree(
  partitions: readonly PlannedPartition[],
  bytes: number,
): readonly PlannedPartition[] {
  const all: PlannedPartition[] = [];
  let at = 0;
  const free = (end: number): void => {
    if (end <= at) return;
    all.push({
      name: "free",
      label: "",
      address: at,
      size: end - at,
      reason: "not used by the plan",
    });
  };
  for (const partition of partitions) {
    free(partition.address);
    all.push(partition);
    at = partition.address + partition.size;
  }
  free(bytes);
  return all;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
