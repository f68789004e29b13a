// SPDX-License-Identifier: Apache-2.0
import { IMAGE_MAGIC } from "@tandem/image";

import { isStatusReset } from "./boot-status.js";
import type { BootStatus } from "./boot-status.js";
import { bootReadImageHeaders } from "./image-headers.js";
import { tell } from "./loader-state.js";
import type { LoaderImage, LoaderState } from "./loader-state.js";
import { bootCompletePartialSwap } from "./perform-update.js";
import type { SwapStrategy, UpgradeStrategy } from "./strategy.js";
import { swapReadStatus } from "./swap-misc.js";
import { bootSwapTypeMulti } from "./swap-type.js";
import {
  BOOT_SWAP_TYPE_FAIL,
  BOOT_SWAP_TYPE_NONE,
  BOOT_SWAP_TYPE_REVERT,
  isUpgrade,
  swapTypeName,
} from "./swap-types.js";
import { bootValidateSlot, isHeaderErased } from "./validate-slot.js";

/**
 * `boot_prepare_image_for_update`: finishes a swap that was cut, or decides the swap type of an
 * image. Where something cannot be read, nothing is to be done.
 * @param status reset; keeps what it finds out
 * @see MCUboot, boot/bootutil/src/loader.c
 */
export function bootPrepareImageForUpdate(
  state: LoaderState,
  image: LoaderImage,
  strategy: UpgradeStrategy,
  swap: SwapStrategy | null,
  status: BootStatus,
): void {
  const where = "boot_prepare_image_for_update";
  const unreadable = (): void => {
    tell(state, image.index, where, { reason: "headers-unreadable" });
  };
  if (!bootReadImageHeaders(state, image, strategy, { requireAll: false, status: null })) {
    unreadable();
    return;
  }
  const why = strategy.incompatibleSlots(state, image);
  if (why !== null) {
    tell(state, image.index, "boot_slots_compatible", { reason: "slots-incompatible", why });
    return;
  }
  if (swap !== null) {
    if (!swapReadStatus(state, image, swap, status)) return;
    const requireAll = !isStatusReset(status, swap.firstOp);
    const areRead = bootReadImageHeaders(state, image, swap, { requireAll, status });
    // An empty primary is what bootstrapping is for.
    if (!areRead && !(state.config.bootstrap && isHeaderErased(image.slots[0]))) {
      unreadable();
      return;
    }
    if (!isStatusReset(status, swap.firstOp)) {
      resume(state, image, swap, status);
      return;
    }
  }
  decide(state, image, strategy, status);
  if (state.images.length > 1) bootReviewImageSwapTypes(state, image, false);
  if (state.config.bootstrap && image.swapType === BOOT_SWAP_TYPE_NONE) {
    bootstrap(state, image, strategy, status);
  }
}

/** A swap that was cut is finished at once, before anything else is decided. */
function resume(
  state: LoaderState,
  image: LoaderImage,
  swap: SwapStrategy,
  status: BootStatus,
): void {
  const { idx, state: part, op, swapType } = status;
  const found = { swapType: swapTypeName(swapType), idx, state: part, op };
  tell(state, image.index, "boot_complete_partial_swap", { reason: "resumed", ...found });
  if (state.images.length > 1) bootReviewImageSwapTypes(state, image, true);
  image.resumed = swapType;
  bootCompletePartialSwap(state, image, swap, status);
  bootReadImageHeaders(state, image, swap, { requireAll: false, status: null });
  image.swapType = BOOT_SWAP_TYPE_NONE;
}

/** `boot_validated_swap_type`, or the swap type that a trailer without progress holds. */
function decide(
  state: LoaderState,
  image: LoaderImage,
  strategy: UpgradeStrategy,
  status: BootStatus,
): void {
  const [, secondary] = image.slots;
  if (status.swapType !== BOOT_SWAP_TYPE_NONE) {
    const swapType = swapTypeName(status.swapType);
    tell(state, image.index, "swap_read_status", { reason: "swap-type-from-status", swapType });
    image.requested = status.swapType;
    const question = { status, expectedSwapType: 0 };
    const isValid = bootValidateSlot(state, image, secondary, strategy, question);
    image.swapType = isValid ? status.swapType : BOOT_SWAP_TYPE_FAIL;
    return;
  }
  const { swapType, primary, secondary: other, hooked } = bootSwapTypeMulti(state, image);
  const told = { swapType: swapTypeName(swapType), primary, secondary: other, hooked };
  tell(state, image.index, "boot_swap_type_multi", { reason: "swap-type", ...told });
  image.requested = swapType;
  image.swapType = swapType;
  if (!isUpgrade(swapType)) return;
  const question = { status, expectedSwapType: swapType };
  if (!bootValidateSlot(state, image, secondary, strategy, question)) {
    image.swapType = BOOT_SWAP_TYPE_NONE;
    return;
  }
  const { header, area } = secondary;
  const hook = state.hooks.sdk_validated_swap_type_hook;
  image.swapType = hook?.(image.index, swapType, header, area) ?? swapType;
}

/**
 * `boot_review_image_swap_types`: an earlier image that seems to ask for a revert was installed by
 * the boot that was cut before it came to this one; it stays.
 */
function bootReviewImageSwapTypes(
  state: LoaderState,
  { index, swapType }: LoaderImage,
  hasResumed: boolean,
): void {
  const isMoving = swapType !== BOOT_SWAP_TYPE_NONE && swapType !== BOOT_SWAP_TYPE_REVERT;
  if (!hasResumed && !isMoving) return;
  for (const earlier of state.images.slice(0, index)) {
    if (earlier.swapType !== BOOT_SWAP_TYPE_REVERT) continue;
    earlier.swapType = BOOT_SWAP_TYPE_NONE;
    const source = "boot_review_image_swap_types";
    tell(state, index, source, { reason: "revert-reviewed", reviewed: earlier.index });
  }
}

/** An empty or broken primary takes the secondary's image, when that one is good. */
function bootstrap(
  state: LoaderState,
  image: LoaderImage,
  strategy: UpgradeStrategy,
  status: BootStatus,
): void {
  const [primary, secondary] = image.slots;
  const question = { status, expectedSwapType: 0 };
  const isValid = bootValidateSlot(state, image, primary, strategy, question);
  if (isValid && !isHeaderErased(primary)) return;
  const hasMagic = secondary.header.magic === IMAGE_MAGIC;
  if (!bootValidateSlot(state, image, secondary, strategy, question) || !hasMagic) return;
  tell(state, image.index, "boot_prepare_image_for_update", { reason: "bootstrap" });
  image.swapType = BOOT_SWAP_TYPE_REVERT;
}
