// SPDX-License-Identifier: Apache-2.0
import type { Crypto, PublicKey } from "@tandem/base";

import type { BootConfig } from "./boot-config.js";
import type { BootFlashArea } from "./boot-flash-area.js";
import type { BootHooks } from "./hooks.js";
import type { SecurityCounterPort } from "./security-counter.js";

/** Where one image lives: `FLASH_AREA_IMAGE_PRIMARY`, `FLASH_AREA_IMAGE_SECONDARY`. */
export interface ImageAreas {
  readonly primary: BootFlashArea;
  /** Absent in single-slot builds only. */
  readonly secondary?: BootFlashArea;
}

/** One build of MCUboot on one device: everything that `bootGo` works with. */
export interface BootOptions {
  readonly config: BootConfig;
  /** One to four; their order is MCUboot's image index. Single-slot builds have one. */
  readonly images: readonly ImageAreas[];
  /** `FLASH_AREA_IMAGE_SCRATCH`, in mode `scratch` only; one for all images. */
  readonly scratch?: BootFlashArea;
  readonly crypto: Crypto;
  /** Public keys built in, all of one type. None: images need a hash and no signature. */
  readonly keys?: readonly PublicKey[];
  /** Present: MCUBOOT_HW_ROLLBACK_PROT. */
  readonly securityCounter?: SecurityCounterPort;
  readonly hooks?: BootHooks;
}
