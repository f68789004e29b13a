// SPDX-License-Identifier: Apache-2.0
import type { Located } from "../place.js";
import { walkNodes } from "../read/devicetree.js";
import type { DevicetreeFile, DtsNode } from "../read/devicetree.js";
import type { Layout, Memory, MemoryKind, Partition, Slot } from "./layout.js";
import { isNandId, namesNand } from "./nand-parts.js";
import { NRF5340_MEMORIES } from "./nrf5340.js";

/** Partition tables of Zephyr; the children of such a node are partitions. */
const TABLES = new Set(["fixed-partitions", "fixed-subpartitions", "zephyr,mapped-partition"]);

/** The layout that a devicetree or an overlay defines. */
export function dtLayout(file: DevicetreeFile): Layout {
  const memories = new Map<DtsNode, Memory>();
  const partitions: Partition[] = [];
  for (const node of walkNodes([file.root, ...file.references])) {
    const flash = flashOf(node);
    if (flash === null) continue;
    const memory = memories.get(flash) ?? memoryOf(flash);
    memories.set(flash, memory);
    partitions.push(partitionOf(node, memory));
  }
  for (const node of file.references) {
    const partition = changedPartition(node);
    if (partition !== null) partitions.push(partition);
  }
  // A chip without partitions matters too: what it is attached to, and how.
  for (const node of walkNodes([file.root, ...file.references])) {
    if (!memories.has(node) && nandSign(node) !== null) memories.set(node, memoryOf(node));
  }
  return {
    source: file.complete ? "devicetree" : "overlay",
    file: file.file,
    core: isNetworkCore(file) ? "net" : "app",
    partitions,
    memories: [...memories.values()],
  };
}

/** Strings of a property; empty when it is not there. */
export function stringsOf(node: DtsNode, property: string): readonly string[] {
  return node.properties.get(property)?.strings.map(({ value }) => value) ?? [];
}

/** First cell of a property. */
function cellOf(node: DtsNode, property: string): number | null {
  return node.properties.get(property)?.cells[0]?.value ?? null;
}

/** What tells that a node is a NAND chip. */
export function nandSign(node: DtsNode): Located<string> | null {
  const compatible = node.properties.get("compatible");
  const driver = compatible?.strings.find(({ value }) => /nand/.test(value));
  if (driver !== undefined) return driver;
  const id = node.properties.get("jedec-id");
  if (id !== undefined && isNandId(id.bytes)) return { value: "its JEDEC id", place: id.place };
  const isFlash = compatible?.strings.some(({ value }) => value.endsWith("nor")) ?? false;
  const named = [node.name.replace(/@.*/, ""), ...node.labels].find(namesNand);
  return isFlash && named !== undefined ? { value: named, place: node.place } : null;
}

/** The chip of a partition node, through any levels of subpartitions; null for other nodes. */
function flashOf(node: DtsNode): DtsNode | null {
  if (!node.properties.has("reg")) return null;
  let at = node;
  let isPartition = false;
  for (;;) {
    const table = at.parent;
    if (table === null) return null;
    const isTable =
      table.name === "partitions" ||
      stringsOf(table, "compatible").some((compatible) => TABLES.has(compatible));
    if (!isTable) return isPartition ? at : null;
    isPartition = true;
    // Subpartitions: the table is itself a partition of the table above.
    if (table.properties.has("reg")) at = table;
    else if (table.parent === null) return null;
    else at = table.parent;
    if (at.parent === null) return at;
  }
}

function memoryOf(flash: DtsNode): Memory {
  const nand = nandSign(flash);
  const kind = memoryKind(flash);
  const known = NRF5340_MEMORIES[kind];
  const regSize = flash.properties.get("reg")?.cells[1]?.value ?? null;
  const bits = cellOf(flash, "size");
  const stated = cellOf(flash, "size-bytes") ?? (bits === null ? null : bits / 8);
  return {
    name: flash.labels[0] ?? flash.name,
    kind,
    // Partitions of a devicetree count from the start of their chip.
    base: 0,
    size: kind === "external" ? stated : (regSize ?? known.size),
    eraseBytes: cellOf(flash, "erase-block-size") ?? (nand === null ? known.eraseBytes : 0x20000),
    writeBytes: cellOf(flash, "write-block-size") ?? (nand === null ? known.writeBytes : 2048),
    nand,
    place: flash.place,
  };
}

function memoryKind(flash: DtsNode): MemoryKind {
  if (flash.labels.includes("flash0")) return "app-flash";
  if (flash.labels.includes("flash1")) return "net-flash";
  if (flash.labels.includes("flash_sim0")) return "ram-flash";
  const parents = flash.parent === null ? [] : stringsOf(flash.parent, "compatible");
  if (parents.includes("zephyr,sim-flash")) return "ram-flash";
  if (flash.labels.some((label) => /^sram\d/.test(label))) return "other";
  if (!stringsOf(flash, "compatible").includes("soc-nv-flash")) return "external";
  return (flash.properties.get("reg")?.cells[0]?.value ?? 0) === 0x0100_0000
    ? "net-flash"
    : "app-flash";
}

function partitionOf(node: DtsNode, memory: Memory): Partition {
  const reg = node.properties.get("reg");
  const [address, size] = reg?.cells ?? [];
  const name = node.labels[0] ?? node.name;
  const container = node.parent?.properties.has("reg") === true ? node.parent : null;
  const offset = container === null ? 0 : (container.properties.get("reg")?.cells[0]?.value ?? 0);
  return {
    name,
    memory,
    address: address === undefined || address.value === null ? null : address.value + offset,
    size: size?.value ?? null,
    slot: node.labels.map(dtSlot).find((slot) => slot !== null) ?? null,
    isBootloader: node.labels.includes("boot_partition") || node.labels.includes("b0n_partition"),
    span: null,
    parent: container === null ? null : (container.labels[0] ?? container.name),
    place: node.place,
    addressPlace: address?.place ?? node.place,
    sizePlace: size?.place ?? reg?.place ?? node.place,
    memoryPlace: memory.place ?? node.place,
  };
}

/** `&slot0_partition { reg = <...>; };` changes one of the board's partitions in its own chip. */
function changedPartition(node: DtsNode): Partition | null {
  const isInternal = node.labels.some((label) => /^(boot|slot[01]|storage)_partition$/.test(label));
  if (!isInternal || !node.properties.has("reg")) return null;
  const known = NRF5340_MEMORIES["app-flash"];
  return partitionOf(node, {
    ...known,
    name: "flash0",
    kind: "app-flash",
    nand: null,
    place: null,
  });
}

function dtSlot(label: string): Slot | null {
  const number = /^slot(\d)_partition$/.exec(label)?.[1];
  if (number === undefined) return null;
  return {
    kind: Number(number) % 2 === 0 ? "primary" : "secondary",
    image: Math.floor(Number(number) / 2),
  };
}

function isNetworkCore(file: DevicetreeFile): boolean {
  const chosen = file.root.children.find(({ name }) => name === "chosen");
  const flash = chosen?.properties.get("zephyr,flash")?.references[0]?.value;
  if (flash !== undefined) return flash === "flash1";
  if (/cpunet/i.test(file.file)) return true;
  return file.references.some(({ name }) => name === "&flash1");
}
