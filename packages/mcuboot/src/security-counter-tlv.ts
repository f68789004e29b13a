// SPDX-License-Identifier: Apache-2.0
import { IMAGE_TLV_SEC_CNT } from "@tandem/image";
import type { ImageHeader } from "@tandem/image";

import type { BootFlashArea } from "./boot-flash-area.js";
import { flashAreaReadWord } from "./flash-map.js";
import { findTlvAreas, iterateTlvs } from "./tlv-iterator.js";

/**
 * `bootutil_get_img_security_cnt`: the counter in the protected TLVs, or null when the image has
 * none that can be read.
 * @see MCUboot, boot/bootutil/src/bootutil_img_security_cnt.c
 */
export function bootutilGetImgSecurityCnt(
  header: ImageHeader,
  area: BootFlashArea,
  startOffset: number,
): number | null {
  if (header.protectedTlvSize === 0) return null;
  const areas = findTlvAreas(header, area, startOffset);
  if (areas === null) return null;
  for (const tlv of iterateTlvs(areas, header, area)) {
    if (tlv === null || !tlv.isProtected) return null;
    if (tlv.type !== IMAGE_TLV_SEC_CNT) continue;
    return tlv.length === 4 ? flashAreaReadWord(area, tlv.offset) : null;
  }
  return null;
}
