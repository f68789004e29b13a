// SPDX-License-Identifier: Apache-2.0
import { createHash, createPublicKey, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";

import { p256 } from "@noble/curves/nist.js";

import type { Crypto, PublicKey } from "../crypto.js";
import { verifyPssDigest } from "./rsa-pss.js";

/** Cryptography by OpenSSL, and by noble for ECDSA over a digest, which node:crypto lacks. */
export const nodeCrypto: Crypto = {
  createHash: (algorithm) => {
    const hash = createHash(algorithm);
    return {
      update: (bytes) => void hash.update(bytes),
      digest: () => new Uint8Array(hash.digest()),
    };
  },
  verifyDigest: (key, digest, signature) => {
    try {
      return verifyByType(key, digest, signature);
    } catch {
      // A key or a signature that cannot even be parsed verifies nothing.
      return false;
    }
  },
};

function verifyByType(key: PublicKey, digest: Uint8Array, signature: Uint8Array): boolean {
  switch (key.type) {
    case "ed25519":
      return verify(null, digest, keyObject(key), signature);
    case "ecdsa-p256":
      return p256.verify(derSignature(signature), digest, uncompressedPoint(key), {
        prehash: false,
        lowS: false,
        format: "der",
      });
    case "rsa-2048":
    case "rsa-3072":
      return verifyPssDigest(keyObject(key), digest, signature);
    default:
      return key.type satisfies never;
  }
}

function keyObject(key: PublicKey): KeyObject {
  return createPublicKey({
    key: Buffer.from(key.encoded),
    format: "der",
    type: key.type === "rsa-2048" || key.type === "rsa-3072" ? "pkcs1" : "spki",
  });
}

/** The 65-byte point stands at the end of a P-256 SubjectPublicKeyInfo (RFC 5480). */
function uncompressedPoint(key: PublicKey): Uint8Array {
  return key.encoded.subarray(key.encoded.length - 65);
}

/** Without the zero bytes that imgtool --pad-sig leaves behind the DER sequence. */
function derSignature(signature: Uint8Array): Uint8Array {
  return signature.subarray(0, 2 + (signature[1] ?? 0));
}
