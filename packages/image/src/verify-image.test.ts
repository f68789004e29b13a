// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";

import { digestOf } from "@tandem/base";
import { nodeCrypto as crypto } from "@tandem/base/node";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { computeBlockDigests, encodeBlockDigests } from "./block-digests.js";
import { TANDEM_TLV_BLOCK_DIGESTS } from "./constants.js";
import { inspectImage } from "./image-contents.js";
import { bytesSource } from "./image-source.js";
import type { ImageSource } from "./image-source.js";
import { encodeImage, parseImage } from "./image.js";
import type { Image } from "./image.js";
import { loadPublicKey, signerFromSeed } from "./node/keys.js";
import { signImage } from "./sign-image.js";
import { readBlockDigests } from "./stored-digests.js";
import { verifyImage } from "./verify-image.js";

const FIXTURES = new URL("../../../test/fixtures/image/", import.meta.url);
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, FIXTURES)));
const keyOf = (name: string) =>
  loadPublicKey(readFileSync(new URL(`${name}.pub.pem`, FIXTURES), "utf8"), { name });

const ED25519 = keyOf("ed25519");
const verify = (bytes: Uint8Array, options = {}) =>
  verifyImage(bytesSource(bytes), { crypto, keys: [ED25519], ...options });
const codeOf = (bytes: Uint8Array, options = {}): string => {
  const verdict = verify(bytes, options);
  return verdict.ok ? "ok" : verdict.problem.code;
};

const signer = signerFromSeed(Uint8Array.from({ length: 32 }, (_, i) => i));
const PLAIN = signImage({
  payload: read("payload.bin"),
  version: { major: 1, minor: 0, revision: 0, build: 0 },
  headerSize: 32,
  signer,
  crypto,
});
const change = (edit: (image: Image) => Partial<Image>): Uint8Array => {
  const image = parseImage(PLAIN);
  return encodeImage({ ...image, ...edit(image) });
};

/** Verdict on an image of 40 bytes with these values in the block digests TLV. */
const codeOfDigests = (...values: readonly Uint8Array[]): string =>
  codeOf(
    signImage({
      payload: new Uint8Array(8),
      version: { major: 1, minor: 0, revision: 0, build: 0 },
      headerSize: 32,
      signer,
      crypto,
      extraProtectedTlvs: values.map((value) => ({ type: TANDEM_TLV_BLOCK_DIGESTS, value })),
    }),
  );

describe("verifyImage on images of imgtool", () => {
  it.each(["ed25519", "ecdsa-p256", "rsa-2048", "rsa-3072"])("accepts %s", (name) => {
    const verdict = verify(read(`${name}.bin`), { keys: [ED25519, keyOf(name)], exactSize: true });
    expect(verdict).toMatchObject({
      ok: true,
      facts: {
        keyIndex: name === "ed25519" ? 0 : 1,
        totalSize: read(`${name}.bin`).length,
        securityCounter: 7,
        manifest: null,
        dependencies: [
          { imageIndex: 1, minVersion: { major: 1, minor: 2, revision: 3, build: 4 } },
          { imageIndex: 2, minVersion: { major: 0, minor: 9, revision: 0, build: 0 } },
        ],
        fileDigest: null,
      },
    });
  });

  it.each(["ed25519", "ecdsa-p256", "rsa-2048", "rsa-3072", "ed25519-manifest"])(
    "rejects every single flipped bit in header, payload and protected TLVs of %s",
    (name) => {
      const bytes = read(`${name}.bin`);
      const keys = [ED25519, keyOf(name.replace("-manifest", ""))];
      const { header } = parseImage(bytes);
      const covered = header.headerSize + header.imageSize + header.protectedTlvSize;
      const accepted: number[] = [];
      for (let bit = 0; bit < covered * 8; bit++) {
        const flipped = bytes.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        if (verify(flipped, { keys }).ok) accepted.push(bit);
      }
      expect(accepted).toEqual([]);
    },
  );

  it("reads a manifest, a public key in place of its hash, and UUIDs", () => {
    const manifest = verify(read("ed25519-manifest.bin"));
    const hash = verify(read("ed25519.bin"));
    expect(manifest.ok && hash.ok && manifest.facts.manifest).toEqual({
      format: 1,
      imageHashes: [hash.ok ? hash.facts.hash : null, Uint8Array.from({ length: 32 }, (_, i) => i)],
    });
    const full = verify(read("ed25519-pubkey-uuid.bin"));
    expect(full.ok && [full.facts.vendorId?.length, full.facts.classId?.length]).toEqual([16, 16]);
  });

  it("reads block digests", () => {
    const verdict = verify(read("ed25519-block-digests.bin"));
    const covered = read("ed25519-block-digests.bin").subarray(0, 0x80 + 1000);
    expect(verdict.ok && verdict.facts.blockDigests).toEqual({
      blockBytes: 0x4000,
      digests: [digestOf(crypto, covered)],
    });
    expect(verify(read("ed25519.bin"))).toMatchObject({ facts: { blockDigests: null } });
  });

  it("allows bytes behind the image in a slot and refuses them in a file", () => {
    expect(codeOf(read("ed25519-padded.bin"))).toBe("ok");
    expect(codeOf(read("ed25519-padded.bin"), { exactSize: true })).toBe("trailing-bytes");
  });

  it("names encryption as the reason", () => {
    expect(codeOf(read("encrypted.bin"))).toBe("encrypted");
  });
});

