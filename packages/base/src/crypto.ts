// SPDX-License-Identifier: Apache-2.0

/** Hash algorithms that MCUboot images use. */
export type HashAlgorithm = "sha256" | "sha384" | "sha512";

/** A running hash. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** Ends the hash. */
  digest(): Uint8Array;
}

/** Signature schemes of MCUboot that Tandem supports; RSA means PSS with SHA-256 and salt 32. */
export type KeyType = "rsa-2048" | "rsa-3072" | "ecdsa-p256" | "ed25519";

/** A public key in the form that MCUboot embeds, and whose SHA-256 is the key-hash TLV. */
export interface PublicKey {
  readonly type: KeyType;
  /** RSA: PKCS#1 RSAPublicKey; others: SubjectPublicKeyInfo; DER. */
  readonly encoded: Uint8Array;
}

/**
 * What the boot path needs of cryptography. Everything works on digests, so that a bootloader
 * reads each byte once. Implementations: `@tandem/base/node`.
 */
export interface Crypto {
  createHash(algorithm: HashAlgorithm): Hasher;
  /**
   * True when `signature` (as it stands in the TLV) is valid for the message whose SHA-256 is
   * `digest`. Malformed keys and signatures are invalid, never an error.
   */
  verifyDigest(key: PublicKey, digest: Uint8Array, signature: Uint8Array): boolean;
}

/** A private key that signs images. */
export interface Signer {
  readonly publicKey: PublicKey;
  /** Signature as MCUboot stores it, over the bytes that the image hash covers. */
  sign(message: Uint8Array): Uint8Array;
}

/** The hash of `bytes` in one call. */
export function digestOf(
  crypto: Crypto,
  bytes: Uint8Array,
  algorithm: HashAlgorithm = "sha256",
): Uint8Array {
  const hash = crypto.createHash(algorithm);
  hash.update(bytes);
  return hash.digest();
}
