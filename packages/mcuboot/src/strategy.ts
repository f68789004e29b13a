// SPDX-License-Identifier: Apache-2.0
import type { BootStatus } from "./boot-status.js";
import type { IncompatibleSlots } from "./boot-result.js";
import type { LoaderImage, LoaderSlot, LoaderState } from "./loader-state.js";

/** What differs between the ways in which MCUboot brings an image to where it runs. */
export interface Strategy {
  /** `bootutil_max_image_size`: most bytes that image and TLVs may take in a slot. */
  maxImageSize(state: LoaderState, image: LoaderImage, slot: LoaderSlot): number;
  /**
   * `boot_read_image_header`: reads the header of what belongs into `slot` from where it is now,
   * which `status` tells while a swap is under way. False when that fails.
   */
  readImageHeader(
    state: LoaderState,
    image: LoaderImage,
    slot: LoaderSlot,
    status: BootStatus | null,
  ): boolean;
}

/** A strategy that moves images from slot to slot. */
export interface UpgradeStrategy extends Strategy {
  /** `boot_slots_compatible`: null when they are. */
  incompatibleSlots(state: LoaderState, image: LoaderImage): IncompatibleSlots | null;
}

/** A strategy that exchanges the slots and can go on after a cut. */
export interface SwapStrategy extends UpgradeStrategy {
  /** What the first status entry is about. */
  readonly firstOp: BootStatus["op"];
  /** `swap_status_source`: where the status of a swap under way is. */
  statusSource(state: LoaderState, image: LoaderImage): StatusPlace;
  /**
   * `swap_read_status_bytes`: sets `idx`, `state` and `op` from the status entries there. False
   * when they cannot be read.
   */
  readStatusBytes(
    state: LoaderState,
    image: LoaderImage,
    place: "primary" | "scratch",
    status: BootStatus,
  ): boolean;
  /** `boot_status_internal_off`: offset of the next status write among the entries, bytes. */
  statusInternalOffset(state: LoaderState, status: BootStatus, writeSize: number): number;
  /** `swap_run`: exchanges the first `copySize` bytes of both slots, from where `status` is. */
  run(state: LoaderState, image: LoaderImage, status: BootStatus, copySize: number): void;
}

/** A swap status in the scratch area may belong to another image. */
export type StatusPlace = "none" | "primary" | "scratch" | "scratch-of-other-image";
