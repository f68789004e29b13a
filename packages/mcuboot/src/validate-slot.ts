// SPDX-License-Identifier: Apache-2.0
import {
  IMAGE_F_NON_BOOTABLE,
  IMAGE_HEADER_LAYOUT,
  IMAGE_MAGIC,
  formatVersion,
  isCompressed,
  isEncrypted,
} from "@tandem/image";

import { isStatusReset } from "./boot-status.js";
import type { BootStatus } from "./boot-status.js";
import { bootCompareVersion } from "./compare-version.js";
import { bootScrambleSlot, swapScrambleTrailerSectors } from "./erase.js";
import { flashAreaRead, flashAreaReadWord } from "./flash-map.js";
import { FihResult } from "./hooks.js";
import { bootutilImgValidate } from "./image-validate.js";
import type { ValidationProblem } from "./image-validate.js";
import { BOOT_SLOT_PRIMARY, BOOT_SLOT_SECONDARY, tell } from "./loader-state.js";
import type { LoaderImage, LoaderSlot, LoaderState } from "./loader-state.js";
import { sizeWithoutTlvs } from "./single-loader.js";
import type { Strategy } from "./strategy.js";
import { swapStrategyOf } from "./strategies.js";
import { isRevertRequested } from "./swap-type.js";
import { BOOT_SWAP_TYPE_PERM, BOOT_SWAP_TYPE_REVERT, BOOT_SWAP_TYPE_TEST } from "./swap-types.js";

/** What `boot_validate_slot` is asked for. */
export interface SlotQuestion {
  /** Null where MCUboot passes none: it then only looks at what is going to start. */
  readonly status: BootStatus | null;
  /** What the slot is validated for; 0 where MCUboot does not say. */
  readonly expectedSwapType: number;
}

const SOURCE = "boot_validate_slot";

/** Slots in words. */
export const SLOT_NAMES = ["primary", "secondary"] as const;

/** `boot_check_header_erased`: the magic in memory is what erased flash reads as. */
export function isHeaderErased({ area, header }: LoaderSlot): boolean {
  return header.magic === (area.erasedValue * 0x01010101) >>> 0;
}

/**
 * `boot_validate_slot`: true for an image that may be installed or started. A secondary image
 * that is not usable is erased, with direct-xip one in either slot.
 * @see MCUboot, boot/bootutil/src/loader.c
 */
export function bootValidateSlot(
  state: LoaderState,
  image: LoaderImage,
  slot: LoaderSlot,
  strategy: Strategy,
  question: SlotQuestion,
): boolean {
  const isPrimary = slot.slot === BOOT_SLOT_PRIMARY;
  const name = SLOT_NAMES[slot.slot];
  const isNonBootable = (slot.header.flags & IMAGE_F_NON_BOOTABLE) !== 0;
  if (isHeaderErased(slot) || isNonBootable) {
    const reason = isHeaderErased(slot) ? "slot-empty" : "not-bootable";
    tell(state, image.index, SOURCE, { reason, slot: name });
    if (!isPrimary) clearTrailers(state, image, slot, question);
    return false;
  }
  const wrongAddress = isUploadedToFirstSector(state, slot, question);
  if (wrongAddress === null) return false;
  if (!wrongAddress && !isPrimary && isDowngrade(state, image)) {
    refuseDowngrade(state, image, "version", versionsOf(image));
    return false;
  }
  const problem: ValidationProblem = wrongAddress
    ? { why: "wrong-upload-address" }
    : checkImage(state, image, slot, strategy);
  if (problem !== null) {
    tell(state, image.index, SOURCE, { reason: "image-invalid", slot: name, ...problem });
    const isEitherSlot = swapStrategyOf(state.config.mode) === null && isXip(state);
    if (!isPrimary || isEitherSlot) eraseSlot(state, image, slot);
    return false;
  }
  return isPrimary || isForPrimary(state, image, slot);
}

/** Erases what is not to be looked at again. The result does not matter to MCUboot. */
function eraseSlot(state: LoaderState, image: LoaderImage, slot: LoaderSlot): void {
  bootScrambleSlot(state, slot);
  const reason = { reason: "slot-erased", slot: SLOT_NAMES[slot.slot] } as const;
  tell(state, image.index, "boot_scramble_slot", reason);
}

/** Tells of a refused downgrade and erases the secondary. */
export function refuseDowngrade(
  state: LoaderState,
  image: LoaderImage,
  by: "version" | "security-counter",
  found: { readonly primary: string; readonly secondary: string },
): void {
  const source = state.config.mode === "overwrite" ? SOURCE : "check_downgrade_prevention";
  tell(state, image.index, source, { reason: "downgrade-refused", by, ...found });
  eraseSlot(state, image, image.slots[1]);
}

/** Versions of both slots in words. */
export function versionsOf({ slots }: LoaderImage): {
  readonly primary: string;
  readonly secondary: string;
} {
  return {
    primary: formatVersion(slots[0].header.version),
    secondary: formatVersion(slots[1].header.version),
  };
}

function isXip({ config }: LoaderState): boolean {
  return config.mode === "direct-xip" || config.mode === "direct-xip-revert";
}

