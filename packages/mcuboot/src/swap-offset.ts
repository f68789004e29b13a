// SPDX-License-Identifier: Apache-2.0
import { IMAGE_MAGIC } from "@tandem/image";

import { bootAssert } from "./boot-stop.js";
import {
  BOOT_STATUS_IDX_0,
  BOOT_STATUS_STATE_0,
  BOOT_STATUS_STATE_1,
  BOOT_STATUS_STATE_2,
  isStatusReset,
} from "./boot-status.js";
import type { BootStatus } from "./boot-status.js";
import type { BootFlashArea } from "./boot-flash-area.js";
import { bootCopyRegion } from "./copy-region.js";
import { bootEraseRegion, bootScrambleRegion, swapScrambleTrailerSectors } from "./erase.js";
import { readHeaderAt } from "./image-headers.js";
import { BOOT_SLOT_SECONDARY } from "./loader-state.js";
import type { LoaderImage, LoaderSlot, LoaderState } from "./loader-state.js";
import { sectorOf, sectorsFor } from "./sectors.js";
import { sizeWithoutTlvs } from "./single-loader.js";
import { matchEqualSectors } from "./slots-compatible.js";
import type { SwapStrategy } from "./strategy.js";
import {
  equalSectorsStatusSource,
  hasRoom,
  lastStatusEntry,
  sizeBeforeTrailer,
} from "./swap-equal-sectors.js";
import { bootFindStatus, bootWriteStatus, swapStatusInit } from "./swap-misc.js";
import { isRevertRequested } from "./swap-type.js";
import { BOOT_SWAP_TYPE_NONE, BOOT_SWAP_TYPE_REVERT } from "./swap-types.js";
import {
  bootReadSwapSize,
  bootReadSwapState,
  bootReadUnprotectedTlvSizes,
  bootWriteCopyDone,
} from "./trailer.js";
import { alignUp, trailerSize } from "./trailer-format.js";

const FIRST_OP = "swap";
/** BOOT_STATUS_SWAP_STATE_COUNT. */
const SWAP_STATES = 2;

/**
 * Swap using offset: the new image stands one sector up in the secondary, so that each sector of
 * the primary finds an empty place in the secondary before its successor comes; a revert goes
 * from the last sector to the first and leaves the images as they were.
 * @see MCUboot, boot/bootutil/src/swap_offset.c
 */
