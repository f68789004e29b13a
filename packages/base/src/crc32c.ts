// SPDX-License-Identifier: Apache-2.0

// Reflected Castagnoli polynomial; the table is the only way to be fast without native code.
const TABLE = /* @__PURE__ */ makeTable();

function makeTable(): Uint32Array {
  const table = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    table[n] = crc >>> 0;
  }
  return table;
}

/**
 * CRC-32C (Castagnoli) of the bytes, continuing from `previous`.
 * @param previous result over the bytes before these; 0 to begin
 * @see RFC 3720, appendix B.4, for test vectors
 */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous;
  for (let i = 0; i < bytes.length; i++) {
    crc = (TABLE[(crc ^ (bytes[i] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}
