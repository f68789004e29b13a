// SPDX-License-Identifier: Apache-2.0

/** Geometry and timing of one SPI-NAND part on one bus. */
export interface NandProfile {
  readonly name: string;
  /** Main area of a page, bytes. */
  readonly pageBytes: number;
  readonly spareBytes: number;
  readonly pagesPerBlock: number;
  readonly blockCount: number;
  /** Page to cache with on-die ECC, microseconds. */
  readonly readUs: number;
  readonly programUs: number;
  readonly eraseUs: number;
  /** SPI clock, hertz, one data line. */
  readonly busHz: number;
}

/**
 * Winbond W25N01GV, 1 Gb, 1-bit on-die ECC per 512 bytes, on SPIM4 of the nRF5340.
 * Read and typical program and erase times as in the W25N01GV data sheet, section 9.
 */
export const W25N01GV: NandProfile = {
  name: "W25N01GV",
  pageBytes: 2048,
  spareBytes: 64,
  pagesPerBlock: 64,
  blockCount: 1024,
  readUs: 60,
  programUs: 250,
  eraseUs: 2000,
  busHz: 32_000_000,
};
