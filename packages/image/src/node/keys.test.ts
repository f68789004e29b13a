// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, generateKeyPairSync } from "node:crypto";

import { FormatError, digestOf, toHex } from "@tandem/base";
import { nodeCrypto as crypto } from "@tandem/base/node";
import { describe, expect, it } from "vitest";

import { generateKeyPem, keyHash, loadPublicKey, loadSigner, signerFromSeed } from "./keys.js";

const name = "key.pem";
const message = new TextEncoder().encode("covered bytes");
const TYPES = ["ed25519", "ecdsa-p256", "rsa-2048", "rsa-3072"] as const;

describe("loadSigner and loadPublicKey", () => {
  it.each(TYPES)("sign and verify with %s", (type) => {
    const pem = generateKeyPem(type);
    const signer = loadSigner(pem.privateKey, { name });
    const key = loadPublicKey(pem.publicKey, { name });
    expect(signer.publicKey).toEqual(key);
    expect(loadPublicKey(pem.privateKey, { name })).toEqual(key);
    const digest = digestOf(crypto, message);
    expect(crypto.verifyDigest(key, digest, signer.sign(message))).toBe(true);
    expect(crypto.verifyDigest(key, digestOf(crypto, digest), signer.sign(message))).toBe(false);
    expect(keyHash(key)).toEqual(digestOf(crypto, key.encoded));
  });

  it("read SEC 1 and PKCS #1", () => {
    const ec = generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
    const sec1 = ec.export({ type: "sec1", format: "pem" }).toString();
    expect(loadSigner(sec1, { name }).publicKey.type).toBe("ecdsa-p256");
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    const pkcs1 = rsa.export({ type: "pkcs1", format: "pem" }).toString();
    expect(loadSigner(pkcs1, { name }).publicKey.type).toBe("rsa-2048");
    const publicPkcs1 = createPublicKey(rsa).export({ type: "pkcs1", format: "pem" }).toString();
    expect(loadPublicKey(publicPkcs1, { name }).type).toBe("rsa-2048");
  });

  it("sign the same bytes twice with Ed25519 and ECDSA", () => {
    for (const type of ["ed25519", "ecdsa-p256"] as const) {
      const signer = loadSigner(generateKeyPem(type).privateKey, { name });
      expect(signer.sign(message)).toEqual(signer.sign(message));
    }
  });

  it("make the deterministic ECDSA signature of RFC 6979, A.2.5", () => {
    const key = {
      d: "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
      x: "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
      y: "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
    };
    const der = Buffer.concat([
      Buffer.from("30770201010420", "hex"),
      Buffer.from(key.d, "hex"),
      Buffer.from("a00a06082a8648ce3d030107a14403420004", "hex"),
      Buffer.from(key.x + key.y, "hex"),
    ]);
    const pem = `-----BEGIN EC PRIVATE KEY-----\n${der.toString("base64")}\n-----END EC PRIVATE KEY-----\n`;
    const signature = toHex(loadSigner(pem, { name }).sign(new TextEncoder().encode("sample")));
    expect(signature).toContain("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716");
    expect(signature).toContain("f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
  });

  it.each([
    ["P-384", () => generateKeyPairSync("ec", { namedCurve: "secp384r1" }), "ec secp384r1"],
    ["RSA-4096", () => generateKeyPairSync("rsa", { modulusLength: 4096 }), "rsa 4096"],
    ["DSA", () => generateKeyPairSync("dsa", { modulusLength: 2048, divisorLength: 256 }), "dsa"],
    ["X25519", () => generateKeyPairSync("x25519"), "x25519"],
  ])("refuse %s and name what was found", (_, make, found) => {
    const pem = make().privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const complaint = new RegExp(`^key.pem: ${found}.* key, expected RSA-2048`);
    expect(() => loadSigner(pem, { name })).toThrow(complaint);
    expect(() => loadPublicKey(pem, { name })).toThrow(complaint);
  });

  it("refuse what is no key, the wrong half, or locked", () => {
    expect(() => loadSigner("hello", { name })).toThrow(FormatError);
    expect(() => loadPublicKey("hello", { name })).toThrow("expected a public key in PEM");
    const { publicKey } = generateKeyPem("ed25519");
    expect(() => loadSigner(publicKey, { name })).toThrow("a public key, expected a private key");
    const locked = generateKeyPairSync("ed25519").privateKey.export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "x",
    });
    expect(() => loadSigner(locked.toString(), { name })).toThrow("a key with a passphrase");
  });
});

describe("signerFromSeed", () => {
  it("is the Ed25519 key of RFC 8032, 7.1, test 1", () => {
    const seed = Buffer.from(
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "hex",
    );
    expect(toHex(signerFromSeed(seed).publicKey.encoded)).toContain(
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    );
    expect(() => signerFromSeed(new Uint8Array(31))).toThrow("seed of 31 bytes, expected 32");
  });
});
