// SPDX-License-Identifier: Apache-2.0
import { createRandom, digestOf } from "@tandem/base";
import { nodeCrypto as crypto } from "@tandem/base/node";
import { describe, expect, it } from "vitest";

import { MAX_BLOCK_DIGESTS, MIN_DIGEST_BLOCK_BYTES } from "./block-digests.js";
import { bytesSource } from "./image-source.js";
import { signerFromSeed } from "./node/keys.js";
import { signImage } from "./sign-image.js";
import { readBlockDigests } from "./stored-digests.js";
import { inspectImage } from "./image-contents.js";

const HEADER_SIZE = 0x200;

function sign(payloadBytes: number, blockDigests = true): Uint8Array {
  return signImage({
    payload: createRandom(payloadBytes).bytes(payloadBytes),
    version: { major: 1, minor: 0, revision: 0, build: 0 },
    headerSize: HEADER_SIZE,
    signer: signerFromSeed(new Uint8Array(32)),
    crypto,
    blockDigests,
  });
}

describe("readBlockDigests", () => {
  it.each([
    ["one short block", 1, 0x4000, 1],
    ["one full block", MIN_DIGEST_BLOCK_BYTES - HEADER_SIZE, 0x4000, 1],
    ["a full block and a byte", MIN_DIGEST_BLOCK_BYTES - HEADER_SIZE + 1, 0x4000, 2],
    ["as many as there may be", 0x4000 * MAX_BLOCK_DIGESTS - HEADER_SIZE, 0x4000, 64],
    ["larger blocks", 0x4000 * MAX_BLOCK_DIGESTS - HEADER_SIZE + 1, 0x8000, 33],
  ])("finds the digests of %s", (_, payloadBytes, blockBytes, count) => {
    const bytes = sign(payloadBytes);
    const found = readBlockDigests(bytesSource(bytes));
    const coveredBytes = HEADER_SIZE + payloadBytes;
    expect(found).toMatchObject({ blockBytes, coveredBytes });
    expect(found?.digests).toEqual(
      Array.from({ length: count }, (__, i) =>
        digestOf(
          crypto,
          bytes.subarray(i * blockBytes, Math.min((i + 1) * blockBytes, coveredBytes)),
        ),
      ),
    );
    expect(inspectImage(bytesSource(bytes), { crypto })).toMatchObject({
      ok: true,
      contents: { blockDigests: { blockBytes, digests: found?.digests } },
    });
  });

  it("reads nothing of the payload, which may be lost", () => {
    const bytes = sign(50_000);
    const source = bytesSource(bytes);
    const reads: [number, number][] = [];
    readBlockDigests({
      size: source.size,
      read: (offset, length) => {
        reads.push([offset, length]);
        return source.read(offset, length);
      },
    });
    expect(reads).toEqual([
      [0, 32],
      [HEADER_SIZE + 50_000, 4 + 4 + 8 + 4 * 32],
    ]);
  });

  it("finds none where there are none that are sound", () => {
    expect(readBlockDigests(bytesSource(sign(100, false)))).toBeNull();
    expect(readBlockDigests(bytesSource(new Uint8Array(8)))).toBeNull();
    expect(readBlockDigests(bytesSource(new Uint8Array(4096)))).toBeNull();
    const bytes = sign(100);
    expect(readBlockDigests(bytesSource(bytes.subarray(0, HEADER_SIZE + 120)))).toBeNull();
    const areaAt = HEADER_SIZE + 100;
    // Magic of the area, length of the TLV, block size.
    for (const at of [areaAt, areaAt + 6, areaAt + 12]) {
      const spoilt = bytes.slice();
      spoilt[at] = (spoilt[at] ?? 0) ^ 0x41;
      expect(readBlockDigests(bytesSource(spoilt)), `byte ${at}`).toBeNull();
    }
  });
});
