// SPDX-License-Identifier: Apache-2.0
import { TransportError, createRandom } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { bytesSource, parseImage, parseVersion, signImage } from "@tandem/image";
import type { ImageSource } from "@tandem/image";
import { signerFromSeed } from "@tandem/image/node";
import type { FoundBytes } from "@tandem/store";
import { describe, expect, it } from "vitest";

import { checkFoundBytes } from "./found-bytes.js";

const PAGE = 2048;
const SIGN = {
  payload: createRandom(1).bytes(40_000),
  version: parseVersion("1.0.0"),
  headerSize: 0x200,
  signer: signerFromSeed(new Uint8Array(32)),
  crypto: nodeCrypto,
};
/** Three digest blocks: 0, 0x4000 and 0x8000 to 0x9e40, which is in page 19, with the TLVs. */
const IMAGE = signImage({ ...SIGN, blockDigests: true });
const PLAIN = signImage(SIGN);

/** The pages from one on, as they were. */
function found(page: number, count = 1, image = IMAGE): FoundBytes {
  const offsetBytes = page * PAGE;
  const bytes = image.slice(offsetBytes, offsetBytes + count * PAGE);
  return { range: { bank: 1, image: 0, offsetBytes, lengthBytes: bytes.length }, bytes };
}

/** The same place with one other bit. */
function wrong(right: FoundBytes): FoundBytes {
  const bytes = right.bytes.slice();
  bytes[5] = (bytes[5] ?? 0) ^ 1;
  return { ...right, bytes };
}

/** An image of which some pages cannot be read. */
function without(lost: readonly FoundBytes[], image = IMAGE): ImageSource {
  const whole = bytesSource(image);
  return {
    size: whole.size,
    read: (offset, length) => {
      for (const { range } of lost) {
        const end = range.offsetBytes + range.lengthBytes;
        if (offset < end && offset + length > range.offsetBytes) {
          throw new TransportError("store/unreadable", "lost", { details: { offset } });
        }
      }
      return whole.read(offset, length);
    },
  };
}

/** Judges what is to be written, all of what was lost being found. */
function check(written: readonly FoundBytes[], others: readonly FoundBytes[] = []): void {
  const all = [...written, ...others];
  checkFoundBytes(without(all), written, all, nodeCrypto);
}

describe("checkFoundBytes", () => {
  it.each([
    ["the page of the header", 0, 1],
    ["a page in the middle", 3, 1],
    ["pages of two digest blocks", 7, 2],
    ["all pages before the TLVs", 0, 19],
  ])("takes %s as it was, and refuses it with another bit", (_, page, count) => {
    const right = found(page, count);
    expect(() => check([right])).not.toThrow();
    expect(() => check([wrong(right)])).toThrow(
      expect.objectContaining({ code: "update/repair-mismatch" }),
    );
  });

  it("names place, found and expected", () => {
    expect(() => check([wrong(found(9))])).toThrow(
      /^image 0 of bank 1: bytes 0x4000 to 0x8000 with those .* SHA-256 [\da-f]{64}, expected [\da-f]{64} as signed$/,
    );
  });

  it("judges ranges of one digest block together, and each by its own block only", () => {
    expect(() => check([found(1)], [found(5)])).not.toThrow();
    expect(() => check([found(1)], [wrong(found(5))])).toThrow("0x0 to 0x4000");
    expect(() => check([found(1)], [wrong(found(9))])).not.toThrow();
    expect(() => check([found(1), wrong(found(9))])).toThrow("0x4000 to 0x8000");
  });

  it("passes what cannot be judged: more is lost, the digests are lost, there are none", () => {
    const some = wrong(found(1));
    const more = without([some, found(5)]);
    expect(() => checkFoundBytes(more, [some], [some], nodeCrypto)).not.toThrow();
    const tlvs = without([some, found(19)]);
    expect(() => checkFoundBytes(tlvs, [some], [some], nodeCrypto)).not.toThrow();
    const plain = without([some], PLAIN);
    expect(() => checkFoundBytes(plain, [some], [some], nodeCrypto)).not.toThrow();
    const header = { ...found(0), bytes: new Uint8Array(PAGE) };
    expect(() => check([header])).not.toThrow();
    expect(() => check([])).not.toThrow();
  });

  it("does not let bytes vouch for themselves", () => {
    const page = found(19);
    const { header } = parseImage(IMAGE);
    expect(page.range.offsetBytes).toBeLessThan(header.headerSize + header.imageSize);
    expect(() => check([wrong(found(18)), page])).not.toThrow();
    expect(() => check([wrong(found(18))])).toThrow("0x8000 to 0x9e40");
  });

  it("lets through what is not about lost pages", () => {
    const source: ImageSource = {
      size: IMAGE.length,
      read: () => {
        throw new RangeError("power");
      },
    };
    expect(() => checkFoundBytes(source, [found(1)], [found(1)], nodeCrypto)).toThrow("power");
  });
});
