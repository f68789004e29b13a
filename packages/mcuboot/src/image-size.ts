// SPDX-License-Identifier: Apache-2.0
import type { LoaderImage, LoaderSlot } from "./loader-state.js";
import { findTlvAreas } from "./tlv-iterator.js";
import { startOffsetOf } from "./validate-slot.js";

/**
 * `boot_read_image_size`: header, payload and all TLVs, bytes; null when the TLVs make no sense.
 * Remembers the size of the unprotected ones for swap using offset.
 * @see MCUboot, boot/bootutil/src/bootutil_misc.c, swap_offset.c
 */
export function bootReadImageSize(image: LoaderImage, slot: LoaderSlot): number | null {
  const start = startOffsetOf(image, slot);
  const areas = findTlvAreas(slot.header, slot.area, start);
  if (areas === null) return null;
  slot.unprotectedTlvSize = areas.unprotectedSize;
  return areas.end - start;
}
