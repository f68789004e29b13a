// SPDX-License-Identifier: Apache-2.0
import type { PmPartition, PmPartitionFile, PmRegion } from "../read/partition-manager.js";
import type { Layout, Memory, MemoryKind, Partition, Slot } from "./layout.js";
import { NRF5340_MEMORIES } from "./nrf5340.js";
import { namesNand } from "./nand-parts.js";

/**
 * The layout that a file of Partition Manager defines.
 * @param regions contents of regions.yml when a build folder has it; the nRF5340's otherwise
 */
export function pmLayout(
  file: PmPartitionFile,
  options: {
    readonly source: "pm-static" | "pm-generated";
    readonly core: Layout["core"];
    readonly regions?: readonly PmRegion[];
  },
): Layout {
  const memories = new Map<string, Memory>();
  const partitions = file.partitions.map((partition): Partition => {
    const name = regionName(partition);
    const memory =
      memories.get(name) ?? pmMemory(name, options.core, options.regions ?? [], file.partitions);
    memories.set(name, memory);
    const own = partition.place;
    return {
      name: partition.name,
      memory,
      address: partition.address?.value ?? null,
      size: partition.size?.value ?? null,
      slot: options.core === "app" ? pmSlot(partition.name) : null,
      isBootloader: partition.name === "mcuboot" || partition.name === "b0n",
      span: partition.span,
      parent: null,
      place: own,
      addressPlace: partition.address?.place ?? own,
      sizePlace: partition.size?.place ?? own,
      memoryPlace: partition.region?.place ?? own,
    };
  });
  const { source, core } = options;
  return { source, file: file.file, core, partitions, memories: [...memories.values()] };
}

/** Partition Manager's default: RAM for names in `_sram`, the primary flash for all others. */
function regionName(partition: PmPartition): string {
  if (partition.region !== null) return partition.region.value;
  return partition.name.endsWith("_sram") ? "sram_primary" : "flash_primary";
}

function pmMemory(
  name: string,
  core: Layout["core"],
  regions: readonly PmRegion[],
  partitions: readonly PmPartition[],
): Memory {
  const region = regions.find((candidate) => candidate.name === name);
  const kind = pmMemoryKind(name, core);
  const known = NRF5340_MEMORIES[kind];
  // Only a device name tells that the external flash is NAND: Partition Manager knows no types.
  const devices = partitions.filter((partition) => regionName(partition) === name);
  const device = devices.map((partition) => partition.device).find((found) => found !== null);
  const nand = device !== undefined && device !== null && namesNand(device.value) ? device : null;
  return {
    ...known,
    ...(region === undefined ? {} : { base: region.base, size: region.size.value }),
    ...(nand === null ? {} : { eraseBytes: 0x20000, writeBytes: 2048 }),
    name,
    kind,
    nand,
    place: region?.place ?? null,
  };
}

function pmMemoryKind(region: string, core: Layout["core"]): MemoryKind {
  switch (region) {
    case "flash_primary":
      return core === "app" ? "app-flash" : "net-flash";
    case "sram_primary":
      return core === "app" ? "app-ram" : "net-ram";
    case "external_flash":
      return "external";
    case "ram_flash":
      return "ram-flash";
    case "otp":
      return core === "app" ? "otp" : "other";
    default:
      return "other";
  }
}

function pmSlot(name: string): Slot | null {
  const match = /^mcuboot_(primary|secondary)(?:_([1-9]))?$/.exec(name);
  if (match === null) return null;
  return { kind: match[1] === "primary" ? "primary" : "secondary", image: Number(match[2] ?? 0) };
}
