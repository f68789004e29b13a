// SPDX-License-Identifier: Apache-2.0
import type { BootFlashArea } from "./boot-flash-area.js";
import { bootAssert } from "./boot-stop.js";
import {
  BOOT_STATUS_IDX_0,
  BOOT_STATUS_STATE_0,
  BOOT_STATUS_STATE_1,
  BOOT_STATUS_STATE_2,
  isStatusReset,
} from "./boot-status.js";
import type { BootStatus } from "./boot-status.js";
import { bootCopyRegion } from "./copy-region.js";
import { bootEraseRegion, bootScrambleRegion, swapScrambleTrailerSectors } from "./erase.js";
import { readHeaderAt } from "./image-headers.js";
import { BOOT_SLOT_PRIMARY, BOOT_SLOT_SECONDARY } from "./loader-state.js";
import type { LoaderImage, LoaderSlot, LoaderState } from "./loader-state.js";
import { copyRunAt, findLastSectorIdx, findSwapCount } from "./scratch-runs.js";
import { firstTrailerSector, sectorOf } from "./sectors.js";
import { matchSectors } from "./slots-compatible.js";
import type { StatusPlace, SwapStrategy } from "./strategy.js";
import { bootFindStatus, bootWriteStatus, scratchOf, swapStatusInit } from "./swap-misc.js";
import { BOOT_SWAP_TYPE_NONE } from "./swap-types.js";
import {
  bootReadSwapSize,
  bootReadSwapState,
  bootWriteImageOk,
  bootWriteMagic,
  bootWriteSwapInfo,
  bootWriteSwapSize,
} from "./trailer.js";
import type { TrailerArea } from "./trailer.js";
import { scratchTrailerSize, trailerSize } from "./trailer-format.js";

const FIRST_OP = "move";
/** BOOT_STATUS_STATE_COUNT. */
const STATES = 3;

/**
 * Swap using scratch: from the last sectors to the first, the secondary's go to scratch, the
 * primary's to the secondary, and scratch to the primary.
 * @see MCUboot, boot/bootutil/src/swap_scratch.c
 */
export const SWAP_USING_SCRATCH: SwapStrategy = {
  firstOp: FIRST_OP,

  incompatibleSlots(state, image) {
    const { maxImgSectors } = state.config;
    if (image.slots.some(({ area }) => area.sectors.length > maxImgSectors)) {
      return "too-many-sectors";
    }
    return matchSectors(image, scratchOf(state).area.size).problem;
  },

  statusSource: scratchStatusSource,

  readStatusBytes(state, image, place, status) {
    const trailer = place === "scratch" ? scratchOf(state) : image.slots[0].trailer;
    const found = firstFreeEntry(state, image, trailer);
    if (found === false) return false;
    if (found === null) return true;
    status.idx = Math.floor(found / STATES) + BOOT_STATUS_IDX_0;
    status.state = (found % STATES) + BOOT_STATUS_STATE_0;
    return true;
  },

  statusInternalOffset: (_, { idx, state }, writeSize) =>
    ((idx - BOOT_STATUS_IDX_0) * STATES + (state - BOOT_STATUS_STATE_0)) * writeSize,

  maxImageSize(state, image) {
    const { commonSize } = matchSectors(image, scratchOf(state).area.size);
    return commonSize === 0 ? 0 : roomBeforeTrailer(state, image, commonSize);
  },

  readImageHeader(state, image, slot, status) {
    return readHeaderAt(slot, headerArea(state, image, slot, status), 0);
  },

  run(state, image, status, copySize) {
    let lastIdx = findLastSectorIdx(image, copySize);
    for (let swapIdx = 0; lastIdx >= 0; swapIdx++) {
      const run = copyRunAt(state, image, lastIdx);
      if (swapIdx >= status.idx - BOOT_STATUS_IDX_0) {
        swapSectors(state, image, status, run.firstIdx, run.size);
      }
      lastIdx = run.firstIdx - 1;
    }
  },
};

/**
 * `swap_status_source`: the rules of `boot_status_tables` in order. The last one covers a revert
 * that has just begun, and devices on which nothing was ever swapped.
 */
function scratchStatusSource(state: LoaderState, image: LoaderImage): StatusPlace {
  const primary = bootReadSwapState(image.slots[0].trailer);
  const scratch = bootReadSwapState(scratchOf(state));
  if (primary.magic === "good" && scratch.magic !== "good") {
    if (primary.copyDone === "set") return "none";
    if (primary.copyDone === "unset") return "primary";
  }
  if (scratch.magic === "good") {
    const isOther = state.images.length > 1 && scratch.imageNum !== image.index;
    return isOther ? "scratch-of-other-image" : "scratch";
  }
  return primary.magic === "unset" && primary.copyDone === "unset" ? "primary" : "none";
}

