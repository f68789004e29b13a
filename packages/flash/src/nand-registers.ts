// SPDX-License-Identifier: Apache-2.0

/** Feature registers of an SPI-NAND part. */
export const FEATURE = { PROTECTION: 0xa0, CONFIGURATION: 0xb0, STATUS: 0xc0 } as const;

/** Bits of the status register C0h; the ECC status stands from bit 4 on. */
export const STATUS = { WEL: 0x02, E_FAIL: 0x04, P_FAIL: 0x08 } as const;
export const ECC_STATUS_SHIFT = 4;

/** ECC-E in the configuration register B0h. */
export const ECC_ENABLE = 0x10;

/** What a chip forgets with power, and keeps through a reset of the processor. */
export interface NandRegisters {
  /** Feature A0h; 0 when every block may be written. */
  protection: number;
  eccEnabled: boolean;
  /** Feature C0h. */
  status: number;
  /** Most bits that the last read had corrected. */
  correctedBits: number;
}

export function registersAtPowerUp(protection: number): NandRegisters {
  return { protection, eccEnabled: true, status: 0, correctedBits: 0 };
}
