// SPDX-License-Identifier: Apache-2.0
import type { SectorCode } from "./bch.js";

// Hsiao code over one 512-byte sector: the XOR of the positions of its set bits (bits 0..11), their
// parity twice (12, 15), and a bit that makes every column of the check matrix odd (14). Any single
// flip is corrected, any two are detected, three miscorrect: what a 1-bit-ECC part does. Stored
// inverted, so that an erased sector carries a valid code.

/** Bytes that one code covers. */
export const ECC_SECTOR_BYTES = 512;

/** XOR over the numbers 0..7 of the bits set in a byte, and its parity in bit 3. */
const BYTE_CODE = /* @__PURE__ */ Uint8Array.from({ length: 256 }, (_, byte) => {
  let code = 0;
  for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) code = code ^ bit ^ 8;
  return code;
});

/** What every bit that is set contributes besides its position. */
const PARITY_BITS = 0x9000;
const BALANCE_BIT = 0x4000;

function isOdd(value: number): boolean {
  let bits = value ^ (value >> 8);
  bits ^= bits >> 4;
  return ((0x6996 >> (bits & 15)) & 1) === 1;
}

/** The code of `bytes[start .. start + 512)`, already inverted for storage. */
function sectorCode(bytes: Uint8Array, start: number): number {
  let low = 0;
  let high = 0;
  for (let i = 0; i < ECC_SECTOR_BYTES; i++) {
    const code = BYTE_CODE[bytes[start + i] ?? 0] ?? 0;
    low ^= code;
    // Without a branch: which bytes have odd parity is random, and predicted badly.
    high ^= i & -(code >> 3);
  }
  const position = (low & 7) | (high << 3);
  const parity = (low & 8) !== 0;
  const balance = isOdd(position) !== parity ? BALANCE_BIT : 0;
  return ~(position | (parity ? PARITY_BITS : 0) | balance) & 0xffff;
}

/** The 1-bit code of Winbond's parts, in the first two bytes of their eight. */
export const HAMMING: SectorCode = {
  parityBytes: 2,
  encode: (bytes, start, parityAt) => {
    const code = sectorCode(bytes, start);
    bytes[parityAt] = code & 0xff;
    bytes[parityAt + 1] = code >> 8;
  },
  decode: (data, start, stored, parityAt) => {
    const code = (stored[parityAt] ?? 0) | ((stored[parityAt + 1] ?? 0) << 8);
    const difference = sectorCode(data, start) ^ code;
    if (difference === 0) return 0;
    // One bit alone: the code itself was hit, and the data is good.
    if ((difference & (difference - 1)) === 0) return 1;
    const isDataBit = (difference & PARITY_BITS) === PARITY_BITS && (difference & 0x2000) === 0;
    if (!isDataBit || !isOdd(difference)) return -1;
    const position = difference & 0x0fff;
    const at = start + (position >> 3);
    data[at] = (data[at] ?? 0) ^ (1 << (position & 7));
    return 1;
  },
};
