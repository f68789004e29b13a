// SPDX-License-Identifier: Apache-2.0
import {
  MT29F1G01,
  MX25R6435F,
  NandChip,
  NorChip,
  NorPages,
  NRF5340_APP_FLASH,
  NRF5340_NET_FLASH,
  W25N01GV,
} from "@tandem/flash";
import type { NandProfile, NorProfile, PagedFlash, PageStorage } from "@tandem/flash";
import { DEFAULT_LIMITS } from "@tandem/store";
import type { StoreLimits } from "@tandem/store";
import { APP_SLOT, NET_SLOT, NRF5340_MAP } from "@tandem/twin";
import type { ChipWiring, DeviceMap } from "@tandem/twin";

export const PROFILE_NAMES = ["small", "full"] as const;
export type ProfileName = (typeof PROFILE_NAMES)[number];

export const FLASH_KINDS = ["nand-1bit", "nand-8bit", "nor"] as const;
export type FlashKind = (typeof FLASH_KINDS)[number];

/** The chip that holds the store: its shape, and how to make one. */
interface StoreChip {
  readonly name: "nand" | "nor";
  /** Pages and blocks as the store has them. */
  readonly shape: PagedFlash["geometry"];
  /** The chip's own profile when it is NOR. */
  readonly norProfile: NorProfile | null;
  /** Store pages that stand in one page of the storage. */
  readonly pagesPerStoragePage: number;
  readonly make: (
    storage: PageStorage,
    wiring: Partial<ChipWiring>,
    unstableReadIsGood?: (page: number) => boolean,
  ) => PagedFlash;
  /** What the factory left: blocks that are marked bad. */
  readonly factoryBadBlocks: readonly number[];
}

/** One device to explore: chips, limits of the store, internal flash, and sizes of the images. */
export interface Geometry {
  readonly profile: ProfileName;
  readonly flash: FlashKind;
  readonly chip: StoreChip;
  readonly limits: StoreLimits;
  readonly map: DeviceMap;
  readonly appBytes: number;
  readonly netBytes: number;
  /** Bytes per fragment that the application hands to the update service. */
  readonly fragmentBytes: number;
}

/**
 * The smallest chip that leaves nothing out. An application image takes three blocks, so that there
 * is a first, a middle and a last one; a network core image two; the last data page of each is
 * partly used. Pages are of 1,024 bytes: a record of two banks with two images each is 428 bytes
 * before any extent, and a map in which every block stands alone (what bad blocks and scrubbing
 * lead to) has 20 of them: 604 bytes with eight bad blocks. 512-byte pages would hold 8 extents,
 * the least that the two banks need, and every block that moves would be refused.
 */
const SMALL_NAND: NandProfile = {
  name: "small",
  pageBytes: 1024,
  spareBytes: 64,
  pagesPerBlock: 4,
  blockCount: 33,
  readUs: 60,
  programUs: 250,
  eraseUs: 2000,
  busHz: 32_000_000,
};

const SMALL_NAND_8BIT: NandProfile = {
  ...SMALL_NAND,
  name: "small-8bit",
  ecc: MT29F1G01.ecc ?? { strengthBits: 8, statusMask: 0x70, status: [], uncorrectable: 2 },
  spare: {
    ecc: [
      { offset: 32, length: 16 },
      { offset: 48, length: 16 },
    ],
    user: [{ offset: 2, length: 30 }],
  },
};

/** Two programs make a page, so that a page can be half written. */
const SMALL_NOR: NorProfile = {
  ...MX25R6435F,
  sizeBytes: SMALL_NAND.blockCount * 4096,
  pageBytes: 4096,
  writeUs: 0,
  program: { bytes: 512, us: 1700 },
};

const SMALL_LIMITS: StoreLimits = {
  images: 2,
  banks: 2,
  extents: 20,
  badBlocks: 8,
  journalBlocks: 9,
};

/** In the middle of the ring, where an image is cut in two by it. */
const SMALL_BAD_BLOCK = 17;

/** Slots at their addresses, since firmware is linked for them, and no longer than the images. */
const SMALL_MAP: DeviceMap = {
  appFlash: { ...NRF5340_APP_FLASH, pageBytes: 2048, sizeBytes: APP_SLOT.start + 5 * 2048 },
  netFlash: { ...NRF5340_NET_FLASH, pageBytes: 1024, sizeBytes: NET_SLOT.start + 2 * 1024 },
  appSlot: { start: APP_SLOT.start, sizeBytes: 3 * 2048 },
  netSlot: { start: NET_SLOT.start, sizeBytes: 2 * 1024 },
  marker: { start: APP_SLOT.start + 3 * 2048, sizeBytes: 2 * 2048 },
  pcdRamBytes: 4096,
};

/** The device to explore. */
export function geometryOf(profile: ProfileName, flash: FlashKind): Geometry {
  return profile === "small"
    ? {
        profile,
        flash,
        chip: smallChip(flash),
        limits: SMALL_LIMITS,
        map: SMALL_MAP,
        appBytes: 3600,
        netBytes: 1400,
        fragmentBytes: 4096,
      }
    : {
        profile,
        flash,
        chip: fullChip(flash),
        limits: DEFAULT_LIMITS,
        map: NRF5340_MAP,
        appBytes: 280 * 1024,
        netBytes: 173 * 1024,
        fragmentBytes: 0x10000,
      };
}

function smallChip(flash: FlashKind): StoreChip {
  if (flash === "nor") return norChip(SMALL_NOR, { pageBytes: 1024, blockBytes: 4096 });
  const profile = flash === "nand-8bit" ? SMALL_NAND_8BIT : SMALL_NAND;
  return nandChip(profile, [SMALL_BAD_BLOCK]);
}

function fullChip(flash: FlashKind): StoreChip {
  if (flash === "nor") return norChip(MX25R6435F, { pageBytes: 2048, blockBytes: 0x10000 });
  return nandChip(flash === "nand-8bit" ? MT29F1G01 : W25N01GV, [45]);
}

function nandChip(profile: NandProfile, factoryBadBlocks: readonly number[]): StoreChip {
  return {
    name: "nand",
    shape: profile,
    norProfile: null,
    pagesPerStoragePage: 1,
    factoryBadBlocks,
    make: (storage, wiring, unstableReadIsGood) =>
      new NandChip({
        name: "nand",
        profile,
        storage,
        ...wiring,
        ...(unstableReadIsGood === undefined ? {} : { physics: { unstableReadIsGood } }),
      }),
  };
}

function norChip(
  profile: NorProfile,
  shape: { readonly pageBytes: number; readonly blockBytes: number },
): StoreChip {
  return {
    name: "nor",
    shape: {
      pageBytes: shape.pageBytes,
      pagesPerBlock: shape.blockBytes / shape.pageBytes,
      blockCount: profile.sizeBytes / shape.blockBytes,
    },
    norProfile: profile,
    pagesPerStoragePage: profile.pageBytes / shape.pageBytes,
    factoryBadBlocks: [],
    make: (storage, wiring, unstableReadIsGood) =>
      new NorPages(
        new NorChip({
          name: "nor",
          profile,
          storage,
          ...wiring,
          ...(unstableReadIsGood === undefined ? {} : { unstableReadIsGood }),
        }),
        shape,
      ),
  };
}
