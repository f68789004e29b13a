// SPDX-License-Identifier: Apache-2.0
import { FormatError } from "@tandem/base";

import { isBlockDigests, parseBlockDigests } from "./block-digests.js";
import type { BlockDigests } from "./block-digests.js";
import {
  IMAGE_HEADER_SIZE,
  IMAGE_MAGIC,
  IMAGE_TLV_PROT_INFO_MAGIC,
  TANDEM_TLV_BLOCK_DIGESTS,
} from "./constants.js";
import { IMAGE_HEADER_LAYOUT } from "./image-header.js";
import type { ImageSource } from "./image-source.js";
import { areaSizeProblem } from "./image.js";
import { TLV_INFO_LAYOUT, parseTlvArea } from "./tlv.js";

/** Block digests of an image, and how much of it they cover. */
export interface StoredDigests extends BlockDigests {
  /** Header and payload, bytes. */
  readonly coveredBytes: number;
  /** Behind them: the protected TLV area with the digests, bytes. */
  readonly areaBytes: number;
}

/**
 * Block digests of an image that was verified once and may have lost bytes since: reads header and
 * protected TLV area and nothing else, and checks neither hash nor signature. Null when the image
 * carries none that are sound. Errors of `source.read` are thrown on.
 */
export function readBlockDigests(source: ImageSource): StoredDigests | null {
  if (source.size < IMAGE_HEADER_SIZE) return null;
  const header = IMAGE_HEADER_LAYOUT.parse(source.read(0, IMAGE_HEADER_SIZE));
  const { magic, headerSize, imageSize, protectedTlvSize } = header;
  const coveredBytes = headerSize + imageSize;
  if (
    magic !== IMAGE_MAGIC ||
    headerSize < IMAGE_HEADER_SIZE ||
    coveredBytes + protectedTlvSize > source.size ||
    areaSizeProblem(protectedTlvSize, IMAGE_TLV_PROT_INFO_MAGIC) !== null
  ) {
    return null;
  }
  const area = source.read(coveredBytes, protectedTlvSize);
  const info = TLV_INFO_LAYOUT.parse(area);
  if (info.magic !== IMAGE_TLV_PROT_INFO_MAGIC || info.total !== protectedTlvSize) return null;
  try {
    const tlv = parseTlvArea(area, coveredBytes).find(
      ({ type, value }) => type === TANDEM_TLV_BLOCK_DIGESTS && isBlockDigests(value),
    );
    if (tlv === undefined) return null;
    const digests = parseBlockDigests(tlv.value, coveredBytes);
    return { ...digests, coveredBytes, areaBytes: protectedTlvSize };
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}
