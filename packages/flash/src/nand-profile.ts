// SPDX-License-Identifier: Apache-2.0

/** Bytes of the spare area. */
export interface SpareRegion {
  readonly offset: number;
  readonly length: number;
}

/** Where things stand in the spare area. */
export interface SpareLayout {
  /** Code of each 512-byte sector. */
  readonly ecc: readonly SpareRegion[];
  /** What software may use. */
  readonly user: readonly SpareRegion[];
}

/** On-die ECC: how much it corrects, and how feature registers tell. */
export interface NandEcc {
  /** Bits that are corrected per 512 bytes. */
  readonly strengthBits: number;
  /** Mask of the status in feature C0h. */
  readonly statusMask: number;
  /** Status values, shifted to bit 0: the first row whose `upToBits` covers what was corrected. */
  readonly status: readonly { readonly upToBits: number; readonly code: number }[];
  readonly uncorrectable: number;
  /** Feature that tells the exact worst sector: (bits - bias) << shift. */
  readonly detail?: { readonly address: number; readonly shift: number; readonly bias: number };
}

/** How the factory marks bad blocks and software finds them. */
export interface BadBlockMark {
  /** Pages of the block that carry the mark. */
  readonly pages: readonly number[];
  /** Bytes at the start of the spare area that are not FFh in a bad block. */
  readonly spareBytes: number;
  /** What else the factory clears. */
  readonly factory: "spare" | "first-bytes" | "whole-page";
}

/** Times of the array, microseconds. */
export interface NandTiming {
  /** Page to cache with on-die ECC. */
  readonly readUs: number;
  readonly programUs: number;
  readonly eraseUs: number;
}

/** Where a figure comes from: read in a source, computed, judged, or recalled and to be confirmed. */
export interface FigureSource {
  readonly figure: string;
  readonly basis: "read" | "computed" | "judged" | "recalled";
  readonly source: string;
}

/** Geometry, timing and rules of one SPI-NAND part on one bus. */
export interface NandProfile extends NandTiming {
  readonly name: string;
  /** Main area of a page, bytes. */
  readonly pageBytes: number;
  readonly spareBytes: number;
  readonly pagesPerBlock: number;
  readonly blockCount: number;
  /** SPI clock, hertz, one data line. */
  readonly busHz: number;
  /** Longest times; the typical ones when absent. */
  readonly worst?: NandTiming;
  /** 1 bit per 512 bytes as Winbond has it, when absent. */
  readonly ecc?: NandEcc;
  /** 16 bytes per sector, the second half its code, when absent. */
  readonly spare?: SpareLayout;
  /** One spare byte of page 0 when absent. */
  readonly mark?: BadBlockMark;
  /** Partial programs of a page between two erases; 1 when absent. */
  readonly nop?: number;
  /** Blocks that may be bad at the end of life. */
  readonly maxBadBlocks?: number;
  readonly enduranceCycles?: number;
  /** Feature A0h after power-up: everything protected. */
  readonly protectionAtPowerUp?: number;
  readonly sources?: readonly FigureSource[];
}

/** SPI clocks of the nRF5340: SPIM4 and the others. */
export const SPIM_HZ = { SPIM4: 32_000_000, SPIM0: 8_000_000 } as const;

/** `profile` at its typical or its longest times, on SPIM4 (32 MHz) or another instance (8 MHz). */
export function nandOn(
  profile: NandProfile,
  options: { readonly timing?: "typical" | "worst"; readonly busHz?: number },
): NandProfile {
  return {
    ...profile,
    ...(options.timing === "worst" ? profile.worst : {}),
    busHz: options.busHz ?? profile.busHz,
  };
}

/** Layout of Winbond's parts: per sector two reserved, six user and eight code bytes. */
export function winbondSpare(sectors: number): SpareLayout {
  const at = Array.from({ length: sectors }, (_, sector) => 16 * sector);
  return {
    ecc: at.map((offset) => ({ offset: offset + 8, length: 8 })),
    user: at.map((offset) => ({ offset: offset + 2, length: 6 })),
  };
}

/** 1-bit ECC as Winbond's parts report it. */
export const WINBOND_ECC: NandEcc = {
  strengthBits: 1,
  statusMask: 0x30,
  status: [
    { upToBits: 0, code: 0 },
    { upToBits: 1, code: 1 },
  ],
  uncorrectable: 2,
};

export const ONE_SPARE_BYTE: BadBlockMark = { pages: [0], spareBytes: 1, factory: "first-bytes" };
