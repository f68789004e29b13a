// SPDX-License-Identifier: Apache-2.0
import { IMAGE_F_NON_BOOTABLE, IMAGE_HEADER_LAYOUT, IMAGE_MAGIC } from "@tandem/image";
import type { ImageHeader } from "@tandem/image";

import type { BootReason } from "./boot-result.js";
import { flashAreaRead } from "./flash-map.js";
import { bootutilImgValidate } from "./image-validate.js";
import { tell } from "./loader-state.js";
import type { LoaderSlot, LoaderState } from "./loader-state.js";

/**
 * `boot_go` of single-slot builds: the header must make sense, and with validation the image must
 * be whole and genuine. The security counter is checked and never raised.
 * @returns the slot to start, or null
 * @see MCUboot, boot/zephyr/single_loader.c
 */
export function singleBootGo(state: LoaderState): LoaderSlot | null {
  const [image] = state.images;
  if (image === undefined) return null;
  const [slot] = image.slots;
  const refused = loadHeader(slot);
  if (refused !== null) {
    tell(state, image.index, "boot_image_load_header", refused);
    return null;
  }
  if (!state.config.validatePrimary) return slot;
  const problem = bootutilImgValidate(state, {
    imageIndex: image.index,
    header: slot.header,
    area: slot.area,
    startOffset: 0,
    maxSize: slot.trailer.statusOffset,
  });
  const source = "boot_image_validate";
  if (problem === null) {
    tell(state, image.index, source, { reason: "image-valid", slot: "primary", hooked: false });
    return slot;
  }
  tell(state, image.index, source, { reason: "image-invalid", slot: "primary", ...problem });
  return null;
}

/** `boot_image_load_header`. */
function loadHeader(slot: LoaderSlot): BootReason | null {
  const { area } = slot;
  const bytes = flashAreaRead(area, 0, IMAGE_HEADER_LAYOUT.size);
  if (bytes === null) return { reason: "headers-unreadable" };
  const header = IMAGE_HEADER_LAYOUT.parse(bytes);
  slot.header = header;
  if (header.magic !== IMAGE_MAGIC) {
    return { reason: "primary-bad-magic", found: header.magic };
  }
  if ((header.flags & IMAGE_F_NON_BOOTABLE) !== 0) {
    return { reason: "not-bootable", slot: "primary" };
  }
  const size = sizeWithoutTlvs(header);
  if (size < area.size) return null;
  const found = { expected: area.size - 1, found: size };
  return { reason: "image-invalid", slot: "primary", why: "header-size", ...found };
}

/** Header, payload and protected TLVs, as headers tell it. */
export function sizeWithoutTlvs(header: ImageHeader): number {
  return header.headerSize + header.imageSize + header.protectedTlvSize;
}
