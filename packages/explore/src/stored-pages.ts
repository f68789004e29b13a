// SPDX-License-Identifier: Apache-2.0
import { lookUpBlock } from "@tandem/store";
import type { BankImage } from "@tandem/store";

import type { Pair } from "./page-facts.js";
import type { StoreView } from "./store-view.js";

type StoredImage = Pick<BankImage, "copies" | "sizeBytes">;

/** Data pages as they stand: those of the first copy, and of the second one where it has lost one. */
export function storedPages(
  { copies, sizeBytes }: StoredImage,
  view: StoreView,
  lostPage: number | null,
): readonly Pair[] {
  const [first, second] = copies;
  return Array.from({ length: Math.ceil(sizeBytes / view.shape.pageBytes) }, (_, index) => {
    const at = placeOf(first, index, view);
    const page = at === lostPage ? placeOf(second, index, view) : at;
    return view.page(page ?? 0).dataKey;
  });
}

/**
 * First data page that does not stand, as it should, in both copies.
 * @param expected the pages
 * @param lostPage page of the store that may be missing
 */
export function firstLostPage(
  image: StoredImage,
  view: StoreView,
  { expected, lostPage }: { readonly expected: readonly Pair[]; readonly lostPage: number | null },
): number | null {
  if (expected.length === 0) return 0;
  const perBlock = view.shape.pagesPerBlock - 2;
  for (const extents of image.copies) {
    for (let index = 0; index < expected.length; index++) {
      const at = placeOf(extents, index, view);
      if (at === null) return index;
      const isGood = isSamePair(view.page(at).dataKey, expected[index]) && !view.isUnstable(at);
      if (!isGood && at !== lostPage) return index;
      const isLast = index % perBlock === perBlock - 1 || index === expected.length - 1;
      if (isLast && !isReadable(view, at + 1) && at + 1 !== lostPage) return index;
    }
  }
  return null;
}

/** First page of the store, with data or a summary of the image, that the store would move. */
export function firstWeakPage({ copies, sizeBytes }: StoredImage, view: StoreView): number | null {
  const count = Math.ceil(sizeBytes / view.shape.pageBytes);
  for (const extents of copies) {
    for (let index = 0; index < count; index++) {
      const at = placeOf(extents, index, view);
      // Behind the last data page of a block stands its summary.
      const weak = [at, (at ?? 0) + 1].find((page) => page !== null && view.page(page).isWeak);
      if (weak != null) return weak;
    }
  }
  return null;
}

/** Page of the store that holds a data page of an image; null when none is allocated. */
function placeOf(
  extents: BankImage["copies"][0],
  index: number,
  { shape }: StoreView,
): number | null {
  const perBlock = shape.pagesPerBlock - 2;
  const block = lookUpBlock(extents, Math.floor(index / perBlock))?.block;
  return block === undefined ? null : block * shape.pagesPerBlock + 1 + (index % perBlock);
}

/** True for equal fingerprints. */
export function isSamePair(a: Pair, b: Pair | undefined): boolean {
  return a.high === b?.high && a.low === b.low;
}

function isReadable(view: StoreView, at: number): boolean {
  const { isBlank, status } = view.page(at);
  return !isBlank && status !== "uncorrectable" && !view.isUnstable(at);
}