describe("verifyImage", () => {
  it("names what is missing, unknown or of the wrong kind", () => {
    expect(codeOf(new Uint8Array(4096).fill(0xff))).toBe("bad-magic");
    expect(codeOf(new Uint8Array(0))).toBe("truncated");
    expect(codeOf(PLAIN.subarray(0, PLAIN.length - 1))).toBe("truncated");
    expect(codeOf(change(({ header }) => ({ header: { ...header, flags: 0x400 } })))).toBe(
      "unsupported",
    );
    expect(codeOf(change(({ tlvs }) => ({ tlvs: tlvs.slice(1) })))).toBe("no-hash");
    expect(codeOf(change(({ tlvs }) => ({ tlvs: [...tlvs, ...tlvs] })))).toBe("bad-tlv");
    expect(codeOf(change(({ tlvs }) => ({ tlvs: tlvs.slice(0, 1) })))).toBe("no-signature");
    expect(codeOf(change(({ tlvs }) => ({ tlvs: tlvs.toReversed() })))).toBe("no-signature");
    expect(codeOf(PLAIN, { keys: [] })).toBe("unknown-key");
    expect(codeOf(PLAIN, { keys: [keyOf("rsa-2048")] })).toBe("unknown-key");
    const asRsa = change(({ tlvs }) => ({
      tlvs: tlvs.map((tlv) => (tlv.type === 0x24 ? { ...tlv, type: 0x20 } : tlv)),
    }));
    expect(codeOf(asRsa)).toBe("key-type-mismatch");
    const lastByte = PLAIN.slice();
    lastByte[lastByte.length - 1] = (lastByte.at(-1) ?? 0) ^ 1;
    expect(codeOf(lastByte)).toBe("bad-signature");
  });

  it("refuses outside the protected area what only a signature makes true", () => {
    for (const type of [0x50, 0x76, 0x40, 0x74, 0x75, 0xa0]) {
      const value = new Uint8Array(type === 0x50 ? 4 : 16);
      expect(codeOf(change(({ tlvs }) => ({ tlvs: [...tlvs, { type, value }] })))).toBe("bad-tlv");
    }
  });

  it("refuses what has no meaning inside the protected area", () => {
    const word = new Uint8Array(4);
    const sets = [
      [
        { type: 0x50, value: word },
        { type: 0x50, value: word },
      ],
      [{ type: 0x50, value: new Uint8Array(5) }],
      [{ type: 0x76, value: word }],
      [{ type: 0x40, value: word }],
      [{ type: 0x10, value: new Uint8Array(32) }],
    ];
    for (const extraProtectedTlvs of sets) {
      const bytes = signImage({
        payload: new Uint8Array(8),
        version: { major: 1, minor: 0, revision: 0, build: 0 },
        headerSize: 32,
        signer,
        crypto,
        extraProtectedTlvs,
      });
      expect(codeOf(bytes)).toBe("bad-tlv");
    }
  });

  it("refuses block digests that do not fit the image, and leaves another vendor's TLV alone", () => {
    const sound = encodeBlockDigests(computeBlockDigests(new Uint8Array(40), crypto));
    const withBlockBytes = (blockBytes: number): Uint8Array => {
      const value = sound.slice();
      new DataView(value.buffer).setUint32(4, blockBytes, true);
      return value;
    };
    expect(codeOfDigests(sound)).toBe("ok");
    expect(codeOfDigests(sound, sound)).toBe("bad-tlv");
    expect(codeOfDigests(sound.subarray(0, 39))).toBe("bad-tlv");
    expect(codeOfDigests(sound.subarray(0, 8))).toBe("bad-tlv");
    for (const blockBytes of [0, 1, 0x2000, 0x4001, 0xffff_ffff]) {
      expect(codeOfDigests(withBlockBytes(blockBytes))).toBe("bad-tlv");
    }
    expect(codeOfDigests(withBlockBytes(0x8000_0000))).toBe("ok");
    expect(codeOfDigests(new Uint8Array(0), new Uint8Array(40), sound.subarray(1))).toBe("ok");
  });

  it("takes the first of several signatures that a trusted key made", () => {
    const other = signerFromSeed(new Uint8Array(32));
    const foreign = parseImage(
      signImage({
        payload: read("payload.bin"),
        version: { major: 1, minor: 0, revision: 0, build: 0 },
        headerSize: 32,
        signer: other,
        crypto,
      }),
    );
    const twice = change(({ tlvs }) => ({ tlvs: [...foreign.tlvs, ...tlvs.slice(1)] }));
    expect(verify(twice)).toMatchObject({ ok: true, facts: { keyIndex: 0 } });
    expect(codeOf(twice, { keys: [other.publicKey] })).toBe("ok");
  });

  it("reads the source once, in aligned chunks, and digests the whole of it", () => {
    const slot = new Uint8Array(5000).fill(0xff);
    slot.set(PLAIN);
    const reads: [number, number][] = [];
    const source: ImageSource = {
      size: slot.length,
      read: (offset, length) => {
        reads.push([offset, length]);
        return slot.subarray(offset, offset + length);
      },
    };
    const verdict = verifyImage(source, { crypto, keys: [ED25519], wholeFile: true });
    expect(reads).toEqual([
      [0, 2048],
      [2048, 2048],
      [4096, 904],
    ]);
    const digest = crypto.createHash("sha256");
    digest.update(slot);
    expect(verdict.ok && verdict.facts.fileDigest).toEqual(digest.digest());
  });

  it("gives the same verdict for every chunk size", () => {
    for (const chunkBytes of [1, 3, 32, 512, 4096]) {
      expect(codeOf(read("ed25519.bin"), { chunkBytes, wholeFile: true })).toBe("ok");
    }
  });

  it("lets errors of the medium through", () => {
    const source: ImageSource = {
      size: 4096,
      read: () => {
        throw new RangeError("lost page");
      },
    };
    expect(() => verifyImage(source, { crypto, keys: [] })).toThrow("lost page");
  });

  it("never throws and never reads outside, whatever the bytes", () => {
    const mutation = fc.record({
      base: fc.constantFrom(
        "ed25519.bin",
        "ed25519-manifest.bin",
        "ed25519-pubkey-uuid.bin",
        "ed25519-block-digests.bin",
      ),
      cut: fc.option(fc.nat(1400)),
      edits: fc.array(fc.tuple(fc.nat(1400), fc.nat(255)), { maxLength: 6 }),
    });
    const bases = new Map<string, Uint8Array>();
    fc.assert(
      fc.property(mutation, ({ base, cut, edits }) => {
        const original = bases.get(base) ?? read(base);
        bases.set(base, original);
        const bytes = original.slice(0, cut ?? undefined);
        for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
        const verdict = verify(bytes);
        const inspection = inspectImage(bytesSource(bytes), { crypto });
        expect(verdict.ok && !inspection.ok).toBe(false);
        // Without a hash that holds, so whatever the TLVs say.
        expect(readBlockDigests(bytesSource(bytes))?.coveredBytes ?? 0).toBeLessThan(1400);
      }),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
        const bytes = new Uint8Array([0x3d, 0xb8, 0xf3, 0x96, ...tail]);
        expect(verify(bytes).ok).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });
});
