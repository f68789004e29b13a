// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import type { PagedFlash } from "@tandem/flash";

import { summaryLayout } from "./data-block.js";
import { recordLayout } from "./state-record.js";

/** How many of each thing one record can hold; part of the format of a partition. */
export interface StoreLimits {
  readonly images: number;
  readonly banks: number;
  readonly extents: number;
  readonly badBlocks: number;
  /** Blocks at the start of the partition that the journal may use. */
  readonly journalBlocks: number;
}

/**
 * Limits for a 1 Gb chip: four images, three banks (accepted, previous, candidate), 40 bad blocks
 * (twice the part's lifetime maximum).
 */
export const DEFAULT_LIMITS: StoreLimits = {
  images: 4,
  banks: 3,
  extents: 48,
  badBlocks: 40,
  journalBlocks: 40,
};

/** Geometry and limits of one store, checked against each other. */
export interface StorePlan {
  readonly limits: StoreLimits;
  readonly pageBytes: number;
  readonly pagesPerBlock: number;
  readonly blockCount: number;
  /** Data pages of a block: all but header and summary. */
  readonly dataPagesPerBlock: number;
  /** Image bytes that a block holds. */
  readonly dataBytesPerBlock: number;
}

/**
 * Checks that a record with these limits fits one page, and a summary too.
 * @throws {UsageError} store/plan when it does not
 */
export function planStore(
  geometry: PagedFlash["geometry"],
  limits: StoreLimits = DEFAULT_LIMITS,
): StorePlan {
  const { pageBytes, pagesPerBlock, blockCount } = geometry;
  const recordBytes = recordLayout(limits).size;
  if (recordBytes > pageBytes) {
    throw new UsageError(
      "store/plan",
      `a record of ${recordBytes} bytes does not fit a page of ${pageBytes}: lower the limits`,
    );
  }
  const dataPagesPerBlock = pagesPerBlock - 2;
  const plan = {
    limits,
    pageBytes,
    pagesPerBlock,
    blockCount,
    dataPagesPerBlock,
    dataBytesPerBlock: dataPagesPerBlock * pageBytes,
  };
  const summaryBytes = summaryLayout(plan).size;
  if (dataPagesPerBlock < 1 || summaryBytes > pageBytes) {
    throw new UsageError(
      "store/plan",
      `a block of ${pagesPerBlock} pages needs a summary of ${summaryBytes} bytes, a page has ${pageBytes}`,
    );
  }
  if (limits.journalBlocks >= blockCount || limits.journalBlocks < 8) {
    throw new UsageError(
      "store/plan",
      `${limits.journalBlocks} journal blocks of ${blockCount}, expected at least 8 and fewer than all`,
    );
  }
  return plan;
}
