// SPDX-License-Identifier: Apache-2.0
import { IMAGE_MAGIC } from "@tandem/image";

import { bootAssert } from "./boot-stop.js";
import { isStatusReset } from "./boot-status.js";
import type { BootStatus } from "./boot-status.js";
import { bootCopyImage } from "./copy-image.js";
import { bootReadImageSize } from "./image-size.js";
import { tell } from "./loader-state.js";
import type { LoaderImage, LoaderState } from "./loader-state.js";
import { bootUpdateSecurityCounter } from "./rollback-protection.js";
import type { SwapStrategy } from "./strategy.js";
import { bootFindStatus, swapSetCopyDone, swapSetImageOk } from "./swap-misc.js";
import {
  BOOT_SWAP_TYPE_PANIC,
  BOOT_SWAP_TYPE_PERM,
  BOOT_SWAP_TYPE_REVERT,
  isUpgrade,
} from "./swap-types.js";
import { bootReadSwapSize } from "./trailer.js";
import { bootValidateSlot, isHeaderErased } from "./validate-slot.js";

/**
 * `boot_perform_update`: installs the secondary image or goes back to it, and writes the flags
 * that go with the swap type. An error stops the boot.
 * @param strategy null in overwrite mode
 * @see MCUboot, boot/bootutil/src/loader.c
 */
export function bootPerformUpdate(
  state: LoaderState,
  image: LoaderImage,
  strategy: SwapStrategy | null,
  status: BootStatus,
): void {
  const where = "boot_perform_update";
  if (strategy === null) {
    bootAssert(bootCopyImage(state, image), where, "the image is copied and accepted by the hook");
    return;
  }
  if (state.config.bootstrap && isPrimaryUnusable(state, image, strategy, status)) {
    bootAssert(bootCopyImage(state, image), where, "the image is copied and accepted by the hook");
  } else {
    bootSwapImage(state, image, strategy, status);
  }
  const { swapType } = image;
  writeFlags(state, image, swapType);
  if (swapType === BOOT_SWAP_TYPE_PERM) {
    const [primary, secondary] = image.slots;
    // The header in memory for the secondary is that of the image that is in the primary now.
    if (!bootUpdateSecurityCounter(state, image, primary, secondary)) {
      image.swapType = BOOT_SWAP_TYPE_PANIC;
    }
  }
  writeCopyDone(state, image, swapType);
}

/** `boot_complete_partial_swap`: finishes a swap that was cut, and its flags. */
export function bootCompletePartialSwap(
  state: LoaderState,
  image: LoaderImage,
  strategy: SwapStrategy,
  status: BootStatus,
): void {
  bootSwapImage(state, image, strategy, status);
  image.swapType = status.swapType;
  writeFlags(state, image, status.swapType);
  writeCopyDone(state, image, status.swapType);
  const where = "boot_complete_partial_swap";
  bootAssert(image.swapType !== BOOT_SWAP_TYPE_PANIC, where, "the flags are written");
}

function isPrimaryUnusable(
  state: LoaderState,
  image: LoaderImage,
  strategy: SwapStrategy,
  status: BootStatus,
): boolean {
  const question = { status, expectedSwapType: 0 };
  const isValid = bootValidateSlot(state, image, image.slots[0], strategy, question);
  return isHeaderErased(image.slots[0]) || !isValid;
}

/** A revert and a permanent swap are over with this boot. */
function writeFlags(state: LoaderState, image: LoaderImage, swapType: number): void {
  if (swapType !== BOOT_SWAP_TYPE_REVERT && swapType !== BOOT_SWAP_TYPE_PERM) return;
  if (!swapSetImageOk(state, image)) image.swapType = BOOT_SWAP_TYPE_PANIC;
}

function writeCopyDone(state: LoaderState, image: LoaderImage, swapType: number): void {
  if (isUpgrade(swapType) && !swapSetCopyDone(state, image)) {
    image.swapType = BOOT_SWAP_TYPE_PANIC;
  }
}

/** `boot_swap_image`: from the beginning, or from where the status says. */
function bootSwapImage(
  state: LoaderState,
  image: LoaderImage,
  strategy: SwapStrategy,
  status: BootStatus,
): void {
  const [primary] = image.slots;
  // What the hook is told: the size of the image from the secondary, 0 after a cut.
  let sizeForHook = 0;
  if (isStatusReset(status, strategy.firstOp)) {
    const isMadeUp = state.config.swapSizeFromSecondary.includes(image.index);
    const sizes = image.slots.map((slot) => {
      if (slot.header.magic !== IMAGE_MAGIC || (isMadeUp && slot === primary)) return 0;
      const size = bootReadImageSize(image, slot);
      bootAssert(size !== null, "boot_swap_image", "an image with a header has a size");
      return size;
    });
    sizeForHook = sizes[1] ?? 0;
    status.swapSize = Math.max(...sizes);
  } else {
    status.swapSize = bootReadSwapSize(bootFindStatus(state, image));
  }
  strategy.run(state, image, status, status.swapSize);
  tell(state, image.index, "boot_swap_image", { reason: "swapped", size: status.swapSize });
  state.hooks.boot_copy_region_post_hook?.(image.index, primary.area, sizeForHook);
}
