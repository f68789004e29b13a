// SPDX-License-Identifier: Apache-2.0
import type { BootFlashArea } from "./boot-flash-area.js";
import { flashAreaRead, flashAreaWrite } from "./flash-map.js";

/** `BUF_SZ` of loader.c: the longest write of a copy, bytes. */
const COPY_BUFFER_SIZE = 1024;

/**
 * `boot_copy_region`: copies in writes of at most 1,024 bytes. False when either range leaves its
 * area or a write is not aligned; what was copied until then stays.
 * @see MCUboot, boot/bootutil/src/loader.c
 */
export function bootCopyRegion(
  from: { readonly area: BootFlashArea; readonly offset: number },
  to: { readonly area: BootFlashArea; readonly offset: number },
  size: number,
): boolean {
  for (let done = 0; done < size; done += COPY_BUFFER_SIZE) {
    const length = Math.min(COPY_BUFFER_SIZE, size - done);
    const bytes = flashAreaRead(from.area, from.offset + done, length);
    if (bytes === null || !flashAreaWrite(to.area, to.offset + done, bytes)) return false;
  }
  return true;
}
