// SPDX-License-Identifier: Apache-2.0
import { struct, u16, u32 } from "@tandem/base";
import type { StructLayout } from "@tandem/base";

import { IMAGE_VERSION_LAYOUT } from "./version.js";
import type { ImageVersion } from "./version.js";

/** `struct image_header` of MCUboot's image.h. */
export interface ImageHeader {
  /** `ih_magic`. */
  readonly magic: number;
  /** `ih_load_addr`: RAM or flash address, depending on the flags; else 0. */
  readonly loadAddress: number;
  /** `ih_hdr_size`: bytes from the image's start to the payload. */
  readonly headerSize: number;
  /** `ih_protect_tlv_size`: bytes of the protected TLV area with its info header; 0 without one. */
  readonly protectedTlvSize: number;
  /** `ih_img_size`: bytes of the payload. */
  readonly imageSize: number;
  /** `ih_flags`: IMAGE_F_*. */
  readonly flags: number;
  /** `ih_ver`. */
  readonly version: ImageVersion;
  /** `_pad1`, kept as found. */
  readonly pad: number;
}

/** Layout of {@link ImageHeader}, 32 bytes. */
export const IMAGE_HEADER_LAYOUT: StructLayout<ImageHeader> = struct("image_header", {
  magic: u32,
  loadAddress: u32,
  headerSize: u16,
  protectedTlvSize: u16,
  imageSize: u32,
  flags: u32,
  version: IMAGE_VERSION_LAYOUT,
  pad: u32,
});
