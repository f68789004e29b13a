// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import type { BootFlashArea, BootHooks } from "@tandem/mcuboot";

import { padToWords } from "../pad-to-words.js";
import type { NcsAreas } from "./ncs-flash.js";
import { NETWORK_CORE_IMAGE, NETWORK_CORE_RECOVERY_SLOT } from "./nrf53-hooks.js";
import type { Pcd } from "./pcd.js";

/**
 * MCUboot's serial recovery for the network core: `mcumgr image upload -n 3`. It answers when
 * b0n has begun to copy, not when it has ended (NCSDK-11308, which Nordic does not fix).
 * @see sdk-mcuboot, boot/boot_serial/src/boot_serial.c
 */
export class SerialRecovery {
  readonly #primary: BootFlashArea;
  readonly #hooks: BootHooks;
  readonly #pcd: Pcd;
  readonly #onUpload: (bytes: Uint8Array) => void;

  constructor(areas: NcsAreas, hooks: BootHooks, pcd: Pcd, onUpload: (bytes: Uint8Array) => void) {
    const primary = areas.images[NETWORK_CORE_IMAGE]?.primary;
    if (primary === undefined) {
      throw new UsageError(
        "twin/ncs-build",
        "serial recovery of the network core: expected simultaneous updates",
      );
    }
    this.#primary = primary;
    this.#hooks = hooks;
    this.#pcd = pcd;
    this.#onUpload = onUpload;
  }

  /**
   * Uploads an image for the network core; true is the success that mcumgr reports.
   * @throws {UsageError} twin/ncs-upload when it does not fit
   */
  upload(image: Uint8Array): boolean {
    if (image.length > this.#primary.size) {
      throw new UsageError(
        "twin/ncs-upload",
        `${image.length} bytes, expected at most ${this.#primary.size}`,
      );
    }
    this.#onUpload(image);
    this.#primary.erase(0, this.#primary.size);
    this.#primary.write(0, padToWords(image));
    const slot = NETWORK_CORE_RECOVERY_SLOT;
    return this.#hooks.boot_serial_uploaded_hook?.(slot, this.#primary, image.length) === 0;
  }

  /** What `mcumgr reset` is answered: busy while b0n copies. */
  get isBusy(): boolean {
    return this.#hooks.boot_reset_request_hook?.(false) !== 0;
  }

  wait(ms: number): void {
    this.#pcd.letRun(ms * 1000);
  }
}
