// SPDX-License-Identifier: Apache-2.0
import type { BootMode } from "./boot-config.js";
import { BOOT_HOOK_REGULAR } from "./hooks.js";
import type { LoaderImage, LoaderState } from "./loader-state.js";
import {
  BOOT_SWAP_TYPE_NONE,
  BOOT_SWAP_TYPE_PANIC,
  BOOT_SWAP_TYPE_PERM,
  BOOT_SWAP_TYPE_REVERT,
  BOOT_SWAP_TYPE_TEST,
} from "./swap-types.js";
import { bootReadSwapState } from "./trailer.js";
import type { SwapState } from "./trailer.js";

/** Trailers of both slots together with the swap type that they call for. */
export interface SwapTypeDecision {
  readonly swapType: number;
  readonly primary: SwapState;
  readonly secondary: SwapState;
  /** The primary's trailer came from a hook. */
  readonly hooked: boolean;
}

/**
 * The swap type that two trailers call for: the secondary's magic asks for a new image, the
 * primary's flags for going back. Earlier rules win.
 * @see MCUboot, boot/bootutil/src/bootutil_public.c, boot_swap_tables
 */
export function swapTypeOf(mode: BootMode, primary: SwapState, secondary: SwapState): number {
  if (secondary.magic === "good") {
    // Swap using offset prepares a revert in the secondary, told by its copy_done.
    const isPreparedRevert = mode === "offset" && secondary.copyDone === "set";
    if (secondary.imageOk === "unset") {
      return isPreparedRevert ? BOOT_SWAP_TYPE_REVERT : BOOT_SWAP_TYPE_TEST;
    }
    if (secondary.imageOk === "set") return BOOT_SWAP_TYPE_PERM;
  }
  const isUnconfirmed =
    primary.magic === "good" && primary.imageOk === "unset" && primary.copyDone === "set";
  return isUnconfirmed ? BOOT_SWAP_TYPE_REVERT : BOOT_SWAP_TYPE_NONE;
}

/** `boot_swap_type_multi`: what the trailers of an image call for now. */
export function bootSwapTypeMulti(state: LoaderState, image: LoaderImage): SwapTypeDecision {
  const fromHook =
    state.hooks.boot_read_swap_state_primary_slot_hook?.(image.index) ?? BOOT_HOOK_REGULAR;
  const hooked = typeof fromHook !== "number";
  const primary = hooked ? fromHook : bootReadSwapState(image.slots[0].trailer);
  const secondary = bootReadSwapState(image.slots[1].trailer);
  const hasFailed =
    typeof fromHook === "number" && fromHook !== 0 && fromHook !== BOOT_HOOK_REGULAR;
  const swapType = hasFailed
    ? BOOT_SWAP_TYPE_PANIC
    : swapTypeOf(state.config.mode, primary, secondary);
  return { swapType, primary, secondary, hooked };
}

/** Whether the trailers call for a revert: a question that swaps ask while they run. */
export function isRevertRequested(state: LoaderState, image: LoaderImage): boolean {
  return bootSwapTypeMulti(state, image).swapType === BOOT_SWAP_TYPE_REVERT;
}
