// SPDX-License-Identifier: Apache-2.0

/**
 * `BOOT_SWAP_TYPE_…` as they stand in the swap info field of a trailer. A trailer can hold other
 * values; MCUboot carries them along until they stop the boot.
 * @see MCUboot, boot/bootutil/include/bootutil/bootutil_public.h
 */
export const BOOT_SWAP_TYPE_NONE = 1;
/** Install, and go back at the next boot unless the image confirms itself. */
export const BOOT_SWAP_TYPE_TEST = 2;
/** Install for good. */
export const BOOT_SWAP_TYPE_PERM = 3;
/** Go back to the image that ran before. */
export const BOOT_SWAP_TYPE_REVERT = 4;
/** The image to be installed is not valid. */
export const BOOT_SWAP_TYPE_FAIL = 5;
/** Nothing can be done any more. */
export const BOOT_SWAP_TYPE_PANIC = 0xff;

/** A swap type in words; `unknown` for values that MCUboot never writes. */
export type SwapTypeName = "none" | "test" | "perm" | "revert" | "fail" | "panic" | "unknown";

const NAMES: ReadonlyMap<number, SwapTypeName> = new Map([
  [BOOT_SWAP_TYPE_NONE, "none"],
  [BOOT_SWAP_TYPE_TEST, "test"],
  [BOOT_SWAP_TYPE_PERM, "perm"],
  [BOOT_SWAP_TYPE_REVERT, "revert"],
  [BOOT_SWAP_TYPE_FAIL, "fail"],
  [BOOT_SWAP_TYPE_PANIC, "panic"],
]);

/** MCUboot's word for a swap type. */
export function swapTypeName(swapType: number): SwapTypeName {
  return NAMES.get(swapType) ?? "unknown";
}

/** `BOOT_IS_UPGRADE`: images will move. */
export function isUpgrade(swapType: number): boolean {
  return (
    swapType === BOOT_SWAP_TYPE_TEST ||
    swapType === BOOT_SWAP_TYPE_REVERT ||
    swapType === BOOT_SWAP_TYPE_PERM
  );
}