/**
 * The scan of `swap_read_status_bytes`: index of the first entry after the written ones, or null
 * when nothing is written. False when the entries leave the area, which happens when scratch is
 * written in larger units than the primary.
 */
function firstFreeEntry(
  { config }: LoaderState,
  { writeSize }: LoaderImage,
  trailer: TrailerArea,
): number | null | false {
  const { area, statusEntries, statusOffset } = trailer;
  const bytes = area.read(statusOffset, area.size - statusOffset);
  let first: number | null = null;
  let free: number | null = null;
  for (let entry = 0; entry < statusEntries; entry++) {
    const byte = bytes[entry * writeSize];
    if (byte === undefined) return false;
    if (byte === area.erasedValue) {
      if (first !== null) free ??= entry;
    } else if (free === null) {
      first ??= entry;
    } else {
      // A gap: a status write was lost.
      bootAssert(config.validatePrimary, "swap_read_status_bytes", "the status has no gap");
      break;
    }
  }
  return first === null ? null : (free ?? statusEntries);
}

/** The area that the header of a slot's image is in now. */
function headerArea(
  state: LoaderState,
  image: LoaderImage,
  { slot, area }: LoaderSlot,
  status: BootStatus | null,
): BootFlashArea {
  if (status === null || isStatusReset(status, FIRST_OP)) return area;
  const swapSize = bootReadSwapSize(bootFindStatus(state, image));
  const swapCount = findSwapCount(state, image, swapSize);
  const done = status.idx - BOOT_STATUS_IDX_0;
  if (done >= swapCount) return image.slots[slot === 0 ? 1 : 0].area;
  if (done !== swapCount - 1) return area;
  // The first sectors, which hold the headers, are the last to be swapped.
  if (slot === BOOT_SLOT_SECONDARY && status.state >= BOOT_STATUS_STATE_1) {
    return scratchOf(state).area;
  }
  if (slot === BOOT_SLOT_PRIMARY && status.state >= BOOT_STATUS_STATE_2) {
    return image.slots[1].area;
  }
  return area;
}

/** `boot_swap_sectors`: the sectors from `idx`, `size` bytes in all. */
function swapSectors(
  state: LoaderState,
  image: LoaderImage,
  status: BootStatus,
  idx: number,
  size: number,
): void {
  const offset = sectorOf(image.slots[0], idx).offset;
  const copySize = copySizeOf(state, image, offset, size);
  const swap: SectorSwap = { offset, size, copySize };
  status.useScratch = status.idx === BOOT_STATUS_IDX_0 && copySize !== size;
  if (status.state === BOOT_STATUS_STATE_0) toScratch(state, image, status, swap);
  if (status.state === BOOT_STATUS_STATE_1) toSecondary(state, image, status, swap);
  if (status.state === BOOT_STATUS_STATE_2) toPrimary(state, image, status, swap);
}

interface SectorSwap {
  /** In both slots, bytes. */
  readonly offset: number;
  readonly size: number;
  /** Without the trailer, which is not swapped. */
  readonly copySize: number;
}

function copySizeOf(state: LoaderState, image: LoaderImage, offset: number, size: number): number {
  const [primary] = image.slots;
  const trailer = trailerSize(state.format, image.writeSize);
  const trailerSector = firstTrailerSector(primary, trailer);
  if (offset + size <= sectorOf(primary, trailerSector).offset) return size;
  // Neither over the slot's trailer nor over the one in scratch.
  const beforeTrailer = (primary.area.size - offset - trailer) >>> 0;
  return Math.min(beforeTrailer, scratchOf(state).statusOffset);
}

function toScratch(
  state: LoaderState,
  image: LoaderImage,
  status: BootStatus,
  { offset, copySize }: SectorSwap,
): void {
  const where = "boot_swap_sectors";
  const [primary, secondary] = image.slots;
  const scratch = scratchOf(state);
  const eraseScratch = (): void => {
    const erased = bootEraseRegion(scratch.area, 0, scratch.area.size, false);
    bootAssert(erased, where, "scratch erased");
  };
  eraseScratch();
  if (status.idx === BOOT_STATUS_IDX_0) {
    // The swap type needs a place while the primary's trailer is erased.
    swapStatusInit(image, scratch, status);
    if (!status.useScratch) {
      const erased = swapScrambleTrailerSectors(state, image, primary);
      bootAssert(erased, where, "primary trailer erased");
      swapStatusInit(image, primary.trailer, status);
      eraseScratch();
    }
  }
  const from = { area: secondary.area, offset };
  const copied = bootCopyRegion(from, { area: scratch.area, offset: 0 }, copySize);
  bootAssert(copied, where, "secondary copied to scratch");
  bootWriteStatus(state, image, SWAP_USING_SCRATCH, status);
  status.state = BOOT_STATUS_STATE_1;
}