export const SWAP_USING_OFFSET: SwapStrategy = {
  firstOp: FIRST_OP,

  incompatibleSlots: ({ config }, image) =>
    matchEqualSectors(image, { mode: "offset", maxSectors: config.maxImgSectors }),

  statusSource: (_, image) => equalSectorsStatusSource(image),

  readStatusBytes(_state, image, _place, status) {
    const found = lastStatusEntry(image);
    if (found === null) return true;
    status.op = "swap";
    status.idx = Math.floor(found / SWAP_STATES) + BOOT_STATUS_IDX_0;
    status.state = (found % SWAP_STATES) + BOOT_STATUS_STATE_0;
    return true;
  },

  statusInternalOffset: (_, { idx, state }, writeSize) =>
    ((idx - BOOT_STATUS_IDX_0) * SWAP_STATES + (state - BOOT_STATUS_STATE_0)) * writeSize,

  maxImageSize(state, image, slot) {
    if (state.config.imageSizeLimit === "trailer") return sizeBeforeTrailer(state, image, slot);
    const [primary, secondary] = image.slots;
    const sectorSize = sectorOf(primary, 0).size;
    const trailer = alignUp(trailerSize(state.format, image.writeSize), sectorSize);
    const inPrimary = primary.area.sectors.length * sectorSize - trailer;
    const inSecondary = (secondary.area.sectors.length - 1) * sectorSize - trailer;
    return Math.min(inPrimary >>> 0, inSecondary >>> 0);
  },

  readImageHeader(state, image, slot, status) {
    const isSwapping = status !== null && !isStatusReset(status, FIRST_OP);
    const place = isSwapping
      ? headerPlace(state, image, slot, status)
      : { slot: slot.slot, offset: restingOffset(state, image, slot, status) };
    let { offset } = place;
    const { area } = image.slots[place.slot];
    if (!readHeaderAt(slot, area, offset)) return false;
    const isSecondary = place.slot === BOOT_SLOT_SECONDARY;
    if (!isSwapping && isSecondary && slot.header.magic !== IMAGE_MAGIC) {
      offset = isRevertRequested(state, image) ? sectorOf(image.slots[1], 0).size : 0;
      if (!readHeaderAt(slot, area, offset)) return false;
    }
    const hasMagic = slot.header.magic === IMAGE_MAGIC;
    const isFirstLook = state.config.bootstrap && !image.isSecondaryOffsetSet;
    if (hasMagic && isSecondary && (status !== null || isFirstLook)) {
      image.isSecondaryOffsetSet = true;
      image.secondaryOffset = offset;
    }
    return status === null || hasMagic;
  },

  run(state, image, status, copySize) {
    const [primary, secondary] = image.slots;
    const sectorSize = sectorOf(primary, 0).size;
    const lastIdx = sectorsFor(copySize, sectorSize) - 1;
    if (isStatusReset(status, FIRST_OP) && !hasRoom(state, image, lastIdx)) {
      status.swapType = BOOT_SWAP_TYPE_NONE;
      return;
    }
    fixupRevert(state, image, status);
    if (status.idx === BOOT_STATUS_IDX_0) initStatus(state, image, status);
    const tlvSizes = bootReadUnprotectedTlvSizes(primary.trailer);
    status.op = "swap";
    const used = {
      primary: usedSectors(primary, tlvSizes.primary, sectorSize),
      secondary: usedSectors(secondary, tlvSizes.secondary, sectorSize),
    };
    const isRevert = status.swapType === BOOT_SWAP_TYPE_REVERT || isRevertRequested(state, image);
    for (let i = 0; i <= lastIdx; i++) {
      if (i < status.idx - BOOT_STATUS_IDX_0) continue;
      const idx = isRevert ? lastIdx - i : i;
      swapSectors(state, image, status, {
        primaryOffset: sectorOf(primary, idx).offset,
        toSecondary: sectorOf(secondary, isRevert ? idx + 1 : idx).offset,
        // The C code takes these offsets from the primary's sectors, which are as large.
        fromSecondary: sectorOf(primary, isRevert ? idx : idx + 1).offset,
        size: sectorSize,
        skipsPrimary: idx > used.primary,
        skipsSecondary: idx > used.secondary,
      });
    }
    if (isRevert) finishRevert(state, image, sectorSize);
  },
};

/** Where a header is when no swap is under way. */
function restingOffset(
  state: LoaderState,
  image: LoaderImage,
  { slot }: LoaderSlot,
  status: BootStatus | null,
): number {
  if (slot !== BOOT_SLOT_SECONDARY) return 0;
  const isRevert = status?.swapType === BOOT_SWAP_TYPE_REVERT || isRevertRequested(state, image);
  return isRevert ? 0 : sectorOf(image.slots[1], 0).size;
}

/** Where the header of a slot's image is in the middle of a swap. */
function headerPlace(
  state: LoaderState,
  image: LoaderImage,
  { slot }: LoaderSlot,
  { idx, state: part, swapType }: BootStatus,
): { readonly slot: 0 | 1; readonly offset: number } {
  const swapSize = bootReadSwapSize(bootFindStatus(state, image));
  const sectorSize = sectorOf(image.slots[0], 0).size;
  const lastIdx = sectorsFor(swapSize, sectorSize) - 1;
  const done = idx - BOOT_STATUS_IDX_0;
  if (swapType === BOOT_SWAP_TYPE_REVERT || isRevertRequested(state, image)) {
    // The first sector goes last.
    const partOfLast = slot === 0 ? BOOT_STATUS_STATE_1 : BOOT_STATUS_STATE_2;
    const hasMoved = done > lastIdx || (done === lastIdx && part === partOfLast);
    if (!hasMoved) return { slot, offset: 0 };
    return slot === 0 ? { slot: 1, offset: sectorSize } : { slot: 0, offset: 0 };
  }
  if (slot === 0) {
    const hasMoved = (done > 0 || part === BOOT_STATUS_STATE_1) && idx <= lastIdx;
    return { slot: hasMoved ? 1 : 0, offset: 0 };
  }
  return done > 0 ? { slot: 0, offset: 0 } : { slot: 1, offset: sectorSize };
}

