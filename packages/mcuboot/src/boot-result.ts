// SPDX-License-Identifier: Apache-2.0
import type { ImageHeader } from "@tandem/image";

import type { BootFlashArea } from "./boot-flash-area.js";
import type { SwapTypeName } from "./swap-types.js";
import type { SwapState } from "./trailer.js";

/** A slot in words. */
export type SlotName = "primary" | "secondary";

/**
 * Why an image does not validate. `header-…` come from `boot_check_header_valid`, the others from
 * `bootutil_img_validate`, in the order in which MCUboot looks.
 */
export type InvalidImage =
  | "header-magic"
  | "header-size"
  | "encrypted"
  | "compressed"
  | "wrong-upload-address"
  | "read-error"
  | "bad-tlv-area"
  | "too-large"
  | "tlv-not-allowed"
  | "bad-hash-length"
  | "hash-mismatch"
  | "no-hash"
  | "bad-key-length"
  | "bad-signature-length"
  | "bad-signature"
  | "no-signature"
  | "bad-security-counter-length"
  | "security-counter-unreadable"
  | "security-counter-too-low"
  | "no-security-counter"
  | "refused-by-hook";

/** Why slots cannot be swapped: `boot_slots_compatible` and `boot_read_sectors`. */
export type IncompatibleSlots =
  | "too-many-sectors"
  | "different-sector-count"
  | "different-sector-sizes"
  | "scratch-too-small"
  | "different-slot-sizes";

/**
 * One thing that MCUboot found out or did, in the order of the boot. `source` is MCUboot's
 * function. Sizes and offsets are in bytes, offsets count from the start of the slot.
 */
export type BootStep = { readonly image: number; readonly source: string } & BootReason;

/** What a {@link BootStep} is about. `reason` is stable across releases. */
export type BootReason =
  /** The trailers call for this; `hooked` when a hook supplied the primary's. */
  | {
      readonly reason: "swap-type";
      readonly swapType: SwapTypeName;
      readonly primary: SwapState;
      readonly secondary: SwapState;
      readonly hooked: boolean;
    }
  /** Where the status of an unfinished swap is looked for. `scratch-of-other-image`: not here. */
  | {
      readonly reason: "status-source";
      readonly status: "none" | "primary" | "scratch" | "scratch-of-other-image";
    }
  /** The swap goes on where it was cut: `idx`, `state` and `op` as in `struct boot_status`. */
  | {
      readonly reason: "resumed";
      readonly swapType: SwapTypeName;
      readonly idx: number;
      readonly state: number;
      readonly op: "move" | "swap";
    }
  /** A trailer with a swap type but no progress: the swap starts with this type. */
  | { readonly reason: "swap-type-from-status"; readonly swapType: SwapTypeName }
  | { readonly reason: "slots-incompatible"; readonly why: IncompatibleSlots }
  | { readonly reason: "headers-unreadable" }
  /** Nothing to validate: the magic is erased. */
  | { readonly reason: "slot-empty"; readonly slot: SlotName }
  | { readonly reason: "not-bootable"; readonly slot: SlotName }
  | {
      readonly reason: "image-valid";
      readonly slot: SlotName;
      /** A hook said so. */
      readonly hooked: boolean;
    }
  | {
      readonly reason: "image-invalid";
      readonly slot: SlotName;
      readonly why: InvalidImage;
      /** What MCUboot needed and what it found, where numbers tell it. */
      readonly expected?: number;
      readonly found?: number;
    }
  /** The trailer of a slot was erased, so that it can take a new image. */
  | { readonly reason: "trailer-erased"; readonly slot: SlotName }
  /** The slot was erased, so that its image is not looked at again. */
  | { readonly reason: "slot-erased"; readonly slot: SlotName }
  /** The secondary is older than the primary; it was erased. */
  | {
      readonly reason: "downgrade-refused";
      readonly by: "version" | "security-counter";
      readonly primary: string;
      readonly secondary: string;
    }
  /** The image is not linked for the primary slot (address in it, range of the slot). */
  | {
      readonly reason: "wrong-image-address";
      readonly found: number;
      readonly from: number;
      readonly to: number;
    }
  /** A revert that only a cut between two images had pretended is taken back. */
  | { readonly reason: "revert-reviewed"; readonly reviewed: number }
  /** The primary is empty or broken, and the secondary goes there. */
  | { readonly reason: "bootstrap" }
  /** This dependency holds back the updates of all images. */
  | {
      readonly reason: "dependency-unmet";
      readonly slot: SlotName;
      readonly needs: { readonly image: number; readonly atLeast: string };
      /** Version of the needed image that would run. */
      readonly found: string;
    }
  /** TLVs of the slot that would run cannot be read; holds back all images as well. */
  | { readonly reason: "dependencies-unreadable"; readonly slot: SlotName }
  /** The swap type after dependencies; the update that follows does this. */
  | { readonly reason: "decided"; readonly swapType: SwapTypeName }
  /** Not enough free sectors for the swap, which is left out although its flags are written. */
  | { readonly reason: "no-room"; readonly needed: number; readonly available: number }
  /** A hook installed the image itself. */
  | { readonly reason: "updated-by-hook" }
  | { readonly reason: "overwritten"; readonly size: number }
  | { readonly reason: "swapped"; readonly size: number }
  | { readonly reason: "marked"; readonly flag: "image_ok" | "copy_done"; readonly slot: SlotName }
  /** The device's counter was handed the image's. */
  | { readonly reason: "security-counter-updated"; readonly counter: number }
  | { readonly reason: "security-counter-failed" }
  /** The counter waits until the image is confirmed. */
  | { readonly reason: "security-counter-waits" }
  /** Direct-xip: the slot that is tried, and why it is left out. */
  | { readonly reason: "slot-tried"; readonly slot: SlotName; readonly version: string }
  | { readonly reason: "slot-wrong-address"; readonly slot: SlotName; readonly found: number }
  | { readonly reason: "slot-unconfirmed"; readonly slot: SlotName; readonly state: SwapState }
  | { readonly reason: "no-slot" }
  /** Without validation the magic alone decides. */
  | { readonly reason: "primary-bad-magic"; readonly found: number }
  | { readonly reason: "refused-by-boot-go-hook" }
  /** MCUboot stops: `what` is what it had taken for granted. */
  | { readonly reason: "assertion"; readonly what: string }
  /** MCUboot never ends. */
  | { readonly reason: "hang"; readonly what: string };

/** What happened to one image. */
export interface ImageDecision {
  readonly image: number;
  /** What the trailers called for; null when a cut swap was resumed or nothing was decided. */
  readonly requested: SwapTypeName | null;
  /** What was done after validation, dependencies and downgrade prevention. */
  readonly decided: SwapTypeName;
  /** Type of a swap that was resumed and completed first; null when there was none. */
  readonly resumed: SwapTypeName | null;
}

interface Told {
  readonly decisions: readonly ImageDecision[];
  readonly steps: readonly BootStep[];
}

/** The image that starts: `struct boot_rsp`. Always image 0. */
export interface BootStarts extends Told {
  readonly kind: "boot";
  readonly slot: SlotName;
  readonly area: BootFlashArea;
  readonly header: ImageHeader;
}

/** Nothing starts; `why` is also the last of the steps. */
export interface BootEnds extends Told {
  readonly kind: "none";
  readonly why: BootStep;
}

/** Outcome of `bootGo`. */
export type BootResult = BootStarts | BootEnds;