/**
 * A cut while a bad secondary was erased leaves its trailer, which would keep a new image out: it
 * goes. With move, a primary that asks for a revert to such a secondary loses its trailer too.
 */
function clearTrailers(
  state: LoaderState,
  image: LoaderImage,
  slot: LoaderSlot,
  { status }: SlotQuestion,
): void {
  if (swapStrategyOf(state.config.mode) === null) return;
  clearTrailer(state, image, slot);
  if (state.config.mode !== "move") return;
  const isStuck = status?.swapType === BOOT_SWAP_TYPE_REVERT || isRevertRequested(state, image);
  if (isStuck) clearTrailer(state, image, image.slots[0]);
}

function clearTrailer(state: LoaderState, image: LoaderImage, slot: LoaderSlot): void {
  if (!swapScrambleTrailerSectors(state, image, slot)) return;
  const reason = { reason: "trailer-erased", slot: SLOT_NAMES[slot.slot] } as const;
  tell(state, image.index, SOURCE, reason);
}

/**
 * Swap using offset: a header in the first sector of the secondary is an image at the wrong
 * place. Null when the sector cannot be read.
 */
function isUploadedToFirstSector(
  state: LoaderState,
  { slot, area }: LoaderSlot,
  { status, expectedSwapType }: SlotQuestion,
): boolean | null {
  if (state.config.mode !== "offset" || slot === BOOT_SLOT_PRIMARY || status === null) return false;
  const isNew =
    expectedSwapType === BOOT_SWAP_TYPE_TEST || expectedSwapType === BOOT_SWAP_TYPE_PERM;
  if (!isNew || !isStatusReset(status, "swap")) return false;
  const bytes = flashAreaRead(area, 0, IMAGE_HEADER_LAYOUT.size);
  return bytes === null ? null : IMAGE_HEADER_LAYOUT.parse(bytes).magic === IMAGE_MAGIC;
}

/** Overwrite mode with downgrade prevention; swap modes look at it later. */
function isDowngrade({ config, hooks }: LoaderState, image: LoaderImage): boolean {
  if (config.mode !== "overwrite" || config.downgradePrevention === "none") return false;
  if (config.downgradeExempt.includes(image.index)) return false;
  const [primary, secondary] = image.slots;
  const order =
    hooks.sdk_version_cmp_hook?.(image.index, secondary.header, secondary.area) ??
    bootCompareVersion(config, secondary.header.version, primary.header.version);
  return order < 0 && !isHeaderErased(primary);
}

/** `boot_check_header_valid`, the hook, `boot_check_image`. */
function checkImage(
  state: LoaderState,
  image: LoaderImage,
  slot: LoaderSlot,
  strategy: Strategy,
): ValidationProblem {
  const name = SLOT_NAMES[slot.slot];
  const bad = headerProblem(slot);
  if (bad !== null) return bad;
  const verdict = state.hooks.boot_image_check_hook?.(image.index, slot.slot);
  if (verdict === FihResult.FIH_FAILURE) return { why: "refused-by-hook" };
  const hooked = verdict === FihResult.FIH_SUCCESS;
  const problem = hooked
    ? null
    : bootutilImgValidate(state, {
        imageIndex: image.index,
        header: slot.header,
        area: slot.area,
        startOffset: startOffsetOf(image, slot),
        maxSize: strategy.maxImageSize(state, image, slot),
      });
  if (problem === null) {
    tell(state, image.index, SOURCE, { reason: "image-valid", slot: name, hooked });
  }
  return problem;
}

/** `boot_get_state_secondary_offset`: where in its slot an image begins, bytes. */
export function startOffsetOf(image: LoaderImage, { slot }: LoaderSlot): number {
  return slot === BOOT_SLOT_SECONDARY ? image.secondaryOffset : 0;
}

/** `boot_check_header_valid`. */
export function headerProblem({ area, header }: LoaderSlot): ValidationProblem {
  if (header.magic !== IMAGE_MAGIC) {
    return { why: "header-magic", expected: IMAGE_MAGIC, found: header.magic };
  }
  const size = sizeWithoutTlvs(header);
  if (size >= area.size) return { why: "header-size", expected: area.size - 1, found: size };
  if (isEncrypted(header.flags)) return { why: "encrypted", found: header.flags };
  if (isCompressed(header.flags)) return { why: "compressed", found: header.flags };
  return null;
}

/** Whether the secondary image is linked for the primary slot; if not, it is erased. */
function isForPrimary(state: LoaderState, image: LoaderImage, slot: LoaderSlot): boolean {
  const { imageAddressCheck } = state.config;
  if (imageAddressCheck === "none") return true;
  const { area } = image.slots[0];
  const { loadAddress, headerSize } = slot.header;
  // MCUboot takes the vector from the start of the slot also with swap using offset.
  const resetOffset = imageAddressCheck === "reset-vector" ? 4 : 8;
  const found =
    imageAddressCheck === "header"
      ? loadAddress
      : flashAreaReadWord(slot.area, headerSize + resetOffset);
  if (found === null) return false;
  const [from, to] = [area.offset, area.offset + area.size];
  if (found >= from && found < to) return true;
  tell(state, image.index, SOURCE, { reason: "wrong-image-address", found, from, to });
  eraseSlot(state, image, slot);
  return false;
}
