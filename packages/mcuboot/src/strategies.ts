// SPDX-License-Identifier: Apache-2.0
import type { BootMode } from "./boot-config.js";
import { readHeaderAt } from "./image-headers.js";
import { matchSectors } from "./slots-compatible.js";
import type { Strategy, SwapStrategy, UpgradeStrategy } from "./strategy.js";
import { SWAP_USING_MOVE } from "./swap-move.js";
import { SWAP_USING_OFFSET } from "./swap-offset.js";
import { SWAP_USING_SCRATCH } from "./swap-scratch.js";

/** Direct-xip: nothing moves, headers are at the start of their slots. */
export const DIRECT_XIP: Strategy = {
  maxImageSize: (_state, _image, { trailer }) => trailer.swapInfoOffset,
  readImageHeader: (_state, _image, slot) => readHeaderAt(slot, slot.area, 0),
};

/** Overwrite-only: the secondary is copied to the primary. */
export const OVERWRITE_ONLY: UpgradeStrategy = {
  ...DIRECT_XIP,
  incompatibleSlots({ config }, image) {
    if (image.slots.some(({ area }) => area.sectors.length > config.maxImgSectors)) {
      return "too-many-sectors";
    }
    return matchSectors(image, null).problem;
  },
};

/** The swap of a mode; null when it does not swap. */
export function swapStrategyOf(mode: BootMode): SwapStrategy | null {
  switch (mode) {
    case "scratch":
      return SWAP_USING_SCRATCH;
    case "move":
      return SWAP_USING_MOVE;
    case "offset":
      return SWAP_USING_OFFSET;
    case "single":
    case "overwrite":
    case "direct-xip":
    case "direct-xip-revert":
      return null;
    default:
      return mode satisfies never;
  }
}
