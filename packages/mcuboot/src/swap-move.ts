// SPDX-License-Identifier: Apache-2.0
import { IMAGE_MAGIC } from "@tandem/image";

import { bootAssert } from "./boot-stop.js";
import {
  BOOT_STATUS_IDX_0,
  BOOT_STATUS_STATE_0,
  BOOT_STATUS_STATE_1,
  isStatusReset,
} from "./boot-status.js";
import type { BootStatus } from "./boot-status.js";
import { bootCopyRegion } from "./copy-region.js";
import { bootEraseRegion, swapScrambleTrailerSectors } from "./erase.js";
import { readHeaderAt } from "./image-headers.js";
import type { LoaderImage, LoaderSlot, LoaderState } from "./loader-state.js";
import { sectorOf, sectorsFor } from "./sectors.js";
import { matchEqualSectors } from "./slots-compatible.js";
import type { SwapStrategy } from "./strategy.js";
import {
  equalSectorsStatusSource,
  hasRoom,
  lastStatusEntry,
  sizeBeforeTrailer,
} from "./swap-equal-sectors.js";
import { bootFindStatus, bootWriteStatus, swapStatusInit } from "./swap-misc.js";
import { BOOT_SWAP_TYPE_NONE, BOOT_SWAP_TYPE_REVERT } from "./swap-types.js";
import {
  bootReadSwapSize,
  bootReadSwapState,
  bootWriteImageOk,
  bootWriteMagic,
  bootWriteSwapSize,
} from "./trailer.js";
import { alignUp, trailerSize } from "./trailer-format.js";

const FIRST_OP = "move";
/** BOOT_STATUS_MOVE_STATE_COUNT, BOOT_STATUS_SWAP_STATE_COUNT. */
const MOVE_STATES = 1;
const SWAP_STATES = 2;

/**
 * Swap using move: the primary moves up by one sector, then each sector of the secondary goes to
 * the primary and the moved one back to the secondary.
 * @see MCUboot, boot/bootutil/src/swap_move.c
 */
export const SWAP_USING_MOVE: SwapStrategy = {
  firstOp: FIRST_OP,

  incompatibleSlots: ({ config }, image) =>
    matchEqualSectors(image, { mode: "move", maxSectors: config.maxImgSectors }),

  statusSource: (_, image) => equalSectorsStatusSource(image),

  readStatusBytes(state, image, _place, status) {
    const found = lastStatusEntry(image);
    if (found === null) return true;
    const moves = state.config.maxImgSectors * MOVE_STATES;
    const [op, entry, states] =
      found < moves
        ? (["move", found, MOVE_STATES] as const)
        : (["swap", found - moves, SWAP_STATES] as const);
    status.op = op;
    status.idx = Math.floor(entry / states) + BOOT_STATUS_IDX_0;
    status.state = (entry % states) + BOOT_STATUS_STATE_0;
    return true;
  },

  statusInternalOffset({ config }, { op, idx, state }, writeSize) {
    const [before, states] =
      op === "move" ? [0, MOVE_STATES] : [config.maxImgSectors * MOVE_STATES, SWAP_STATES];
    return (
      (before + (idx - BOOT_STATUS_IDX_0) * states + (state - BOOT_STATUS_STATE_0)) * writeSize
    );
  },

  maxImageSize(state, image, slot) {
    if (state.config.imageSizeLimit === "trailer") return sizeBeforeTrailer(state, image, slot);
    const [primary, secondary] = image.slots;
    const sectorSize = sectorOf(primary, 0).size;
    const trailer = alignUp(trailerSize(state.format, image.writeSize), sectorSize);
    const inPrimary = (primary.area.sectors.length - 1) * sectorSize - trailer;
    const inSecondary = secondary.area.sectors.length * sectorSize - trailer;
    return Math.min(inPrimary >>> 0, inSecondary >>> 0);
  },

  readImageHeader(state, image, slot, status) {
    const isSwapping = status !== null && !isStatusReset(status, FIRST_OP);
    const place = isSwapping
      ? headerPlace(state, image, slot, status)
      : { slot: slot.slot, offset: 0 };
    if (!readHeaderAt(slot, image.slots[place.slot].area, place.offset)) return false;
    return status === null || slot.header.magic === IMAGE_MAGIC;
  },

  run(state, image, status, copySize) {
    const [primary] = image.slots;
    const sectorSize = sectorOf(primary, 0).size;
    const lastIdx = sectorsFor(copySize, sectorSize);
    if (isStatusReset(status, FIRST_OP) && !hasRoom(state, image, lastIdx)) {
      status.swapType = BOOT_SWAP_TYPE_NONE;
      return;
    }
    fixupRevert(state, image, status);
    if (status.op === "move") {
      for (let idx = lastIdx; idx > 0; idx--) {
        // Unsigned, as in C: a status beyond the last sector lets every sector be moved again.
        if (idx <= (lastIdx - status.idx + 1) >>> 0) {
          moveSectorUp(state, image, status, { idx, size: sectorSize });
        }
      }
      status.idx = BOOT_STATUS_IDX_0;
    }
    status.op = "swap";
    for (let idx = 1; idx <= lastIdx; idx++) {
      if (idx >= status.idx) swapSectors(state, image, status, { idx, size: sectorSize });
    }
  },
};

