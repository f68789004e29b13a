// SPDX-License-Identifier: Apache-2.0

// Extended Hamming code over one 512-byte sector: 12 bits for the position of a flipped bit and
// one for parity, stored inverted so that an erased sector carries a valid code. It corrects one
// bit, detects two, and miscorrects some threes: what a 1-bit-ECC part does.

/** Bytes that one code covers. */
export const ECC_SECTOR_BYTES = 512;

/** XOR over the numbers 0..7 of the bits set in a byte, and its parity in bit 3. */
const BYTE_CODE = /* @__PURE__ */ Uint8Array.from({ length: 256 }, (_, byte) => {
  let code = 0;
  for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) code = code ^ bit ^ 8;
  return code;
});

/** The code of `bytes[start .. start + 512)`, already inverted for storage. */
export function sectorCode(bytes: Uint8Array, start: number): number {
  let low = 0;
  let high = 0;
  for (let i = 0; i < ECC_SECTOR_BYTES; i++) {
    const code = BYTE_CODE[bytes[start + i] ?? 0] ?? 0;
    low ^= code;
    if (code & 8) high ^= i;
  }
  const position = (low & 7) | (high << 3);
  return ~(position | ((low & 8) << 12)) & 0x8fff;
}

/** What the decoder made of a sector. */
export type SectorStatus = "ok" | "corrected" | "uncorrectable";

/**
 * Checks a sector against its stored code and corrects a single flipped bit in place.
 * @param stored the two bytes of the spare area, as a number
 */
export function correctSector(bytes: Uint8Array, start: number, stored: number): SectorStatus {
  const difference = (sectorCode(bytes, start) ^ stored) & 0x8fff;
  if (difference === 0) return "ok";
  if (difference & 0x8000) {
    const position = difference & 0x0fff;
    const at = start + (position >> 3);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (position & 7));
    return "corrected";
  }
  // Even number of flips in the data, or a flip of the code itself: one bit of the position alone
  // means that the code was hit, and the data is good.
  return isPowerOfTwo(difference) ? "corrected" : "uncorrectable";
}

function isPowerOfTwo(value: number): boolean {
  return (value & (value - 1)) === 0;
}
