// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";
import type { NandProfile } from "@tandem/flash";

import type { LayoutPlan, PlannedPartition } from "./layout-plan.js";

/** JEDEC ids of the parts that `packages/flash` knows (Linux drivers/mtd/nand/spi). */
const JEDEC_IDS: ReadonlyMap<string, string> = new Map([
  ["W25N01GV", "ef aa 21"],
  ["W25N512GV", "ef aa 20"],
  ["MT29F1G01", "2c 14"],
  ["GD5F1GQ5", "c8 51"],
  ["TC58CVG", "98 c2"],
]);

/** Partitions that the board defines and the plan replaces. */
const BOARD_PARTITIONS = [
  "boot_partition",
  "slot0_partition",
  "slot1_partition",
  "storage_partition",
];

/** Overlay of the application or of MCUboot: both see the same chips and partitions. */
export function emitAppOverlay(
  plan: LayoutPlan,
  codePartition: "slot0_partition" | "boot_partition",
): string {
  const isDevicetree = plan.options.way === "devicetree";
  const parts = [chipNode(plan)];
  const chosen: string[] = [];
  if (isDevicetree) {
    parts.unshift(
      deletions(),
      flashNode("flash0", plan.internal, (partition) => mapped(partition, 2)),
    );
    chosen.push(`zephyr,code-partition = &${codePartition};`);
  }
  if (plan.options.chip.kind === "nor") chosen.push(`nordic,pm-ext-flash = &${chipLabel(plan)};`);
  if (chosen.length > 0) parts.push(chosenNode(chosen));
  return `${parts.join("\n\n")}\n`;
}

/** Overlay of b0n or of the network core's image. */
export function emitNetOverlay(plan: LayoutPlan, isB0n: boolean): string {
  const parts = [
    deletions(),
    flashNode("flash1", plan.network, (partition) => mapped(partition, 2), true),
  ];
  if (isB0n) parts.push(chosenNode(["zephyr,code-partition = &b0n_partition;"]));
  return `${parts.join("\n\n")}\n`;
}

function deletions(): string {
  return BOARD_PARTITIONS.map((label) => `/delete-node/ &${label};`).join("\n");
}

function flashNode(
  label: string,
  partitions: readonly PlannedPartition[],
  node: (partition: PlannedPartition) => string,
  isMapped = false,
): string {
  // flash1 needs ranges: its base would count twice without.
  const ranges = isMapped ? "\t\tranges;\n\n" : "";
  return `&${label} {\n\tpartitions {\n${ranges}${partitions.map(node).join("\n\n")}\n\t};\n};`;
}

function mapped(partition: PlannedPartition, depth: number): string {
  return partitionNode(partition, depth, 'compatible = "zephyr,mapped-partition";');
}

function partitionNode(
  { label, name, address, size, reason }: PlannedPartition,
  depth: number,
  compatible?: string,
): string {
  const tabs = "\t".repeat(depth);
  const own = label === "provision_partition" ? `bl_storage: ${label}` : label;
  const title = TITLES.get(label) ?? name;
  return [
    `${tabs}/* ${reason} */`,
    `${tabs}${own}: partition@${address.toString(16)} {`,
    ...(compatible === undefined ? [] : [`${tabs}\t${compatible}`]),
    `${tabs}\tlabel = "${title}";`,
    `${tabs}\treg = <${hex(address)} ${hex(size)}>;`,
    `${tabs}};`,
  ].join("\n");
}

/** `label` properties that other code refers to. */
const TITLES: ReadonlyMap<string, string> = new Map([
  ["boot_partition", "mcuboot"],
  ["slot0_partition", "image-0"],
  ["storage_partition", "storage"],
  ["provision_partition", "b0-provision-data"],
]);

function chosenNode(properties: readonly string[]): string {
  return `/ {\n\tchosen {\n${properties.map((property) => `\t\t${property}`).join("\n")}\n\t};\n};`;
}

function chipLabel({ options }: LayoutPlan): string {
  return options.chip.name.toLowerCase().replace(/[^a-z0-9_]/g, "_");
}

function chipNode(plan: LayoutPlan): string {
  const { chip, way } = plan.options;
  if (chip.kind === "nand") return nandNode(plan, chip.profile);
  // Partition Manager has the store of a NOR in pm_static.yml; the board has the chip.
  if (way === "partition-manager") return `&${chipLabel(plan)} {\n\tstatus = "okay";\n};`;
  return `&${chipLabel(plan)} {\n\tstatus = "okay";\n\n${tableNode(plan.external, 1)}\n};`;
}

function nandNode(plan: LayoutPlan, profile: NandProfile): string {
  const blockBytes = profile.pageBytes * profile.pagesPerBlock;
  const bytes = blockBytes * profile.blockCount;
  const { readUs, programUs, eraseUs } = profile.worst ?? profile;
  const jedecId = JEDEC_IDS.get(profile.name);
  const label = chipLabel(plan);
  const properties = [
    'compatible = "jedec,spi-nand";',
    "reg = <0>;",
    `spi-max-frequency = <${profile.busHz}>;`,
    ...(jedecId === undefined ? [] : [`jedec-id = [${jedecId}];`]),
    `size-bytes = <${hex(bytes)}>;`,
    `plane-bytes = <${hex(bytes)}>;`,
    `erase-block-size = <${hex(blockBytes)}>;`,
    `write-block-size = <${profile.pageBytes}>;`,
    `block-erase-duration-max = <${eraseUs}>;`,
    `page-program-duration-max = <${programUs}>;`,
    `page-read-duration-max = <${readUs}>;`,
  ];
  return [
    "/* SPIM4 runs at 32 MHz, the others at 8. Pins and chip select are the board's. */",
    "&spi4 {",
    '\tstatus = "okay";',
    "",
    `\t${label}: ${label}@0 {`,
    ...properties.map((property) => `\t\t${property}`),
    "",
    tableNode(plan.external, 2),
    "\t};",
    "};",
  ].join("\n");
}

function tableNode(partitions: readonly PlannedPartition[], depth: number): string {
  const tabs = "\t".repeat(depth);
  return [
    `${tabs}partitions {`,
    `${tabs}\tcompatible = "fixed-partitions";`,
    `${tabs}\t#address-cells = <1>;`,
    `${tabs}\t#size-cells = <1>;`,
    "",
    ...partitions.map((partition) => partitionNode(partition, depth + 1)),
    `${tabs}};`,
  ].join("\n");
}