interface SectorRun {
  readonly idx: number;
  /** Bytes. */
  readonly size: number;
}

/** Where the header of a slot's image is in the middle of a swap. */
function headerPlace(
  state: LoaderState,
  image: LoaderImage,
  { slot }: LoaderSlot,
  { op, idx, state: part }: BootStatus,
): { readonly slot: 0 | 1; readonly offset: number } {
  const swapSize = bootReadSwapSize(bootFindStatus(state, image));
  const sectorSize = sectorOf(image.slots[0], 0).size;
  const lastIdx = sectorsFor(swapSize, sectorSize);
  if (op === "move") {
    return { slot, offset: slot === 0 && idx > lastIdx ? sectorSize : 0 };
  }
  if (idx > 1 && idx <= lastIdx) return { slot: slot === 0 ? 1 : 0, offset: 0 };
  if (idx !== 1) return { slot, offset: 0 };
  if (slot === 0) return { slot, offset: sectorSize };
  return { slot: part === BOOT_STATUS_STATE_1 ? 0 : 1, offset: 0 };
}

/** `boot_move_sector_up`: the sector below `idx` goes to it; the first move sets up the status. */
function moveSectorUp(
  state: LoaderState,
  image: LoaderImage,
  status: BootStatus,
  { idx, size }: SectorRun,
): void {
  const where = "boot_move_sector_up";
  const [primary, secondary] = image.slots;
  const to = sectorOf(primary, idx).offset;
  const from = sectorOf(primary, idx - 1).offset;
  if (status.idx === BOOT_STATUS_IDX_0) {
    if (status.source !== "primary") {
      const erased = swapScrambleTrailerSectors(state, image, primary);
      bootAssert(erased, where, "primary trailer erased");
      swapStatusInit(image, primary.trailer, status);
    }
    const erased = swapScrambleTrailerSectors(state, image, secondary);
    bootAssert(erased, where, "secondary trailer erased");
  }
  const { area } = primary;
  bootAssert(bootEraseRegion(area, to, size, false), where, "sector erased");
  const copied = bootCopyRegion({ area, offset: from }, { area, offset: to }, size);
  bootAssert(copied, where, "sector copied");
  bootWriteStatus(state, image, SWAP_USING_MOVE, status);
  status.idx++;
}

/** `boot_swap_sectors`: one sector of the secondary and the moved one of the primary. */
function swapSectors(
  state: LoaderState,
  image: LoaderImage,
  status: BootStatus,
  { idx, size }: SectorRun,
): void {
  const where = "boot_swap_sectors";
  const [primary, secondary] = image.slots;
  const up = { area: primary.area, offset: sectorOf(primary, idx).offset };
  const low = { area: primary.area, offset: sectorOf(primary, idx - 1).offset };
  const other = { area: secondary.area, offset: sectorOf(secondary, idx - 1).offset };
  if (status.state === BOOT_STATUS_STATE_0) {
    bootAssert(bootEraseRegion(low.area, low.offset, size, false), where, "primary erased");
    bootAssert(bootCopyRegion(other, low, size), where, "secondary copied");
    bootWriteStatus(state, image, SWAP_USING_MOVE, status);
    status.state = BOOT_STATUS_STATE_1;
  }
  if (status.state === BOOT_STATUS_STATE_1) {
    bootAssert(bootEraseRegion(other.area, other.offset, size, false), where, "secondary erased");
    bootAssert(bootCopyRegion(up, other, size), where, "primary copied");
    bootWriteStatus(state, image, SWAP_USING_MOVE, status);
    status.idx++;
    status.state = BOOT_STATUS_STATE_0;
  }
}

/**
 * `fixup_revert`: makes a revert look like a permanent upgrade before the primary's trailer is
 * set up anew, so that a cut in between leaves something to go on with.
 */
function fixupRevert(state: LoaderState, image: LoaderImage, status: BootStatus): void {
  const where = "fixup_revert";
  const [, secondary] = image.slots;
  if (status.swapType !== BOOT_SWAP_TYPE_REVERT) return;
  if (status.op !== "move" || status.idx !== BOOT_STATUS_IDX_0) return;
  const { trailer } = secondary;
  if (bootReadSwapState(trailer).magic !== "unset") return;
  bootAssert(swapScrambleTrailerSectors(state, image, secondary), where, "trailer erased");
  bootAssert(bootWriteImageOk(trailer), where, "image_ok written");
  bootAssert(bootWriteSwapSize(trailer, status.swapSize), where, "swap size written");
  bootAssert(bootWriteMagic(trailer), where, "magic written");
}
