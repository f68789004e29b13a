// SPDX-License-Identifier: Apache-2.0
import { ONE_SPARE_BYTE, SPIM_HZ, WINBOND_ECC, winbondSpare } from "./nand-profile.js";
import type { FigureSource, NandProfile, SpareLayout } from "./nand-profile.js";

const read = (figure: string, source: string): FigureSource => ({ figure, basis: "read", source });
const judged = (figure: string, source: string): FigureSource => ({
  figure,
  basis: "judged",
  source,
});
const recalled = (figure: string): FigureSource => ({
  figure,
  basis: "recalled",
  source: "to be confirmed in the data sheet",
});

const ONE_GIGABIT = {
  pageBytes: 2048,
  pagesPerBlock: 64,
  blockCount: 1024,
  maxBadBlocks: 20,
  enduranceCycles: 100_000,
  busHz: SPIM_HZ.SPIM4,
} as const;

/** 64 bytes for software, then 16 code bytes per sector. */
function upperHalfSpare(userFrom: number): SpareLayout {
  return {
    ecc: [64, 80, 96, 112].map((offset) => ({ offset, length: 16 })),
    user: [{ offset: userFrom, length: 64 - userFrom }],
  };
}

/** Winbond W25N01GV: 1 Gb, 1-bit on-die ECC per 512 bytes. */
export const W25N01GV: NandProfile = {
  ...ONE_GIGABIT,
  name: "W25N01GV",
  spareBytes: 64,
  readUs: 60,
  programUs: 250,
  eraseUs: 2000,
  worst: { readUs: 60, programUs: 700, eraseUs: 10_000 },
  ecc: WINBOND_ECC,
  spare: winbondSpare(4),
  mark: ONE_SPARE_BYTE,
  nop: 4,
  protectionAtPowerUp: 0x7c,
  sources: [
    read("geometry, maxBadBlocks, spare, ecc", "linux drivers/mtd/nand/spi/winbond.c"),
    read("mark", "W25N01GV data sheet 8.2.7: byte 0 of page 0 and first spare byte"),
    read("readUs (maximum), worst", "betaflight, ArduPilot and PX4 headers: tREmax 60, 700, 10 ms"),
    read("nop", "W29N02GV data sheet p. 32"),
    recalled("programUs and eraseUs typical, enduranceCycles, protectionAtPowerUp"),
  ],
};

/** Winbond W25N512GV: as W25N01GV with half the blocks. */
export const W25N512GV: NandProfile = {
  ...W25N01GV,
  name: "W25N512GV",
  blockCount: 512,
  maxBadBlocks: 10,
  sources: [
    read("geometry, maxBadBlocks, spare, ecc", "linux winbond.c, W25N512GW: the 1.8 V variant"),
    judged("times, mark, nop", "as W25N01GV"),
  ],
};

/** Micron MT29F1G01ABAFD (M78A): 1 Gb, 8-bit on-die ECC, status in three bits. */
export const MT29F1G01: NandProfile = {
  ...ONE_GIGABIT,
  name: "MT29F1G01",
  spareBytes: 128,
  readUs: 46,
  programUs: 220,
  eraseUs: 2000,
  worst: { readUs: 70, programUs: 600, eraseUs: 10_000 },
  ecc: {
    strengthBits: 8,
    statusMask: 0x70,
    status: [
      { upToBits: 0, code: 0 },
      { upToBits: 3, code: 1 },
      { upToBits: 6, code: 3 },
      { upToBits: 8, code: 5 },
    ],
    uncorrectable: 2,
  },
  spare: upperHalfSpare(2),
  mark: { pages: [0], spareBytes: 2, factory: "whole-page" },
  nop: 4,
  protectionAtPowerUp: 0x38,
  sources: [
    read("geometry, maxBadBlocks, spare, ecc", "linux drivers/mtd/nand/spi/micron.c"),
    read("mark", "MT29F4G08 data sheet p. 106: every location of the first page"),
    read("readUs, programUs, eraseUs", "ESP-IDF (46); MT29F1G01 data sheet rev. H (220, 2 ms)"),
    read("worst", "MT29F1G01 data sheet rev. H (70); betaflight headers (600, 10 ms)"),
    read("enduranceCycles", "MT29F1G01 data sheet rev. H"),
    recalled("nop, protectionAtPowerUp"),
  ],
};

/** GigaDevice GD5F1GQ5UE: 1 Gb, 4-bit on-die ECC, bit count in feature F0h. */
export const GD5F1GQ5: NandProfile = {
  ...ONE_GIGABIT,
  name: "GD5F1GQ5",
  spareBytes: 128,
  readUs: 120,
  programUs: 400,
  eraseUs: 3000,
  worst: { readUs: 120, programUs: 700, eraseUs: 10_000 },
  ecc: {
    strengthBits: 4,
    statusMask: 0x30,
    status: [
      { upToBits: 0, code: 0 },
      { upToBits: 4, code: 1 },
    ],
    uncorrectable: 2,
    detail: { address: 0xf0, shift: 4, bias: 1 },
  },
  spare: upperHalfSpare(1),
  mark: { pages: [0], spareBytes: 1, factory: "spare" },
  nop: 4,
  protectionAtPowerUp: 0x38,
  sources: [
    read("geometry, maxBadBlocks, spare, ecc, mark", "linux drivers/mtd/nand/spi/gigadevice.c"),
    judged("readUs (maximum), programUs, eraseUs", "as GD5F1GQ4UAYIG, whose figures were read"),
    recalled("worst, nop, enduranceCycles, protectionAtPowerUp"),
  ],
};

/** Kioxia TC58CVG0S3HRAIG: 1 Gb, 8-bit on-die ECC, bit count in feature 30h. */
export const TC58CVG: NandProfile = {
  ...ONE_GIGABIT,
  name: "TC58CVG",
  spareBytes: 128,
  readUs: 40,
  programUs: 330,
  eraseUs: 2500,
  worst: { readUs: 280, programUs: 600, eraseUs: 7000 },
  ecc: {
    strengthBits: 8,
    statusMask: 0x30,
    status: [
      { upToBits: 0, code: 0 },
      { upToBits: 3, code: 1 },
      { upToBits: 8, code: 3 },
    ],
    uncorrectable: 2,
    detail: { address: 0x30, shift: 4, bias: 0 },
  },
  spare: upperHalfSpare(2),
  mark: { pages: [0, 1], spareBytes: 1, factory: "first-bytes" },
  nop: 4,
  protectionAtPowerUp: 0x38,
  sources: [
    read("geometry, maxBadBlocks, spare, ecc", "linux drivers/mtd/nand/spi/toshiba.c"),
    read("readUs, programUs, eraseUs", "TC58BVG1 data sheet: the class of the part"),
    judged("bits from which the status is 3", "the part's threshold is a setting; 4 as ESP-IDF"),
    recalled("mark, worst, nop, enduranceCycles, protectionAtPowerUp"),
  ],
};

/** Every part with a profile. */
export const NAND_PROFILES: readonly NandProfile[] = [
  W25N01GV,
  W25N512GV,
  MT29F1G01,
  GD5F1GQ5,
  TC58CVG,
];
