// SPDX-License-Identifier: Apache-2.0

/** The bytes, padded with 0xFF to whole words: what internal flash can be written with. */
export function padToWords(bytes: Uint8Array): Uint8Array {
  if (bytes.length % 4 === 0) return bytes;
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4).fill(0xff);
  padded.set(bytes);
  return padded;
}
