// SPDX-License-Identifier: Apache-2.0
import { constants, createHash, publicDecrypt } from "node:crypto";
import type { KeyObject } from "node:crypto";

const HASH_LENGTH = 32;
const SALT_LENGTH = 32;

/**
 * RSASSA-PSS with SHA-256, MGF1-SHA-256 and a 32-byte salt, over a digest instead of a message:
 * node:crypto always hashes the message itself, which a bootloader's digest-only path cannot use.
 * @see RFC 8017, sections 8.1.2 and 9.1.2
 */
export function verifyPssDigest(
  key: KeyObject,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits % 8 !== 0 || signature.length !== bits / 8 || digest.length !== HASH_LENGTH)
    return false;
  const encoded = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, Buffer.from(signature));
  // Modulus bits are a multiple of 8, so emBits = 8 * emLen - 1: exactly one leading bit is zero.
  if (encoded.length !== bits / 8 || encoded[encoded.length - 1] !== 0xbc) return false;
  const maskedDb = encoded.subarray(0, encoded.length - HASH_LENGTH - 1);
  const h = encoded.subarray(encoded.length - HASH_LENGTH - 1, -1);
  if (((encoded[0] ?? 0) & 0x80) !== 0) return false;
  const db = mgf1(h, maskedDb.length);
  for (let i = 0; i < db.length; i++) db[i] = (db[i] ?? 0) ^ (maskedDb[i] ?? 0);
  db[0] = (db[0] ?? 0) & 0x7f;
  const separator = db.length - SALT_LENGTH - 1;
  if (db[separator] !== 0x01 || db.subarray(0, separator).some((byte) => byte !== 0)) return false;
  const expected = createHash("sha256")
    .update(new Uint8Array(8))
    .update(digest)
    .update(db.subarray(separator + 1))
    .digest();
  return expected.equals(h);
}

/** Mask generation function of RFC 8017, appendix B.2.1. */
function mgf1(seed: Uint8Array, length: number): Uint8Array {
  const mask = new Uint8Array(Math.ceil(length / HASH_LENGTH) * HASH_LENGTH);
  const counter = new DataView(new ArrayBuffer(4));
  for (let i = 0; i * HASH_LENGTH < length; i++) {
    counter.setUint32(0, i);
    const block = createHash("sha256").update(seed).update(new Uint8Array(counter.buffer)).digest();
    mask.set(block, i * HASH_LENGTH);
  }
  return mask.subarray(0, length);
}
