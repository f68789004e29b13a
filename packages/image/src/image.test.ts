// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync } from "node:fs";

import { FormatError } from "@tandem/base";
import { nodeCrypto as crypto } from "@tandem/base/node";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { encodeImage, parseImage } from "./image.js";
import { encodeManifest, parseManifest } from "./manifest.js";
import { signerFromSeed } from "./node/keys.js";
import { signImage } from "./sign-image.js";
import { compareVersions, formatVersion, parseVersion } from "./version.js";

const FIXTURES = new URL("../../../test/fixtures/image/", import.meta.url);
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, FIXTURES)));
const images = readdirSync(FIXTURES).filter(
  (name) => name.endsWith(".bin") && name !== "payload.bin",
);
const signer = signerFromSeed(Uint8Array.from({ length: 32 }, (_, i) => i));
const version = (text: string) => parseVersion(text);

function encodedOrFormatError(bytes: Uint8Array): Uint8Array | FormatError {
  try {
    return encodeImage(parseImage(bytes));
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
}

describe("parseImage and encodeImage", () => {
  it.each(images)("give back %s byte for byte", (name) => {
    expect(encodeImage(parseImage(read(name)))).toEqual(read(name));
  });

  it("name offset, expected and found", () => {
    expect(() => parseImage(new Uint8Array(32))).toThrow(
      "image header at 0x0: magic 0x00000000, expected 0x96f3b83d",
    );
    expect(() => parseImage(read("ed25519.bin").subarray(0, 500))).toThrow(
      "payload at 0x80: 372 bytes left, expected 1000",
    );
  });

  it("either parse any bytes or throw a FormatError", () => {
    const original = read("ed25519-manifest.bin");
    const edits = fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { maxLength: 5 });
    fc.assert(
      fc.property(edits, fc.nat(original.length), (changes, length) => {
        const bytes = original.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        const again = encodedOrFormatError(bytes);
        expect(again instanceof FormatError ? bytes : again).toEqual(bytes);
      }),
      { numRuns: 3000 },
    );
  });
});

describe("signImage", () => {
  it("makes imgtool's bytes with a deterministic key", () => {
    const payload = read("payload.bin");
    const plain = signImage({ payload, version: version("1.0.0"), headerSize: 32, signer, crypto });
    expect(plain).toEqual(read("ed25519-plain.bin"));
    const full = signImage({
      payload,
      version: version("1.2.3+4"),
      headerSize: 0x80,
      signer,
      crypto,
      securityCounter: 7,
      dependencies: [
        { imageIndex: 1, minVersion: version("1.2.3+4") },
        { imageIndex: 2, minVersion: version("0.9.0") },
      ],
    });
    expect(full).toEqual(read("ed25519.bin"));
  });

  it("makes the bytes of sdk-mcuboot's imgtool with a manifest", () => {
    const netHash = parseImage(read("ed25519.bin")).tlvs[0]?.value ?? new Uint8Array(0);
    const made = signImage({
      payload: read("payload.bin"),
      version: version("2.0.0"),
      headerSize: 0x80,
      signer,
      crypto,
      securityCounter: 9,
      manifest: { format: 1, imageHashes: [netHash, Uint8Array.from({ length: 32 }, (_, i) => i)] },
    });
    expect(made).toEqual(read("ed25519-manifest.bin"));
  });

  it("makes imgtool's bytes with block digests as a custom TLV", () => {
    const made = signImage({
      payload: read("payload.bin"),
      version: version("1.2.3"),
      headerSize: 0x80,
      signer,
      crypto,
      securityCounter: 7,
      blockDigests: true,
    });
    expect(made).toEqual(read("ed25519-block-digests.bin"));
  });

  it("refuses sizes that the header cannot hold", () => {
    const base = { payload: new Uint8Array(8), version: version("1.0.0"), signer, crypto };
    expect(() => signImage({ ...base, headerSize: 31 })).toThrow("header size 31, expected 32");
    expect(() => signImage({ ...base, headerSize: 32, payload: new Uint8Array(0) })).toThrow(
      "payload size 0",
    );
    expect(() => signImage({ ...base, headerSize: 32, securityCounter: 2 ** 32 })).toThrow(
      "security counter",
    );
  });
});

describe("parseManifest", () => {
  it("refuses what does not agree with itself", () => {
    const good = encodeManifest({ format: 1, imageHashes: [new Uint8Array(32)] });
    expect(parseManifest(good).imageHashes).toHaveLength(1);
    expect(() => parseManifest(good.subarray(0, 39))).toThrow("39 bytes for 1 hashes, expected 40");
    expect(() => parseManifest(new Uint8Array(8))).toThrow("format 0, expected 1");
    expect(() => parseManifest(new Uint8Array([1, 0, 0, 0, 255, 255, 255, 255]))).toThrow(
      "4294967295 image hashes, expected at most 3",
    );
    expect(() => encodeManifest({ format: 1, imageHashes: [new Uint8Array(31)] })).toThrow("31");
  });
});

describe("versions", () => {
  it("are parsed, printed and ordered", () => {
    expect(formatVersion(parseVersion("1.2.3+4"))).toBe("1.2.3+4");
    expect(formatVersion(parseVersion("255.255.65535+0"))).toBe("255.255.65535");
    expect(compareVersions(version("1.2.3"), version("1.2.3+1"))).toBeLessThan(0);
    expect(compareVersions(version("2.0.0"), version("1.255.65535+9"))).toBeGreaterThan(0);
    expect(compareVersions(version("1.0.0"), version("1.0.0+0"))).toBe(0);
  });

  it.each([
    "",
    "1",
    "1.2",
    "256.0.0",
    "1.0.65536",
    "1.0.0+4294967296",
    "1.0.0-rc1",
    "v1.0.0",
    " 1.0.0",
  ])("are refused as %j", (text) => {
    expect(() => parseVersion(text)).toThrow("expected major.minor.revision[+build]");
  });
});
