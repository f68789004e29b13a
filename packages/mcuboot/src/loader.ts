// SPDX-License-Identifier: Apache-2.0
import { IMAGE_MAGIC } from "@tandem/image";

import { bootAssert } from "./boot-stop.js";
import { resetStatus } from "./boot-status.js";
import type { BootStatus } from "./boot-status.js";
import { bootVerifySlotDependencies } from "./dependencies.js";
import { BOOT_HOOK_REGULAR } from "./hooks.js";
import { bootReadImageHeaders } from "./image-headers.js";
import { tell } from "./loader-state.js";
import type { LoaderImage, LoaderSlot, LoaderState } from "./loader-state.js";
import { bootPerformUpdate } from "./perform-update.js";
import { bootPrepareImageForUpdate } from "./prepare-update.js";
import { bootUpdateSecurityCounter, isDowngradePrevented } from "./rollback-protection.js";
import { OVERWRITE_ONLY, swapStrategyOf } from "./strategies.js";
import type { SwapStrategy, UpgradeStrategy } from "./strategy.js";
import { swapSetImageOk } from "./swap-misc.js";
import {
  BOOT_SWAP_TYPE_FAIL,
  BOOT_SWAP_TYPE_NONE,
  BOOT_SWAP_TYPE_PANIC,
  BOOT_SWAP_TYPE_PERM,
  BOOT_SWAP_TYPE_REVERT,
  BOOT_SWAP_TYPE_TEST,
  isUpgrade,
  swapTypeName,
} from "./swap-types.js";
import { bootReadSwapState } from "./trailer.js";
import { bootValidateSlot } from "./validate-slot.js";

/**
 * `context_boot_go` of builds with two slots that copy or swap, in its three passes over the
 * images: finish what was cut and decide; install; validate what is to start.
 * @returns the primary slot of image 0, or null when nothing may start
 * @see MCUboot, boot/bootutil/src/loader.c
 */
export function upgradeBootGo(state: LoaderState): LoaderSlot | null {
  const swap = swapStrategyOf(state.config.mode);
  const strategy = swap ?? OVERWRITE_ONLY;
  const status = decideAll(state, strategy, swap);
  for (const image of state.images) {
    state.current = image.index;
    // With one image, C goes on with the status that deciding has left.
    const ownStatus = state.images.length > 1 ? resetStatus(strategyOp(swap)) : status;
    install(state, image, swap, ownStatus);
  }
  for (const image of state.images) {
    state.current = image.index;
    if (!mayStart(state, image, strategy)) return null;
  }
  return state.images[0]?.slots[0] ?? null;
}

function strategyOp(swap: SwapStrategy | null): BootStatus["op"] {
  return swap?.firstOp ?? "move";
}

/** First pass; returns the status that the last image has left. */
function decideAll(
  state: LoaderState,
  strategy: UpgradeStrategy,
  swap: SwapStrategy | null,
): BootStatus {
  let status = resetStatus(strategyOp(swap));
  let hasUpgrade = false;
  for (const image of state.images) {
    state.current = image.index;
    status = resetStatus(strategyOp(swap));
    if (readSectors(state, image)) {
      bootPrepareImageForUpdate(state, image, strategy, swap, status);
    }
    if (isUpgrade(image.swapType)) hasUpgrade = true;
  }
  if (state.images.length > 1 && hasUpgrade) bootVerifyDependencies(state);
  for (const image of state.images) {
    image.decided = image.swapType;
    const swapType = swapTypeName(image.swapType);
    tell(state, image.index, "context_boot_go", { reason: "decided", swapType });
  }
  return status;
}

/**
 * `boot_read_sectors`: the unit of status writes. False when the primary or scratch has more
 * sectors than MCUboot has room for: the image is then not even looked at.
 */
function readSectors({ config, scratch }: LoaderState, image: LoaderImage): boolean {
  const [primary, secondary] = image.slots;
  const isTooMany = ({ sectors }: { readonly sectors: readonly unknown[] }): boolean =>
    sectors.length > config.maxImgSectors;
  if (isTooMany(primary.area)) return false;
  // For the secondary the slots do not match then, and nothing else happens.
  if (isTooMany(secondary.area)) return true;
  if (scratch !== null && isTooMany(scratch.area)) return false;
  image.writeSize = Math.max(primary.area.align, scratch?.area.align ?? 0);
  return true;
}

/**
 * `boot_verify_dependencies`: every image that would run must find what it depends on. One that
 * does not calls off the updates and reverts of all images, or in sdk-mcuboot its own.
 */
