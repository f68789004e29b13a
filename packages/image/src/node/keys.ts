// SPDX-License-Identifier: Apache-2.0
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
} from "node:crypto";
import type { KeyObject } from "node:crypto";

import { p256 } from "@noble/curves/nist.js";
import { FormatError, UsageError } from "@tandem/base";
import type { KeyType, PublicKey, Signer } from "@tandem/base";

const EXPECTED_KEYS = "RSA-2048, RSA-3072, ECDSA P-256 or Ed25519";

/** A new key as PEM files. */
export interface KeyPem {
  /** PKCS #8. */
  readonly privateKey: string;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: string;
}

/**
 * A signer from a private key in PEM (PKCS #8, SEC 1, PKCS #1), without passphrase.
 * @param options.name file name for messages
 * @throws {FormatError} image/bad-key when it is not a private key; image/key-type when it is of
 * another kind than MCUboot's
 */
export function loadSigner(pem: string, options: { readonly name: string }): Signer {
  return signerOf(parsePrivateKey(pem, options.name), options.name);
}

/**
 * A public key in PEM (SubjectPublicKeyInfo, PKCS #1). A private key is accepted in its place.
 * @param options.name file name for messages
 * @throws {FormatError} image/bad-key, image/key-type
 */
export function loadPublicKey(pem: string, options: { readonly name: string }): PublicKey {
  const key = parsePublicKey(pem, options.name);
  return publicKeyOf(key, keyTypeOf(key, options.name));
}

/** A new random key. */
export function generateKeyPem(type: KeyType): KeyPem {
  const { privateKey } = generateKeyPair(type);
  return {
    privateKey: pemText(privateKey.export({ type: "pkcs8", format: "pem" })),
    publicKey: pemText(createPublicKey(privateKey).export({ type: "spki", format: "pem" })),
  };
}

/**
 * An Ed25519 signer that is the same for the same seed: for tests and demonstrations.
 * @param seed 32 bytes
 * @throws {UsageError} image/bad-seed for another length
 */
export function signerFromSeed(seed: Uint8Array): Signer {
  if (seed.length !== 32) {
    throw new UsageError("image/bad-seed", `seed of ${seed.length} bytes, expected 32`);
  }
  const der = Buffer.concat([ED25519_PKCS8_PREFIX, seed]);
  return signerOf(createPrivateKey({ key: der, format: "der", type: "pkcs8" }), "seed");
}

/** Value of the key-hash TLV for a key: SHA-256 of its encoded form. */
export function keyHash(key: PublicKey): Uint8Array {
  return new Uint8Array(createHash("sha256").update(key.encoded).digest());
}

/** PrivateKeyInfo up to the 32 bytes of the seed (RFC 8410, section 7). */
const ED25519_PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

function signerOf(key: KeyObject, name: string): Signer {
  const type = keyTypeOf(key, name);
  const publicKey = publicKeyOf(createPublicKey(key), type);
  return { publicKey, sign: (message) => new Uint8Array(signatureOf(key, type, message)) };
}

function signatureOf(key: KeyObject, type: KeyType, message: Uint8Array): Uint8Array {
  switch (type) {
    case "ed25519":
      // MCUboot signs the hash as the message, see image_ed25519.c.
      return sign(null, createHash("sha256").update(message).digest(), key);
    case "ecdsa-p256":
      // Deterministic (RFC 6979), so that a release can be built again bit for bit.
      return p256.sign(message, privateScalar(key), { prehash: true, lowS: false, format: "der" });
    case "rsa-2048":
    case "rsa-3072":
      return sign("sha256", message, {
        key,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: 32,
      });
    default:
      return type satisfies never;
  }
}

function privateScalar(key: KeyObject): Uint8Array {
  return Buffer.from(key.export({ format: "jwk" }).d ?? "", "base64url");
}

function parsePrivateKey(pem: string, name: string): KeyObject {
  refuseEncrypted(pem, name);
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    const found = pem.includes("PUBLIC KEY-----") ? "a public key" : "no key that can be read";
    throw badKey(name, `${found}, expected a private key in PEM`, cause);
  }
}

function parsePublicKey(pem: string, name: string): KeyObject {
  refuseEncrypted(pem, name);
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw badKey(name, "no key that can be read, expected a public key in PEM", cause);
  }
}

function refuseEncrypted(pem: string, name: string): void {
  if (!/BEGIN ENCRYPTED|4,ENCRYPTED/.test(pem)) return;
  throw badKey(name, "a key with a passphrase, expected one without", undefined);
}

function badKey(name: string, message: string, cause: unknown): FormatError {
  return new FormatError("image/bad-key", `${name}: ${message}`, {
    cause,
    details: { file: name },
  });
}

function keyTypeOf(key: KeyObject, name: string): KeyType {
  const kind = key.asymmetricKeyType;
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (kind === "ed25519") return "ed25519";
  if (kind === "ec" && namedCurve === "prime256v1") return "ecdsa-p256";
  if (kind === "rsa" && modulusLength === 2048) return "rsa-2048";
  if (kind === "rsa" && modulusLength === 3072) return "rsa-3072";
  const found = [kind ?? "unknown", namedCurve ?? modulusLength ?? ""].join(" ").trim();
  throw new FormatError("image/key-type", `${name}: ${found} key, expected ${EXPECTED_KEYS}`, {
    details: { file: name, found, expected: EXPECTED_KEYS },
  });
}

/** MCUboot embeds RSA keys as PKCS #1 and all others as SubjectPublicKeyInfo. */
function publicKeyOf(key: KeyObject, type: KeyType): PublicKey {
  const isRsa = type === "rsa-2048" || type === "rsa-3072";
  const der = isRsa
    ? key.export({ type: "pkcs1", format: "der" })
    : key.export({ type: "spki", format: "der" });
  return { type, encoded: new Uint8Array(der) };
}

function generateKeyPair(type: KeyType): { readonly privateKey: KeyObject } {
  switch (type) {
    case "ed25519":
      return generateKeyPairSync("ed25519");
    case "ecdsa-p256":
      return generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    case "rsa-2048":
      return generateKeyPairSync("rsa", { modulusLength: 2048 });
    case "rsa-3072":
      return generateKeyPairSync("rsa", { modulusLength: 3072 });
    default:
      return type satisfies never;
  }
}

function pemText(pem: string | Buffer): string {
  return typeof pem === "string" ? pem : pem.toString("utf8");
}
