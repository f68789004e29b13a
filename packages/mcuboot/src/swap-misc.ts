// SPDX-License-Identifier: Apache-2.0
import { bootAssert } from "./boot-stop.js";
import type { BootStatus } from "./boot-status.js";
import { flashAreaWrite } from "./flash-map.js";
import { tell } from "./loader-state.js";
import type { LoaderImage, LoaderState } from "./loader-state.js";
import type { SwapStrategy } from "./strategy.js";
import { BOOT_SWAP_TYPE_NONE } from "./swap-types.js";
import {
  bootReadSwapState,
  bootWriteCopyDone,
  bootWriteImageOk,
  bootWriteMagic,
  bootWriteSwapInfo,
  bootWriteSwapSize,
  bootWriteUnprotectedTlvSizes,
  readMagic,
  readSwapInfo,
} from "./trailer.js";
import type { TrailerArea } from "./trailer.js";

/** The scratch area, which mode `scratch` always has. */
export function scratchOf(state: LoaderState): TrailerArea {
  const { scratch } = state;
  bootAssert(scratch !== null, "boot_open_all_flash_areas", "there is a scratch area");
  return scratch;
}

/**
 * `swap_status_init`: the trailer from which a swap can be resumed; the magic comes last.
 * @see MCUboot, boot/bootutil/src/swap_misc.c
 */
export function swapStatusInit(image: LoaderImage, trailer: TrailerArea, status: BootStatus): void {
  const where = "swap_status_init";
  const [primary, secondary] = image.slots;
  const { imageOk } = bootReadSwapState(secondary.trailer);
  if (status.swapType !== BOOT_SWAP_TYPE_NONE) {
    bootAssert(
      bootWriteSwapInfo(trailer, status.swapType, image.index),
      where,
      "swap info written",
    );
  }
  if (imageOk === "set") bootAssert(bootWriteImageOk(trailer), where, "image_ok written");
  bootAssert(bootWriteSwapSize(trailer, status.swapSize), where, "swap size written");
  if (trailer.format.hasTlvSizes) {
    const sizes = [primary.unprotectedTlvSize, secondary.unprotectedTlvSize] as const;
    bootAssert(bootWriteUnprotectedTlvSizes(trailer, ...sizes), where, "TLV sizes written");
  }
  bootAssert(bootWriteMagic(trailer), where, "magic written");
}

/** `boot_write_status`: one status entry, where the status is kept at the moment. */
export function bootWriteStatus(
  state: LoaderState,
  image: LoaderImage,
  strategy: SwapStrategy,
  status: BootStatus,
): void {
  const trailer = status.useScratch ? scratchOf(state) : image.slots[0].trailer;
  const { area } = trailer;
  const bytes = new Uint8Array(area.align).fill(area.erasedValue);
  bytes[0] = status.state;
  const offset =
    trailer.statusOffset + strategy.statusInternalOffset(state, status, image.writeSize);
  // With validation of the primary a lost status write is not fatal (BOOT_STATUS_ASSERT).
  const isFine = flashAreaWrite(area, offset, bytes) || state.config.validatePrimary;
  bootAssert(isFine, "boot_write_status", "the status is written");
}

/** `swap_read_status`: what is known of a swap under way. False when it cannot be read. */
export function swapReadStatus(
  state: LoaderState,
  image: LoaderImage,
  strategy: SwapStrategy,
  status: BootStatus,
): boolean {
  const place = strategy.statusSource(state, image);
  tell(state, image.index, "swap_status_source", { reason: "status-source", status: place });
  if (place !== "primary" && place !== "scratch") return true;
  status.source = place;
  if (!strategy.readStatusBytes(state, image, place, status)) return false;
  const trailer = place === "scratch" ? scratchOf(state) : image.slots[0].trailer;
  const info = readSwapInfo(trailer);
  status.swapType = info === trailer.area.erasedValue ? BOOT_SWAP_TYPE_NONE : info & 0x0f;
  return true;
}

/** `boot_find_status`: the trailer with a magic, scratch first; else the primary's. */
export function bootFindStatus(state: LoaderState, image: LoaderImage): TrailerArea {
  const { scratch } = state;
  return scratch !== null && readMagic(scratch) === "good" ? scratch : image.slots[0].trailer;
}

/** `swap_set_copy_done`: the primary holds the whole new image. False when not written. */
export function swapSetCopyDone(state: LoaderState, image: LoaderImage): boolean {
  const written = bootWriteCopyDone(image.slots[0].trailer);
  const reason = { reason: "marked", flag: "copy_done", slot: "primary" } as const;
  if (written) tell(state, image.index, "swap_set_copy_done", reason);
  return written;
}

/** `swap_set_image_ok`: the primary stays, unless a flag is there already. False when not written. */
export function swapSetImageOk(state: LoaderState, image: LoaderImage): boolean {
  const { trailer } = image.slots[0];
  if (bootReadSwapState(trailer).imageOk !== "unset") return true;
  const written = bootWriteImageOk(trailer);
  const reason = { reason: "marked", flag: "image_ok", slot: "primary" } as const;
  if (written) tell(state, image.index, "swap_set_image_ok", reason);
  return written;
}
