// SPDX-License-Identifier: Apache-2.0
import type { Crypto, PublicKey } from "@tandem/base";
import type { FlashArea } from "@tandem/flash";
import { verifyImage } from "@tandem/image";
import type { ImageFacts, ImageProblem } from "@tandem/image";

import { FihResult } from "./hooks.js";
import type { BootHooks } from "./hooks.js";

export interface SingleSlotOptions {
  /** FLASH_AREA_IMAGE_PRIMARY(0). */
  readonly primary: FlashArea;
  readonly crypto: Crypto;
  /** Public keys built into the bootloader. */
  readonly keys: readonly PublicKey[];
  readonly hooks?: BootHooks;
}

/** What `boot_go` found: the image to jump to, or why there is none. */
export type BootResponse =
  | { readonly kind: "boot"; readonly facts: ImageFacts }
  | { readonly kind: "none"; readonly problem: ImageProblem | null };

/**
 * MCUboot built with CONFIG_SINGLE_APPLICATION_SLOT and MCUBOOT_VALIDATE_PRIMARY_SLOT: the hook
 * first, then the primary slot is validated and started, or nothing is.
 * @see MCUboot, boot/zephyr/main.c (call of boot_go_hook), boot/zephyr/single_loader.c (boot_go)
 */
export function bootGo(options: SingleSlotOptions): BootResponse {
  const fromHook = options.hooks?.boot_go_hook?.() ?? FihResult.FIH_BOOT_HOOK_REGULAR;
  // A hook that fails leaves nothing to start. FIH_SUCCESS would need a response of the hook's
  // own, which the single-slot loader has no use for: it is validated like any other.
  if (fromHook === FihResult.FIH_FAILURE) return { kind: "none", problem: null };
  const { primary, crypto, keys } = options;
  const verdict = verifyImage(primary, { crypto, keys });
  return verdict.ok
    ? { kind: "boot", facts: verdict.facts }
    : { kind: "none", problem: verdict.problem };
}
