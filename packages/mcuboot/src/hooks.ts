// SPDX-License-Identifier: Apache-2.0
import type { ImageHeader } from "@tandem/image";

import type { BootFlashArea } from "./boot-flash-area.js";
import type { SwapState } from "./trailer.js";

/**
 * What `boot_go_hook` and `boot_image_check_hook` tell MCUboot: the verdict, or to go on as usual.
 * @see MCUboot, boot/bootutil/include/bootutil/boot_hooks.h, fault_injection_hardening.h
 */
export const FihResult = {
  FIH_SUCCESS: "FIH_SUCCESS",
  FIH_FAILURE: "FIH_FAILURE",
  FIH_BOOT_HOOK_REGULAR: "FIH_BOOT_HOOK_REGULAR",
} as const;
export type FihResult = (typeof FihResult)[keyof typeof FihResult];

/** Return code of a hook that wants MCUboot to do what it does without the hook. */
export const BOOT_HOOK_REGULAR = 1;

/** Index of a slot in MCUboot: `BOOT_SLOT_PRIMARY`, `BOOT_SLOT_SECONDARY`. */
export type SlotIndex = 0 | 1;

/**
 * Hooks that a product may give MCUboot, with MCUboot's names, calls and return codes: 0 is done,
 * {@link BOOT_HOOK_REGULAR} is "as usual", anything else an error. A hook that fills a structure
 * in C returns it here, which stands for 0. Any hook may reset the chip by throwing. The hooks that
 * map slots to areas and devices are missing: areas are given as they are.
 * @see MCUboot, boot/bootutil/include/bootutil/boot_hooks.h, boot_public_hooks.h
 */
export interface BootHooks {
  /**
   * Called before `boot_go` (CONFIG_BOOT_GO_HOOKS). FIH_SUCCESS counts as regular: the response
   * that it would stand for belongs to the hook's own loader.
   */
  readonly boot_go_hook?: () => FihResult;
  /** Instead of reading a header from flash. */
  readonly boot_read_image_header_hook?: (
    imageIndex: number,
    slot: SlotIndex,
  ) => ImageHeader | number;
  /** Instead of validating hash and signature. */
  readonly boot_image_check_hook?: (imageIndex: number, slot: SlotIndex) => FihResult;
  /** Instead of installing the secondary image. An error stops the boot (an assertion). */
  readonly boot_perform_update_hook?: (
    imageIndex: number,
    secondaryHeader: ImageHeader,
    secondary: BootFlashArea,
  ) => number;
  /**
   * After the copy to the primary slot; `size` is in bytes. An error stops the boot in overwrite
   * mode (an assertion); in swap modes the result is ignored.
   */
  readonly boot_copy_region_post_hook?: (
    imageIndex: number,
    primary: BootFlashArea,
    size: number,
  ) => number;
  /** Instead of reading the primary slot's trailer, where the swap type is decided. */
  readonly boot_read_swap_state_primary_slot_hook?: (imageIndex: number) => SwapState | number;
  /**
   * Direct-xip: the slot to try next, or null for none; a number other than a slot cannot be told
   * apart from a return code, so the slot comes in an object.
   */
  readonly boot_find_next_slot_hook?: (
    imageIndex: number,
  ) => { readonly activeSlot: SlotIndex | null } | typeof BOOT_HOOK_REGULAR;
  /** Serial recovery asks before it resets; MCUboot's boot never calls it. */
  readonly boot_reset_request_hook?: (force: boolean) => number;
  /** Serial recovery has received an image; MCUboot's boot never calls it. */
  readonly boot_serial_uploaded_hook?: (
    imageIndex: number,
    area: BootFlashArea,
    size: number,
  ) => number;
  /**
   * Not MCUboot's: sdk-mcuboot's `pcd_version_cmp_net`, which overwrite mode with downgrade
   * prevention asks how the secondary image compares with what runs. Below 0 the secondary is
   * erased; null is "as usual".
   */
  readonly sdk_version_cmp_hook?: (
    imageIndex: number,
    secondaryHeader: ImageHeader,
    secondary: BootFlashArea,
  ) => number | null;
  /**
   * Not MCUboot's: where sdk-mcuboot's `boot_validated_swap_type` looks at a validated secondary
   * image and installs it itself when it is one for the network core. Returns the swap type to go
   * on with (`BOOT_SWAP_TYPE_…`), usually the one that it is given.
   */
  readonly sdk_validated_swap_type_hook?: (
    imageIndex: number,
    swapType: number,
    secondaryHeader: ImageHeader,
    secondary: BootFlashArea,
  ) => number;
}
