// SPDX-License-Identifier: Apache-2.0
import { crc32c } from "@tandem/base";
import type { PagedFlash, PageRead } from "@tandem/flash";

import { dataPagesIn, findSummary } from "./bank-reader.js";
import { lookUpBlock } from "./block-map.js";
import type { StateRecord } from "./state-record.js";
import type { StorePlan } from "./store-plan.js";

/** One logical block in both copies, as reading every page of it shows. */
export interface BlockCondition {
  /** Copies that have to be written anew: a page is lost, or close to being lost. */
  readonly weakCopies: readonly number[];
  /** Data pages, by index in the block, that neither copy holds. */
  readonly lostPages: readonly number[];
  readonly pagesRead: number;
}

/**
 * True when a page should be moved while it can still be read: any corrected bit where the chip
 * corrects but one, more than half of its strength elsewhere.
 */
export function isWeak(read: PageRead, flash: PagedFlash): boolean {
  if (read.status !== "corrected") return false;
  return flash.eccStrengthBits <= 1 || read.correctedBits * 2 > flash.eccStrengthBits;
}

/** Reads every page of a logical block in both copies. */
export function examineBlock(
  flash: PagedFlash,
  plan: StorePlan,
  record: StateRecord,
  place: { readonly bank: number; readonly image: number; readonly logicalBlock: number },
): BlockCondition {
  const { logicalBlock } = place;
  const image = record.banks[place.bank]?.images[place.image];
  const pages = dataPagesIn(image?.sizeBytes ?? 0, logicalBlock, plan);
  const summaries = [0, 1].map((copy) =>
    findSummary(flash, plan, record, { ...place, copy }, logicalBlock),
  );
  const crcs = (summaries[0] ?? summaries[1])?.summary.pageCrcs ?? [];
  const weak = new Set<number>();
  const good = new Set<number>();
  let pagesRead = 2;
  for (const copy of [0, 1]) {
    if (summaries[copy]?.isWeak !== false) weak.add(copy);
    const allocated = lookUpBlock(image?.copies[copy] ?? [], logicalBlock);
    if (allocated === null) continue;
    for (let index = 0; index < pages; index++) {
      const read = flash.readPage(allocated.block * plan.pagesPerBlock + 1 + index);
      pagesRead += 1;
      const isGood = read.status !== "uncorrectable" && crc32c(read.data) === crcs[index];
      if (isGood) good.add(index);
      if (!isGood || isWeak(read, flash)) weak.add(copy);
    }
  }
  const lostPages = Array.from({ length: pages }, (_, index) => index).filter(
    (index) => !good.has(index),
  );
  return { weakCopies: [...weak].toSorted((a, b) => a - b), lostPages, pagesRead };
}
