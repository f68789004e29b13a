// SPDX-License-Identifier: Apache-2.0
import type { NandProfile, NorProfile } from "@tandem/flash";
import type { StoreLimits } from "@tandem/store";

import type { SdkVersion } from "../model/sdk-version.js";

/** Chip that holds the store. */
export type StoreChip =
  | { readonly kind: "nand"; readonly name: string; readonly profile: NandProfile }
  | { readonly kind: "nor"; readonly name: string; readonly profile: NorProfile };

/** How a product divides its flash. */
export type PartitionWay = "partition-manager" | "devicetree";

/** What a plan is made for; sizes in bytes. */
export interface PlanOptions {
  readonly internalBytes: number;
  readonly chip: StoreChip;
  /** Signed application image as it is now. */
  readonly appBytes: number;
  /** Network core firmware as it is now. */
  readonly netBytes: number;
  /** How much both may grow, percent of today's size. */
  readonly growthPercent: number;
  /** Null: as many as fit, 3 or 2. */
  readonly banks: 2 | 3 | null;
  readonly settingsBytes: number;
  readonly way: PartitionWay;
  /** Null: whatever is newest. */
  readonly sdk: SdkVersion | null;
  /** Private key for images, as sysbuild finds it. */
  readonly keyFile: string;
  readonly updatesPerYear: number;
}

/** One partition of the plan, and why it is as it is. */
export interface PlannedPartition {
  readonly name: string;
  /** Label in devicetree. */
  readonly label: string;
  readonly address: number;
  readonly size: number;
  readonly reason: string;
}

/** The store's share of its chip. */
export interface PlannedStore {
  readonly banks: 2 | 3;
  readonly limits: StoreLimits;
  readonly blockBytes: number;
  readonly blocks: number;
  readonly journalBlocks: number;
  /** Blocks of one complete bank, two copies. */
  readonly bankBlocks: number;
  /** Blocks that may go bad before the store is full. */
  readonly reserveBlocks: number;
  /** Largest images that a bank takes. */
  readonly appBytes: number;
  readonly netBytes: number;
  readonly reason: string;
}

/** Addresses of everything that the product updates. */
export interface LayoutPlan {
  readonly options: PlanOptions;
  readonly internal: readonly PlannedPartition[];
  readonly network: readonly PlannedPartition[];
  readonly external: readonly PlannedPartition[];
  readonly externalBytes: number;
  readonly store: PlannedStore;
  /** What the reader has to know besides. */
  readonly remarks: readonly string[];
}
