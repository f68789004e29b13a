// SPDX-License-Identifier: Apache-2.0
import type { ImageFacts, ImageSource } from "@tandem/image";

import type { ReasonCode } from "./reason.js";

/** How an installation ended. */
export type InstallResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: ReasonCode;
      readonly detail?: number;
      /** The core proves to hold what it held before. */
      readonly isUntouched?: boolean;
    };

/**
 * One core of the device, as the coordinator sees it: something that can be kept from running and
 * that takes an image. New kinds of cores (a modem, a sensor MCU) are further implementations.
 */
export interface CoreInstaller {
  /** Name in messages: `app`, `net`. */
  readonly core: string;
  /** Keeps the core from running. Called at every boot, before anything else. */
  hold(): void;
  /**
   * True when the core holds exactly this image. The journal already says so; the core confirms
   * it as far as it can be asked.
   */
  confirmInstalled(hash: Uint8Array, source: ImageSource): boolean;
  /**
   * What a core whose flash can be read holds: the facts of a valid image, signed by a trusted key,
   * or null. Absent where the flash is out of reach.
   */
  readInstalled?(): ImageFacts | null;
  /**
   * Replaces the core's image and validates the result. Idempotent, may be cut anywhere.
   * @param options.isResumed an installation was cut: nothing that stands in flash can be relied on
   */
  install(
    hash: Uint8Array,
    source: ImageSource,
    options: { readonly isResumed: boolean },
  ): InstallResult;
}
