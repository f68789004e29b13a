// SPDX-License-Identifier: Apache-2.0

/**
 * What `boot_go_hook` tells MCUboot: go on as usual, or the result that stands for `boot_go`.
 * @see MCUboot, boot/bootutil/include/bootutil/boot_hooks.h, fault_injection_hardening.h
 */
export const FihResult = {
  FIH_SUCCESS: "FIH_SUCCESS",
  FIH_FAILURE: "FIH_FAILURE",
  FIH_BOOT_HOOK_REGULAR: "FIH_BOOT_HOOK_REGULAR",
} as const;
export type FihResult = (typeof FihResult)[keyof typeof FihResult];

/** Hooks that a product may give MCUboot, with MCUboot's names. */
export interface BootHooks {
  /** Called before `boot_go` (CONFIG_BOOT_GO_HOOKS). It may reset the chip and not return. */
  readonly boot_go_hook?: () => FihResult;
}