interface SectorSwap {
  readonly primaryOffset: number;
  /** Where in the secondary the sector of the primary goes. */
  readonly toSecondary: number;
  /** Where in the secondary the sector for the primary is. */
  readonly fromSecondary: number;
  /** Bytes. */
  readonly size: number;
  /** The image in the slot has ended before this sector. */
  readonly skipsPrimary: boolean;
  readonly skipsSecondary: boolean;
}

/** `boot_swap_sectors`, `boot_swap_sectors_revert`: one sector each way. */
function swapSectors(
  state: LoaderState,
  image: LoaderImage,
  status: BootStatus,
  swap: SectorSwap,
): void {
  const where = "boot_swap_sectors";
  const { size } = swap;
  const [primary, secondary] = image.slots;
  const low = { area: primary.area, offset: swap.primaryOffset };
  if (status.state === BOOT_STATUS_STATE_0) {
    const to = { area: secondary.area, offset: swap.toSecondary };
    if (!swap.skipsPrimary) replace(low, to, size, where);
    bootWriteStatus(state, image, SWAP_USING_OFFSET, status);
    status.state = BOOT_STATUS_STATE_1;
  }
  if (status.state === BOOT_STATUS_STATE_1) {
    const from = { area: secondary.area, offset: swap.fromSecondary };
    if (!swap.skipsSecondary) replace(from, low, size, where);
    bootWriteStatus(state, image, SWAP_USING_OFFSET, status);
    status.idx++;
    status.state = BOOT_STATUS_STATE_0;
  }
}

interface Place {
  readonly area: BootFlashArea;
  readonly offset: number;
}

function replace(from: Place, to: Place, size: number, where: string): void {
  bootAssert(bootEraseRegion(to.area, to.offset, size, false), where, "sector erased");
  bootAssert(bootCopyRegion(from, to, size), where, "sector copied");
}

/** Trailers at the start of a swap: the status in the primary, nothing in the secondary. */
function initStatus(state: LoaderState, image: LoaderImage, status: BootStatus): void {
  const [primary, secondary] = image.slots;
  if (status.source !== "primary") {
    const erased = swapScrambleTrailerSectors(state, image, primary);
    bootAssert(erased, "swap_run", "primary trailer erased");
    swapStatusInit(image, primary.trailer, status);
  }
  const erased = swapScrambleTrailerSectors(state, image, secondary);
  bootAssert(erased, "swap_run", "secondary trailer erased");
}

/** Sectors that an image takes, from the headers and the TLV sizes kept in the trailer. */
function usedSectors({ header }: LoaderSlot, tlvSize: number, sectorSize: number): number {
  return Math.floor(((sizeWithoutTlvs(header) + tlvSize + sectorSize - 1) >>> 0) / sectorSize);
}

/** After a revert the old status in the first sector must not pass for a header. */
function finishRevert(state: LoaderState, image: LoaderImage, sectorSize: number): void {
  const [, secondary] = image.slots;
  const erased = bootScrambleRegion(secondary.area, 0, sectorSize, false);
  bootAssert(erased, "swap_run", "first secondary sector erased");
  const cleared = swapScrambleTrailerSectors(state, image, secondary);
  bootAssert(cleared, "swap_run", "secondary trailer erased");
}

/** `fixup_revert`: a cut before the primary's trailer is set up anew leaves a prepared revert. */
function fixupRevert(state: LoaderState, image: LoaderImage, status: BootStatus): void {
  const where = "fixup_revert";
  const [, secondary] = image.slots;
  if (status.swapType !== BOOT_SWAP_TYPE_REVERT || status.idx !== BOOT_STATUS_IDX_0) return;
  if (bootReadSwapState(secondary.trailer).magic !== "unset") return;
  bootAssert(swapScrambleTrailerSectors(state, image, secondary), where, "trailer erased");
  bootAssert(bootWriteCopyDone(secondary.trailer), where, "copy_done written");
  swapStatusInit(image, secondary.trailer, status);
}
