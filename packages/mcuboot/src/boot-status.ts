// SPDX-License-Identifier: Apache-2.0
import { BOOT_SWAP_TYPE_NONE } from "./swap-types.js";

/** Index of the first sector of a swap; MCUboot counts from 1. */
export const BOOT_STATUS_IDX_0 = 1;
/** Steps of one sector: nothing done yet, and after the first and the second copy. */
export const BOOT_STATUS_STATE_0 = 1;
export const BOOT_STATUS_STATE_1 = 2;
export const BOOT_STATUS_STATE_2 = 3;

/**
 * How far a swap is: `struct boot_status`.
 * @see MCUboot, boot/bootutil/src/bootutil_priv.h
 */
export interface BootStatus {
  /** Which sectors are being swapped, from 1. */
  idx: number;
  /** Which part of that: BOOT_STATUS_STATE_…. */
  state: number;
  /** Moving sectors up, or swapping them. Other swaps than move only swap. */
  op: "move" | "swap";
  /** The status goes to the scratch area for the time being. */
  useScratch: boolean;
  swapType: number;
  /** Bytes to be swapped. */
  swapSize: number;
  /** Where the status was found. */
  source: "none" | "primary" | "scratch";
}

/** `boot_status_reset`: no swap under way. */
export function resetStatus(firstOp: BootStatus["op"]): BootStatus {
  return {
    idx: BOOT_STATUS_IDX_0,
    state: BOOT_STATUS_STATE_0,
    op: firstOp,
    useScratch: false,
    swapType: BOOT_SWAP_TYPE_NONE,
    swapSize: 0,
    source: "none",
  };
}

/** `boot_status_is_reset`: no progress was found. */
export function isStatusReset(status: BootStatus, firstOp: BootStatus["op"]): boolean {
  return (
    status.op === firstOp &&
    status.idx === BOOT_STATUS_IDX_0 &&
    status.state === BOOT_STATUS_STATE_0
  );
}
