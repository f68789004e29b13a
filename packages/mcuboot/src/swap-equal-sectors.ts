// SPDX-License-Identifier: Apache-2.0
import { flashAreaGetSector } from "./flash-map.js";
import { tell } from "./loader-state.js";
import type { LoaderImage, LoaderSlot, LoaderState } from "./loader-state.js";
import { sectorOf } from "./sectors.js";
import { bootReadSwapState } from "./trailer.js";
import { trailerSize } from "./trailer-format.js";

// What swap using move and swap using offset have in common.

/**
 * `swap_status_source`: the primary's trailer, from when its magic is written until the copy is
 * done. A magic in the secondary means that the swap has not begun.
 */
export function equalSectorsStatusSource({ slots }: LoaderImage): "none" | "primary" {
  const primary = bootReadSwapState(slots[0].trailer);
  const secondary = bootReadSwapState(slots[1].trailer);
  const isUnderWay =
    primary.magic === "good" && primary.copyDone === "unset" && secondary.magic !== "good";
  return isUnderWay ? "primary" : "none";
}

/**
 * The scan of `swap_read_status_bytes`: how many entries there are up to the last written one of
 * the primary's trailer, or null when none is written.
 */
export function lastStatusEntry({ slots, writeSize }: LoaderImage): number | null {
  const { trailer, area } = slots[0];
  const { statusEntries } = trailer;
  const bytes = area.read(trailer.statusOffset, statusEntries * writeSize);
  for (let entry = statusEntries; entry > 0; entry--) {
    if (bytes[(entry - 1) * writeSize] !== area.erasedValue) return entry;
  }
  return null;
}

/**
 * The check of `swap_run` before a new swap: whether all sectors up to `lastIdx` stand before the
 * primary's trailer. Tells of it when not.
 */
export function hasRoom(state: LoaderState, image: LoaderImage, lastIdx: number): boolean {
  const [primary] = image.slots;
  const { size } = sectorOf(primary, 0);
  const forTrailer = Math.max(1, Math.ceil(trailerSize(state.format, image.writeSize) / size));
  const firstTrailerIdx = primary.area.sectors.length - forTrailer;
  if (lastIdx < firstTrailerIdx) return true;
  const [needed, available] = [(lastIdx + 1) * size, firstTrailerIdx * size];
  tell(state, image.index, "swap_run", { reason: "no-room", needed, available });
  return false;
}

/**
 * `bootutil_max_image_size` of swap using move and offset before MCUboot 2.2: up to the sector in
 * which the trailer begins, whether a swap has room or not.
 */
export function sizeBeforeTrailer(
  state: LoaderState,
  image: LoaderImage,
  { area }: LoaderSlot,
): number {
  const start = area.size - trailerSize(state.format, image.writeSize);
  return flashAreaGetSector(area, start)?.offset ?? 0;
}
