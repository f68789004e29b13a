// SPDX-License-Identifier: Apache-2.0
import type { FigureSource } from "./nand-profile.js";

/** Geometry and timing of byte-addressed flash. */
export interface NorProfile {
  readonly sizeBytes: number;
  /** Erase unit, bytes. */
  readonly pageBytes: number;
  /** Smallest aligned write, bytes. */
  readonly writeBytes: number;
  /** Microseconds for one erase unit. */
  readonly eraseUs: number;
  /** Microseconds for one smallest write; 0 where `program` has the time. */
  readonly writeUs: number;
  /** External flash: longest program, which does not cross a multiple of it, and its time. */
  readonly program?: { readonly bytes: number; readonly us: number };
  /** A larger erase unit and its time. */
  readonly blockErase?: { readonly bytes: number; readonly us: number };
  /** Interface of external flash; internal flash is read at no cost. */
  readonly bus?: { readonly hz: number; readonly lanes: 1 | 2 | 4 };
  /** Longest times; the typical ones when absent. */
  readonly worst?: Pick<NorProfile, "eraseUs" | "program" | "blockErase">;
  readonly sources?: readonly FigureSource[];
}

/** Application core flash of the nRF5340: 1 MiB, NVMC times of the product specification. */
export const NRF5340_APP_FLASH: NorProfile = {
  sizeBytes: 0x100000,
  pageBytes: 4096,
  writeBytes: 4,
  eraseUs: 87_500,
  writeUs: 43,
};

/** Network core flash of the nRF5340: 256 KiB in pages of 2 KiB. */
export const NRF5340_NET_FLASH: NorProfile = {
  sizeBytes: 0x40000,
  pageBytes: 2048,
  writeBytes: 4,
  eraseUs: 87_500,
  writeUs: 43,
};

/** Macronix MX25R6435F, the QSPI NOR of the nRF5340 DK: 8 MiB, high-performance mode. */
export const MX25R6435F: NorProfile = {
  sizeBytes: 0x800000,
  pageBytes: 4096,
  writeBytes: 4,
  eraseUs: 40_000,
  writeUs: 0,
  program: { bytes: 256, us: 850 },
  blockErase: { bytes: 0x10000, us: 480_000 },
  bus: { hz: 32_000_000, lanes: 4 },
  worst: {
    eraseUs: 240_000,
    program: { bytes: 256, us: 4000 },
    blockErase: { bytes: 0x10000, us: 3_000_000 },
  },
  sources: [
    { figure: "all times", basis: "recalled", source: "to be confirmed in the data sheet" },
    {
      figure: "writeBytes",
      basis: "judged",
      source: "the QSPI peripheral of the nRF5340 transfers words",
    },
  ],
};
