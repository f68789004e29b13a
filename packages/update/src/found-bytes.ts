// SPDX-License-Identifier: Apache-2.0
import { FormatError, bytesEqual, hex, toHex } from "@tandem/base";
import type { Crypto } from "@tandem/base";
import { readBlockDigests } from "@tandem/image";
import type { ImageSource, StoredDigests } from "@tandem/image";
import type { FoundBytes } from "@tandem/store";

import { unreadableOffset } from "./verify-bank.js";

/** Bytes per read while a block is hashed: the page of an SPI NAND. */
const CHUNK_BYTES = 2048;

/**
 * Holds bytes that were lost and found again against the digests that were signed with their image.
 * Every digest block that they touch is read as it would be with them. Passes what cannot be
 * judged: an image without digests, one that has lost those too (or whose header, found, does not
 * lead to them), TLVs, and a block that has lost more than was found.
 * @param stored the image as it can still be read
 * @param written what is about to be written
 * @param found all bytes at hand for the image, `written` included
 * @throws {FormatError} update/repair-mismatch
 */
export function checkFoundBytes(
  stored: ImageSource,
  written: readonly FoundBytes[],
  found: readonly FoundBytes[],
  crypto: Crypto,
): void {
  const [first] = written;
  if (first === undefined) return;
  const { bank, image: imageIndex } = first.range;
  const image = withFound(stored, found);
  const signed = signedDigests(image, found);
  if (signed === null) return;
  for (const index of touchedBlocks(written, signed)) {
    const start = index * signed.blockBytes;
    const end = Math.min(start + signed.blockBytes, signed.coveredBytes);
    const expected = signed.digests[index];
    const digest = digestOfBlock(image, start, end, crypto);
    if (digest === null || expected === undefined || bytesEqual(digest, expected)) continue;
    throw new FormatError(
      "update/repair-mismatch",
      `image ${imageIndex} of bank ${bank}: bytes ${hex(start)} to ${hex(end)} with those to be ` +
        `put back have SHA-256 ${toHex(digest)}, expected ${toHex(expected)} as signed`,
      { details: { bank, image: imageIndex, offset: start, end, found: toHex(digest) } },
    );
  }
}

/** The image with what was found in place of what was lost, which is not read. */
function withFound(stored: ImageSource, found: readonly FoundBytes[]): ImageSource {
  const pieces = found.toSorted((a, b) => a.range.offsetBytes - b.range.offsetBytes);
  return {
    size: stored.size,
    read: (offsetBytes, length) => {
      const bytes = new Uint8Array(length);
      const end = offsetBytes + length;
      let at = offsetBytes;
      const copyStored = (to: number): void => {
        if (to > at) bytes.set(stored.read(at, to - at), at - offsetBytes);
      };
      for (const { range, bytes: piece } of pieces) {
        const start = range.offsetBytes;
        const from = Math.max(at, start);
        const to = Math.min(end, start + piece.length);
        if (from >= to) continue;
        copyStored(from);
        bytes.set(piece.subarray(from - start, to - start), from - offsetBytes);
        at = to;
      }
      copyStored(end);
      return bytes;
    },
  };
}

/** The digests, if the device still has them itself: bytes cannot vouch for themselves. */
function signedDigests(image: ImageSource, found: readonly FoundBytes[]): StoredDigests | null {
  try {
    const signed = readBlockDigests(image);
    if (signed === null) return null;
    const { coveredBytes: start, areaBytes } = signed;
    const wereLost = found.some(
      ({ range }) =>
        range.offsetBytes < start + areaBytes && range.offsetBytes + range.lengthBytes > start,
    );
    return wereLost ? null : signed;
  } catch (error) {
    unreadableOffset(error);
    return null;
  }
}

function touchedBlocks(written: readonly FoundBytes[], signed: StoredDigests): Set<number> {
  const { blockBytes, digests } = signed;
  const touched = new Set<number>();
  for (const { range } of written) {
    const first = Math.floor(range.offsetBytes / blockBytes);
    const last = Math.floor((range.offsetBytes + range.lengthBytes - 1) / blockBytes);
    for (let i = first; i <= Math.min(last, digests.length - 1); i++) touched.add(i);
  }
  return touched;
}

/** Null when other bytes of the block are lost as well. */
function digestOfBlock(
  image: ImageSource,
  start: number,
  end: number,
  crypto: Crypto,
): Uint8Array | null {
  const hasher = crypto.createHash("sha256");
  try {
    for (let at = start; at < end; at += CHUNK_BYTES) {
      hasher.update(image.read(at, Math.min(CHUNK_BYTES, end - at)));
    }
  } catch (error) {
    unreadableOffset(error);
    return null;
  }
  return hasher.digest();
}
