// SPDX-License-Identifier: Apache-2.0
import type { LoaderImage, LoaderState } from "./loader-state.js";
import { sectorOf } from "./sectors.js";
import { scratchOf } from "./swap-misc.js";

/** `boot_copy_sz`: as many sectors of the primary, down from the last one, as scratch takes. */
export function copyRunAt(
  state: LoaderState,
  { slots }: LoaderImage,
  lastIdx: number,
): { readonly firstIdx: number; readonly size: number } {
  const scratchSize = scratchOf(state).area.size;
  let size = 0;
  let idx = lastIdx;
  while (idx >= 0) {
    const next = size + sectorOf(slots[0], idx).size;
    if (next > scratchSize) break;
    size = next;
    idx--;
  }
  return { firstIdx: idx + 1, size };
}

/** `find_last_sector_idx`: the last sector of the primary that a swap of `copySize` bytes needs. */
export function findLastSectorIdx({ slots }: LoaderImage, copySize: number): number {
  const [primary, secondary] = slots;
  let [countPrimary, countSecondary, sizePrimary, sizeSecondary] = [0, 0, 0, 0];
  do {
    if (sizePrimary < copySize || sizePrimary < sizeSecondary) {
      sizePrimary += sectorOf(primary, countPrimary++).size;
    }
    if (sizeSecondary < copySize || sizeSecondary < sizePrimary) {
      sizeSecondary += sectorOf(secondary, countSecondary++).size;
    }
  } while (sizePrimary < copySize || sizeSecondary < copySize || sizePrimary !== sizeSecondary);
  return countPrimary - 1;
}

/** `find_swap_count`: runs of sectors in a swap of `copySize` bytes. */
export function findSwapCount(state: LoaderState, image: LoaderImage, copySize: number): number {
  let count = 0;
  let lastIdx = findLastSectorIdx(image, copySize);
  while (lastIdx >= 0) {
    lastIdx = copyRunAt(state, image, lastIdx).firstIdx - 1;
    count++;
  }
  return count;
}
