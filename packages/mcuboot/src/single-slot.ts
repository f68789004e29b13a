// SPDX-License-Identifier: Apache-2.0
import type { Crypto, PublicKey } from "@tandem/base";
import type { FlashArea } from "@tandem/flash";
import { verifyImage } from "@tandem/image";
import type { ImageFacts, ImageProblem } from "@tandem/image";

import { FihResult } from "./hooks.js";
import type { BootHooks } from "./hooks.js";
import type { SecurityCounterPort } from "./security-counter.js";

/** A build of MCUboot with one slot, whose verdict comes with the facts that the twin needs. */
export interface SingleSlotOptions {
  /** FLASH_AREA_IMAGE_PRIMARY(0). */
  readonly primary: FlashArea;
  readonly crypto: Crypto;
  /** Public keys built into the bootloader. */
  readonly keys: readonly PublicKey[];
  readonly hooks?: Pick<BootHooks, "boot_go_hook">;
  /**
   * Present: MCUBOOT_HW_ROLLBACK_PROT. An image below the counter, or without one, does not
   * start. Nothing here raises it: single_loader.c never calls `boot_nv_security_counter_update`.
   */
  readonly securityCounter?: Pick<SecurityCounterPort, "read">;
}

/** What the single-slot `boot_go` found: the image to jump to, or why there is none. */
export type SingleSlotResponse =
  | { readonly kind: "boot"; readonly facts: ImageFacts }
  | {
      readonly kind: "none";
      readonly problem: Pick<ImageProblem, "message"> | null;
    };

/**
 * MCUboot built with CONFIG_SINGLE_APPLICATION_SLOT and MCUBOOT_VALIDATE_PRIMARY_SLOT, for a
 * device that needs to know what its image says: the hook first, then the primary slot is
 * validated and started, or nothing is. It refuses what `verifyImage` refuses, which is more than
 * MCUboot does; `bootGo` with mode `single` is the exact one.
 * @see MCUboot, boot/zephyr/main.c (call of boot_go_hook), boot/zephyr/single_loader.c (boot_go)
 */
export function bootGoSingleSlot(options: SingleSlotOptions): SingleSlotResponse {
  const fromHook = options.hooks?.boot_go_hook?.() ?? FihResult.FIH_BOOT_HOOK_REGULAR;
  // A hook that fails leaves nothing to start. FIH_SUCCESS would need a response of the hook's
  // own, which the single-slot loader has no use for: it is validated like any other.
  if (fromHook === FihResult.FIH_FAILURE) return { kind: "none", problem: null };
  const { primary, crypto, keys, securityCounter } = options;
  const verdict = verifyImage(primary, { crypto, keys });
  if (!verdict.ok) return { kind: "none", problem: verdict.problem };
  const message =
    securityCounter === undefined ? null : counterProblem(verdict.facts, securityCounter.read(0));
  return message === null
    ? { kind: "boot", facts: verdict.facts }
    : { kind: "none", problem: { message } };
}

function counterProblem({ securityCounter }: ImageFacts, stored: number | null): string | null {
  if (securityCounter === null) return "image: no security counter, expected one";
  if (stored === null) return "security counter of the device: unreadable, expected a number";
  if (securityCounter >= stored) return null;
  return `image: security counter ${securityCounter}, expected at least the device's ${stored}`;
}
