// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import type { ImageFacts, ImageVersion } from "@tandem/image";
import {
  BOOT_SWAP_TYPE_NONE,
  BOOT_SWAP_TYPE_PERM,
  BOOT_SWAP_TYPE_TEST,
  bootSetConfirmed,
  bootSetPending,
  bootSwapType,
  readSwapState,
  swapTypeName,
} from "@tandem/mcuboot";
import type { BootFlashArea, ImageAreas, SwapTypeName } from "@tandem/mcuboot";

import type { AppScript } from "../firmware-script.js";
import { padToWords } from "../pad-to-words.js";
import type { NcsBuild } from "./ncs-build.js";
import { NETWORK_CORE_IMAGE } from "./nrf53-hooks.js";

/** MCUmgr's answer to a mark: `already-pending` when it would change what is pending. */
export type MarkAnswer = "ok" | "already-pending";

/** How an image is marked: for one trial, or for good. */
export type Mark = "test" | "permanent";

/** Bytes that an upload writes at a time. */
const CHUNK_BYTES = 4096;

/**
 * A running application with the two ways of NCS to have images installed: MCUmgr, image by image
 * in the order of the client, and the DFU target, all images in ascending order.
 */
export class NcsApplication {
  readonly facts: ImageFacts;
  readonly script: AppScript;
  /** What the network core answered over IPC; null when it did not. */
  readonly netVersion: ImageVersion | null;
  readonly #build: NcsBuild;
  readonly #images: readonly Required<ImageAreas>[];
  readonly #onUpload: (bytes: Uint8Array) => void;

  constructor(options: {
    readonly facts: ImageFacts;
    readonly script: AppScript;
    readonly netVersion: ImageVersion | null;
    readonly build: NcsBuild;
    readonly images: readonly Required<ImageAreas>[];
    /** Called with each file that is uploaded. */
    readonly onUpload: (bytes: Uint8Array) => void;
  }) {
    this.facts = options.facts;
    this.script = options.script;
    this.netVersion = options.netVersion;
    this.#build = options.build;
    this.#images = options.images;
    this.#onUpload = options.onUpload;
  }

  /**
   * Writes an image into its secondary slot: the trailer is erased first, then page by page.
   * @param image 0, or 1 with simultaneous updates; sequential updates have 0 for both cores
   * @throws {UsageError} twin/ncs-upload when there is no such slot or the image does not fit
   */
  upload(image: number, bytes: Uint8Array): void {
    const slot = this.#secondary(image);
    const [first] = slot.sectors;
    // Swap using offset leaves the first sector free.
    const start = this.#build.mode === "offset" ? (first?.size ?? 0) : 0;
    const last = slot.sectors.at(-1);
    if (last === undefined || start + bytes.length > last.offset) {
      throw new UsageError(
        "twin/ncs-upload",
        `image ${image}: ${bytes.length} bytes, expected at most ${(last?.offset ?? 0) - start}`,
      );
    }
    this.#onUpload(bytes);
    slot.erase(last.offset, last.size);
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const chunk = bytes.subarray(at, at + CHUNK_BYTES);
      slot.erase(start + at, CHUNK_BYTES);
      slot.write(start + at, padToWords(chunk));
    }
  }

  /**
   * MCUmgr's image state write (`mcumgr image test`, `mcumgr image confirm`) for an uploaded image.
   * @see Zephyr, subsys/mgmt/mcumgr/grp/img_mgmt/src/img_mgmt_state.c, img_mgmt_set_next_boot_slot
   */
  mark(image: number, mark: Mark): MarkAnswer {
    const slot = this.#secondary(image);
    const pending = this.#swapType(image);
    if (pending === (mark === "test" ? BOOT_SWAP_TYPE_TEST : BOOT_SWAP_TYPE_PERM)) return "ok";
    if (pending !== BOOT_SWAP_TYPE_NONE) return "already-pending";
    if (this.#losesMark(image)) return "ok";
    bootSetPending(this.#build.config, slot, mark === "permanent", image);
    return "ok";
  }

  /**
   * `dfu_target_mcuboot_schedule_update(-1)`: marks every image for a test, in ascending order.
   * @see sdk-nrf, subsys/dfu/dfu_target/src/dfu_target_mcuboot.c
   */
  scheduleUpdate(): void {
    for (const [image, { secondary }] of this.#images.entries()) {
      bootSetPending(this.#build.config, secondary, false, image);
    }
  }

  /** `boot_write_img_confirmed`: keeps the application's own image. Image 1 has no such thing. */
  confirm(): void {
    const [app] = this.#images;
    if (app !== undefined) bootSetConfirmed(this.#build.config, app.primary);
  }

  /** `boot_is_img_confirmed`. */
  get isConfirmed(): boolean {
    const [app] = this.#images;
    if (app === undefined) return true;
    const { magic, imageOk } = readSwapState(this.#build.config, app.primary);
    return magic !== "good" || imageOk === "set";
  }

  /** What the next boot will start from. */
  pending(image: number): SwapTypeName {
    return swapTypeName(this.#swapType(image));
  }

  /**
   * NCSDK-34106. Nordic does not say why: trailers do not tell MCUboot the order of the marks, so
   * the model loses the second one where it is set.
   */
  #losesMark(image: number): boolean {
    if (image !== NETWORK_CORE_IMAGE) return false;
    if (!this.#build.behaviours.has("loses-mark-after-application")) return false;
    const app = this.#swapType(0);
    return app === BOOT_SWAP_TYPE_TEST || app === BOOT_SWAP_TYPE_PERM;
  }

  /** Of image 1 only the secondary counts: its primary is MCUboot's RAM. */
  #swapType(image: number): number {
    const areas = this.#images[image];
    if (areas === undefined) return BOOT_SWAP_TYPE_NONE;
    if (image !== NETWORK_CORE_IMAGE) return bootSwapType(this.#build.config, areas);
    const { magic, imageOk } = readSwapState(this.#build.config, areas.secondary);
    if (magic !== "good") return BOOT_SWAP_TYPE_NONE;
    return imageOk === "set" ? BOOT_SWAP_TYPE_PERM : BOOT_SWAP_TYPE_TEST;
  }

  #secondary(image: number): BootFlashArea {
    const slot = this.#images[image]?.secondary;
    if (slot !== undefined) return slot;
    throw new UsageError(
      "twin/ncs-upload",
      `image ${image}, expected an index below ${this.#images.length}`,
    );
  }
}
