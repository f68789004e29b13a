// SPDX-License-Identifier: Apache-2.0
import { constants, createHash, generateKeyPairSync, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";

import { describe, expect, it } from "vitest";

import type { PublicKey } from "../crypto.js";
import { nodeCrypto } from "./node-crypto.js";

const MESSAGE = new TextEncoder().encode("what the image hash covers");
const DIGEST = new Uint8Array(createHash("sha256").update(MESSAGE).digest());
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };

interface Case {
  readonly key: PublicKey;
  readonly signature: Uint8Array;
}

function der(key: KeyObject, type: "pkcs1" | "spki"): Uint8Array {
  return new Uint8Array(key.export({ format: "der", type }));
}

function makeCase(type: PublicKey["type"]): Case {
  if (type === "ed25519") {
    const pair = generateKeyPairSync("ed25519");
    const signature = sign(null, DIGEST, pair.privateKey);
    return { key: { type, encoded: der(pair.publicKey, "spki") }, signature };
  }
  if (type === "ecdsa-p256") {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const signature = sign("sha256", MESSAGE, pair.privateKey);
    return { key: { type, encoded: der(pair.publicKey, "spki") }, signature };
  }
  const pair = generateKeyPairSync("rsa", { modulusLength: type === "rsa-2048" ? 2048 : 3072 });
  const signature = sign("sha256", MESSAGE, { key: pair.privateKey, ...PSS });
  return { key: { type, encoded: der(pair.publicKey, "pkcs1") }, signature };
}

describe.each(["ed25519", "ecdsa-p256", "rsa-2048", "rsa-3072"] as const)(
  "nodeCrypto.verifyDigest with %s",
  (type) => {
    const { key, signature } = makeCase(type);

    it("accepts what OpenSSL signed", () => {
      expect(nodeCrypto.verifyDigest(key, DIGEST, signature)).toBe(true);
    });

    it("refuses another digest and any single changed byte of the signature", () => {
      const other = DIGEST.slice();
      other[5] = (other[5] ?? 0) ^ 1;
      expect(nodeCrypto.verifyDigest(key, other, signature)).toBe(false);
      for (let i = 0; i < signature.length; i++) {
        const changed = signature.slice();
        changed[i] = (changed[i] ?? 0) ^ 0x40;
        expect(nodeCrypto.verifyDigest(key, DIGEST, changed), `byte ${i}`).toBe(false);
      }
    });

    it("takes malformed keys and signatures as invalid", () => {
      expect(nodeCrypto.verifyDigest(key, DIGEST, new Uint8Array(0))).toBe(false);
      expect(nodeCrypto.verifyDigest(key, DIGEST, signature.subarray(1))).toBe(false);
      expect(nodeCrypto.verifyDigest(key, new Uint8Array(3), signature)).toBe(false);
      const broken = { type, encoded: key.encoded.slice(0, 20) };
      expect(nodeCrypto.verifyDigest(broken, DIGEST, signature)).toBe(false);
    });
  },
);

it("refuses RSA-PSS with another salt length", () => {
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const signature = sign("sha256", MESSAGE, { key: pair.privateKey, ...PSS, saltLength: 20 });
  const key: PublicKey = { type: "rsa-2048", encoded: der(pair.publicKey, "pkcs1") };
  expect(nodeCrypto.verifyDigest(key, DIGEST, signature)).toBe(false);
});
