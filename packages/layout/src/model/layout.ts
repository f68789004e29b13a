// SPDX-License-Identifier: Apache-2.0
import type { Located, Place } from "../place.js";

/** What kind of memory something stands in. */
export type MemoryKind =
  | "app-flash"
  | "net-flash"
  | "external"
  | "ram-flash"
  | "app-ram"
  | "net-ram"
  | "otp"
  | "other";

/** A memory that holds partitions: a region of Partition Manager, a flash node of a devicetree. */
export interface Memory {
  readonly name: string;
  readonly kind: MemoryKind;
  readonly base: number;
  /** Bytes; null when nothing says. */
  readonly size: number | null;
  readonly eraseBytes: number;
  /** Smallest write. */
  readonly writeBytes: number;
  /** Raw NAND: what makes it so, and where that stands. */
  readonly nand: Located<string> | null;
  readonly place: Place | null;
}

/** The part of one image in an update: where it runs, or where its candidate lies. */
export interface Slot {
  readonly kind: "primary" | "secondary";
  /** MCUboot's image number. */
  readonly image: number;
}

/** One partition of either way. */
export interface Partition {
  readonly name: string;
  readonly memory: Memory;
  /** Absolute; null when the file does not say or it cannot be evaluated. */
  readonly address: number | null;
  readonly size: number | null;
  readonly slot: Slot | null;
  readonly isBootloader: boolean;
  /** Names of the partitions that it consists of; null when it has memory of its own. */
  readonly span: readonly Located<string>[] | null;
  /** Partition of the same layout that contains it (nested nodes). */
  readonly parent: string | null;
  readonly place: Place;
  readonly addressPlace: Place;
  readonly sizePlace: Place;
  readonly memoryPlace: Place;
}

/** Where a layout comes from; the two PM kinds go before a devicetree in the same build. */
type LayoutSource = "pm-static" | "pm-generated" | "devicetree" | "overlay";

/** The partitions that one file defines. */
export interface Layout {
  readonly source: LayoutSource;
  readonly file: string;
  readonly core: "app" | "net";
  readonly partitions: readonly Partition[];
  readonly memories: readonly Memory[];
}

/** A partition whose place is known. */
export interface PlacedPartition extends Partition {
  readonly address: number;
  readonly size: number;
}

/** True when address and size are known. */
export function isPlaced(partition: Partition): partition is PlacedPartition {
  return partition.address !== null && partition.size !== null;
}

/** First address behind a partition. */
export function endOf(partition: PlacedPartition): number {
  return partition.address + partition.size;
}

/** The slot of an image, if the layout has it. */
export function slotOf(layout: Layout, kind: Slot["kind"], image: number): Partition | null {
  const found = layout.partitions.find(
    ({ slot }) => slot !== null && slot.kind === kind && slot.image === image,
  );
  return found ?? null;
}

/** A partition by name. */
export function partitionOf(layout: Layout, name: string): Partition | null {
  return layout.partitions.find((partition) => partition.name === name) ?? null;
}
