// SPDX-License-Identifier: Apache-2.0
import { IMAGE_TLV_INFO_MAGIC, IMAGE_TLV_PROT_INFO_MAGIC } from "@tandem/image";
import type { ImageHeader } from "@tandem/image";

import type { BootFlashArea } from "./boot-flash-area.js";
import { flashAreaReadWord } from "./flash-map.js";

/** Size of `struct image_tlv_info` and of `struct image_tlv`, bytes. */
const TLV_HEADER_SIZE = 4;

/** Where the TLVs of an image stand: what `bootutil_tlv_iter_begin` finds out. */
export interface TlvAreas {
  /** Offset of the first TLV in the slot, bytes. */
  readonly start: number;
  /** End of the protected area; the start of the TLV area when there is none. */
  readonly protectedEnd: number;
  /** End of all TLVs. */
  readonly end: number;
  /** `it_tlv_tot` of the unprotected area. */
  readonly unprotectedSize: number;
}

/** One TLV in flash. */
export interface TlvPlace {
  readonly type: number;
  /** Of the value, in the slot. */
  readonly offset: number;
  readonly length: number;
  readonly isProtected: boolean;
}

/**
 * `bootutil_tlv_iter_begin`; null when there is no well-formed TLV area.
 * @param startOffset where in the slot the image begins
 */
export function findTlvAreas(
  header: ImageHeader,
  area: BootFlashArea,
  startOffset: number,
): TlvAreas | null {
  // 32-bit sums, as in C: a hostile header may wrap around.
  const tlvOffset = (header.headerSize + header.imageSize + startOffset) >>> 0;
  let info = readPair(area, tlvOffset);
  if (info === null) return null;
  const { protectedTlvSize } = header;
  if (info.first === IMAGE_TLV_PROT_INFO_MAGIC) {
    if (info.second !== protectedTlvSize) return null;
    info = readPair(area, (tlvOffset + protectedTlvSize) >>> 0);
    if (info === null) return null;
  } else if (protectedTlvSize !== 0) {
    return null;
  }
  if (info.first !== IMAGE_TLV_INFO_MAGIC) return null;
  return {
    start: (tlvOffset + TLV_HEADER_SIZE) >>> 0,
    protectedEnd: (tlvOffset + protectedTlvSize) >>> 0,
    end: (tlvOffset + protectedTlvSize + info.second) >>> 0,
    unprotectedSize: info.second,
  };
}

/**
 * `bootutil_tlv_iter_next` for all TLVs in order. Null stands for a TLV that cannot be read, and
 * ends the iteration.
 */
export function* iterateTlvs(
  areas: TlvAreas,
  header: ImageHeader,
  area: BootFlashArea,
): Generator<TlvPlace | null, void> {
  let at = areas.start;
  while (at < areas.end) {
    if (header.protectedTlvSize > 0 && at === areas.protectedEnd) at += TLV_HEADER_SIZE;
    const tlv = readPair(area, at);
    if (tlv === null) {
      yield null;
      return;
    }
    const offset = at + TLV_HEADER_SIZE;
    const isProtected = at < areas.protectedEnd;
    yield { type: tlv.first, offset, length: tlv.second, isProtected };
    at = offset + tlv.second;
  }
}

/** Two 16-bit fields, as info headers and TLV headers both have. */
function readPair(
  area: BootFlashArea,
  offset: number,
): { readonly first: number; readonly second: number } | null {
  const word = flashAreaReadWord(area, offset);
  return word === null ? null : { first: word & 0xffff, second: word >>> 16 };
}
