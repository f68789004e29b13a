// SPDX-License-Identifier: Apache-2.0
import { IMAGE_HEADER_LAYOUT, IMAGE_HEADER_SIZE } from "@tandem/image";

import type { BootFlashArea } from "./boot-flash-area.js";
import type { BootStatus } from "./boot-status.js";
import { flashAreaRead } from "./flash-map.js";
import { BOOT_HOOK_REGULAR } from "./hooks.js";
import type { LoaderImage, LoaderSlot, LoaderState } from "./loader-state.js";
import type { Strategy } from "./strategy.js";

/** Reads a header into a slot's state; false when it leaves the area. */
export function readHeaderAt(slot: LoaderSlot, area: BootFlashArea, offset: number): boolean {
  const bytes = flashAreaRead(area, offset, IMAGE_HEADER_SIZE);
  if (bytes === null) return false;
  slot.header = IMAGE_HEADER_LAYOUT.parse(bytes);
  return true;
}

/**
 * `boot_read_image_headers`: of both slots, from the hook or from flash. True when the primary's
 * was read, and with `requireAll` the secondary's too.
 * @see MCUboot, boot/bootutil/src/bootutil_loader.c
 */
export function bootReadImageHeaders(
  state: LoaderState,
  image: LoaderImage,
  strategy: Strategy,
  wish: { readonly requireAll: boolean; readonly status: BootStatus | null },
): boolean {
  for (const slot of image.slots) {
    const fromHook =
      state.hooks.boot_read_image_header_hook?.(image.index, slot.slot) ?? BOOT_HOOK_REGULAR;
    let isRead = fromHook === 0;
    if (typeof fromHook !== "number") {
      slot.header = fromHook;
      isRead = true;
    } else if (fromHook === BOOT_HOOK_REGULAR) {
      isRead = strategy.readImageHeader(state, image, slot, wish.status);
    }
    if (!isRead) return slot.slot > 0 && !wish.requireAll;
  }
  return true;
}
