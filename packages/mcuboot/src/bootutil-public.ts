// SPDX-License-Identifier: Apache-2.0
import type { BootConfig } from "./boot-config.js";
import { resolveBootConfig } from "./boot-config.js";
import type { BootFlashArea } from "./boot-flash-area.js";
import type { ImageAreas } from "./boot-options.js";
import { scrambleTrailerSectors } from "./erase.js";
import { swapTypeOf } from "./swap-type.js";
import { BOOT_SWAP_TYPE_PERM, BOOT_SWAP_TYPE_TEST } from "./swap-types.js";
import {
  TrailerArea,
  bootReadSwapState,
  bootWriteCopyDone,
  bootWriteImageOk,
  bootWriteMagic,
  bootWriteSwapInfo,
} from "./trailer.js";
import type { SwapState } from "./trailer.js";
import { trailerFormat } from "./trailer-format.js";

// What an application calls to have its images installed and kept. These functions write flash
// as MCUboot does, operation by operation, and let `PowerLoss` pass.

/** Return codes of MCUboot's public functions; 0 is success. */
export const BOOT_EFLASH = 1;
/** The trailer holds something that is not MCUboot's. */
export const BOOT_EBADIMAGE = 3;
/** As BOOT_EBADIMAGE, for the slot that runs. */
export const BOOT_EBADVECT = 4;

type ReturnCode = 0 | typeof BOOT_EFLASH | typeof BOOT_EBADIMAGE | typeof BOOT_EBADVECT;

/** What the trailer of a slot says, as this build of MCUboot reads it. */
export function readSwapState(config: BootConfig, area: BootFlashArea): SwapState {
  return bootReadSwapState(trailerOf(config, area));
}

/** `boot_swap_type_multi` for an application: `BOOT_SWAP_TYPE_…` that the next boot starts from. */
export function bootSwapType(config: BootConfig, image: Required<ImageAreas>): number {
  const primary = readSwapState(config, image.primary);
  return swapTypeOf(config.mode, primary, readSwapState(config, image.secondary));
}

/**
 * `boot_set_pending_multi`: the next boot installs the image in the secondary slot, for one trial
 * or for good.
 * @param imageIndex goes into the swap info field
 */
export function bootSetPending(
  config: BootConfig,
  secondary: BootFlashArea,
  permanent: boolean,
  imageIndex = 0,
): ReturnCode {
  return bootSetNext(config, secondary, { active: false, confirm: permanent, imageIndex });
}

/** `boot_set_confirmed_multi`: the image in the primary slot stays. */
export function bootSetConfirmed(config: BootConfig, primary: BootFlashArea): ReturnCode {
  return bootSetNext(config, primary, { active: true, confirm: true, imageIndex: 0 });
}

/**
 * `boot_set_next`: marks the image in a slot to be started next. `active` says that it is the one
 * that runs, which can only be confirmed.
 * @see MCUboot, boot/bootutil/src/bootutil_public.c
 */
export function bootSetNext(
  config: BootConfig,
  area: BootFlashArea,
  wish: { readonly active: boolean; readonly confirm: boolean; readonly imageIndex: number },
): ReturnCode {
  const trailer = trailerOf(config, area);
  const found = bootReadSwapState(trailer);
  const confirm = wish.confirm || wish.active;
  const isXip = config.mode === "direct-xip" || config.mode === "direct-xip-revert";
  if (found.magic === "bad") {
    return wish.active && !isXip ? BOOT_EBADVECT : BOOT_EBADIMAGE;
  }
  const taken = isXip
    ? setNextXip(trailer, found, confirm)
    : setNextSwap(trailer, found, { ...wish, confirm });
  return taken ? 0 : BOOT_EFLASH;
}

function setNextSwap(
  trailer: TrailerArea,
  found: SwapState,
  wish: { readonly active: boolean; readonly confirm: boolean; readonly imageIndex: number },
): boolean {
  if (found.magic === "good") {
    const confirms = wish.active && found.imageOk === "unset";
    return confirms ? bootWriteImageOk(trailer) : true;
  }
  if (wish.active) return true;
  const swapType = wish.confirm ? BOOT_SWAP_TYPE_PERM : BOOT_SWAP_TYPE_TEST;
  return (
    bootWriteMagic(trailer) &&
    (!wish.confirm || bootWriteImageOk(trailer)) &&
    bootWriteSwapInfo(trailer, swapType, wish.imageIndex)
  );
}

/** MCUBOOT_BOOTUTIL_LIB_FOR_DIRECT_XIP: an image that runs must have been marked to. */
function setNextXip(trailer: TrailerArea, found: SwapState, confirm: boolean): boolean {
  if (found.magic === "unset" && !bootWriteMagic(trailer)) return false;
  if (!confirm) return true;
  if (found.copyDone === "unset" && !bootWriteCopyDone(trailer)) return false;
  return found.imageOk === "unset" ? bootWriteImageOk(trailer) : true;
}

/**
 * `swap_erase_trailer_sectors`: erases the trailer of a slot, from its end downwards.
 * @returns false when the trailer is larger than the slot
 * @see MCUboot, boot/bootutil/src/swap_misc.c
 */
export function swapEraseTrailerSectors(config: BootConfig, area: BootFlashArea): boolean {
  return scrambleTrailerSectors(area, trailerFormat(resolveBootConfig(config)), area.align);
}

function trailerOf(config: BootConfig, area: BootFlashArea): TrailerArea {
  return new TrailerArea(area, trailerFormat(resolveBootConfig(config)));
}