function toSecondary(
  state: LoaderState,
  image: LoaderImage,
  status: BootStatus,
  { offset, size, copySize }: SectorSwap,
): void {
  const where = "boot_swap_sectors";
  const [primary, secondary] = image.slots;
  let eraseSize = size;
  if (status.idx === BOOT_STATUS_IDX_0) {
    const erased = swapScrambleTrailerSectors(state, image, secondary);
    bootAssert(erased, where, "secondary trailer erased");
    if (status.useScratch) eraseSize = sizeBeforeTrailer(state, image, secondary, offset);
  }
  if (eraseSize > 0) {
    const erased = bootEraseRegion(secondary.area, offset, eraseSize, false);
    bootAssert(erased, where, "secondary erased");
  }
  const from = { area: primary.area, offset };
  const copied = bootCopyRegion(from, { area: secondary.area, offset }, copySize);
  bootAssert(copied, where, "primary copied to secondary");
  bootWriteStatus(state, image, SWAP_USING_SCRATCH, status);
  status.state = BOOT_STATUS_STATE_2;
}

function toPrimary(
  state: LoaderState,
  image: LoaderImage,
  status: BootStatus,
  { offset, size, copySize }: SectorSwap,
): void {
  const where = "boot_swap_sectors";
  const [primary] = image.slots;
  const scratch = scratchOf(state);
  let eraseSize = size;
  if (status.useScratch) {
    const erased = swapScrambleTrailerSectors(state, image, primary);
    bootAssert(erased, where, "primary trailer erased");
    eraseSize = sizeBeforeTrailer(state, image, primary, offset);
  }
  if (eraseSize > 0) {
    const erased = bootEraseRegion(primary.area, offset, eraseSize, false);
    bootAssert(erased, where, "primary erased");
  }
  const to = { area: primary.area, offset };
  const copied = bootCopyRegion({ area: scratch.area, offset: 0 }, to, copySize);
  bootAssert(copied, where, "scratch copied to primary");
  const isScratchTrailer = status.useScratch;
  if (isScratchTrailer) moveTrailerFromScratch(state, image, status, offset + copySize);
  status.useScratch = false;
  bootWriteStatus(state, image, SWAP_USING_SCRATCH, status);
  status.idx++;
  status.state = BOOT_STATUS_STATE_0;
  if (isScratchTrailer) {
    // Downwards, so that the trailer goes first and a half-erased scratch is never copied back.
    const erased = bootScrambleRegion(scratch.area, 0, scratch.area.size, true);
    bootAssert(erased, where, "scratch erased");
  }
}

/** The status so far and the swap's data go from scratch into the primary's new trailer. */
function moveTrailerFromScratch(
  state: LoaderState,
  image: LoaderImage,
  status: BootStatus,
  offset: number,
): void {
  const where = "boot_swap_sectors";
  const scratch = scratchOf(state);
  const { area, trailer } = image.slots[0];
  const from = { area: scratch.area, offset: scratch.statusOffset };
  const copied = bootCopyRegion(from, { area, offset }, (STATES - 1) * image.writeSize);
  bootAssert(copied || state.config.validatePrimary, where, "status copied");
  const { imageOk, swapType } = bootReadSwapState(scratch);
  if (imageOk === "set") bootAssert(bootWriteImageOk(trailer), where, "image_ok written");
  if (swapType !== BOOT_SWAP_TYPE_NONE) {
    bootAssert(bootWriteSwapInfo(trailer, swapType, image.index), where, "swap info written");
  }
  bootAssert(bootWriteSwapSize(trailer, status.swapSize), where, "swap size written");
  bootAssert(bootWriteMagic(trailer), where, "magic written");
}

/** From `offset` to the first sector of the slot's trailer; unsigned, as in C. */
function sizeBeforeTrailer(
  { format }: LoaderState,
  { writeSize }: LoaderImage,
  slot: LoaderSlot,
  offset: number,
): number {
  const index = firstTrailerSector(slot, trailerSize(format, writeSize));
  return (sectorOf(slot, index).offset - offset) >>> 0;
}

/**
 * `app_max_size_adjust_to_trailer`: before the trailer, and so much before it that scratch can
 * take what stands before the trailer in its first sector together with a trailer of its own.
 */
function roomBeforeTrailer(state: LoaderState, image: LoaderImage, slotSize: number): number {
  const { format } = state;
  const trailer = trailerSize(format, image.writeSize);
  const trailerOffset = slotSize - trailer;
  const ends = image.slots.map((slot) => {
    const sector = sectorOf(slot, firstTrailerSector(slot, trailer));
    return sector.offset + sector.size;
  });
  const inFirstSector = Math.max(...ends) - trailerOffset;
  const padding = Math.max(0, scratchTrailerSize(format, image.writeSize) - inFirstSector);
  return (trailerOffset - padding) >>> 0;
}