function bootVerifyDependencies(state: LoaderState): void {
  for (const image of state.images) {
    state.current = image.index;
    const { swapType } = image;
    const stays = swapType === BOOT_SWAP_TYPE_NONE || swapType === BOOT_SWAP_TYPE_FAIL;
    const unmet = bootVerifySlotDependencies(state, image, image.slots[stays ? 0 : 1], runningSlot);
    if (unmet === null) continue;
    if (state.config.unmetDependency === "stops-image") {
      if (unmet === "dependency-unmet") image.swapType = withoutUnmet(swapType);
      return;
    }
    for (const other of state.images) other.swapType = BOOT_SWAP_TYPE_NONE;
    return;
  }
}

/** What `boot_verify_slot_dependency` makes of an image that cannot run beside the others. */
function withoutUnmet(swapType: number): number {
  if (swapType === BOOT_SWAP_TYPE_NONE) return BOOT_SWAP_TYPE_REVERT;
  const isUpdate = swapType === BOOT_SWAP_TYPE_TEST || swapType === BOOT_SWAP_TYPE_PERM;
  return isUpdate ? BOOT_SWAP_TYPE_NONE : swapType;
}

/** The slot whose image will be in the primary. */
function runningSlot({ swapType, slots }: LoaderImage): LoaderSlot {
  return slots[isUpgrade(swapType) ? 1 : 0];
}

/** Second pass: what was decided for one image. */
function install(
  state: LoaderState,
  image: LoaderImage,
  swap: SwapStrategy | null,
  status: BootStatus,
): void {
  status.swapType = image.swapType;
  switch (image.swapType) {
    case BOOT_SWAP_TYPE_NONE:
      break;
    case BOOT_SWAP_TYPE_TEST:
    case BOOT_SWAP_TYPE_PERM:
      if (isDowngradePrevented(state, image)) {
        image.swapType = BOOT_SWAP_TYPE_NONE;
        image.decided = BOOT_SWAP_TYPE_NONE;
      } else {
        update(state, image, swap, status);
      }
      break;
    case BOOT_SWAP_TYPE_REVERT:
      update(state, image, swap, status);
      break;
    case BOOT_SWAP_TYPE_FAIL:
      // The bad secondary is gone; without the flag the next boot would see a revert.
      if (swap !== null && !swapSetImageOk(state, image)) image.swapType = BOOT_SWAP_TYPE_PANIC;
      break;
    default:
      image.swapType = BOOT_SWAP_TYPE_PANIC;
  }
  bootAssert(image.swapType !== BOOT_SWAP_TYPE_PANIC, "context_boot_go", "the swap type is known");
}

function update(
  state: LoaderState,
  image: LoaderImage,
  swap: SwapStrategy | null,
  status: BootStatus,
): void {
  const [, { header, area }] = image.slots;
  const done =
    state.hooks.boot_perform_update_hook?.(image.index, header, area) ?? BOOT_HOOK_REGULAR;
  if (done === BOOT_HOOK_REGULAR) {
    bootPerformUpdate(state, image, swap, status);
    return;
  }
  bootAssert(done === 0, "context_boot_go", "boot_perform_update_hook succeeds");
  tell(state, image.index, "boot_perform_update_hook", { reason: "updated-by-hook" });
}

/** Third pass: whether the primary may start. */
function mayStart(state: LoaderState, image: LoaderImage, strategy: UpgradeStrategy): boolean {
  const [primary] = image.slots;
  if (image.swapType !== BOOT_SWAP_TYPE_NONE) {
    const wish = { requireAll: false, status: null };
    if (!bootReadImageHeaders(state, image, strategy, wish)) {
      tell(state, image.index, "boot_read_image_headers", { reason: "headers-unreadable" });
      return false;
    }
  }
  if (state.config.validatePrimary) {
    const question = { status: null, expectedSwapType: 0 };
    if (!bootValidateSlot(state, image, primary, strategy, question)) return false;
  } else if (primary.header.magic !== IMAGE_MAGIC) {
    const found = primary.header.magic;
    tell(state, image.index, "context_boot_go", { reason: "primary-bad-magic", found });
    return false;
  }
  return updateRollbackProtection(state, image);
}

/**
 * `boot_update_hw_rollback_protection`: an image that is confirmed, or that came without a
 * trailer, raises the counter; one on trial does not, so that it can be reverted.
 */
function updateRollbackProtection(state: LoaderState, image: LoaderImage): boolean {
  if (state.securityCounter === null) return true;
  const [primary] = image.slots;
  const { magic, imageOk } = bootReadSwapState(primary.trailer);
  const isOver =
    state.config.securityCounterUpdate === "confirmed"
      ? magic !== "good" || imageOk === "set"
      : image.swapType === BOOT_SWAP_TYPE_NONE;
  if (isOver) {
    return bootUpdateSecurityCounter(state, image, primary, primary);
  }
  const source = "boot_update_hw_rollback_protection";
  tell(state, image.index, source, { reason: "security-counter-waits" });
  return true;
}
