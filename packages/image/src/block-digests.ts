// SPDX-License-Identifier: Apache-2.0
import { FormatError, concatBytes, digestOf, hex, struct, u32 } from "@tandem/base";
import type { Crypto } from "@tandem/base";

/**
 * Content of the block digests TLV: a SHA-256 digest of every `blockBytes` bytes of header and
 * payload, the last block being shorter. It lets a lost range be judged without the whole image.
 * @see docs/image-format.md
 */
export interface BlockDigests {
  /** A power of two. */
  readonly blockBytes: number;
  /** 32 bytes each. */
  readonly digests: readonly Uint8Array[];
}

/** `TBD1`. Vendors' types belong to nobody: the magic tells Tandem's TLV from another's. */
const BLOCK_DIGESTS_MAGIC = 0x31444254;

/** Least block size, bytes; also what images of up to 1 MiB have. */
export const MIN_DIGEST_BLOCK_BYTES = 0x4000;

/** Most digests in one TLV: they take half of the largest TLV area. */
export const MAX_BLOCK_DIGESTS = 64;

const DIGEST_BYTES = 32;

const HEAD = struct<{ magic: number; blockBytes: number }>("tandem_block_digests", {
  magic: u32,
  blockBytes: u32,
});

/** Digests of header and payload, in the smallest blocks that make few enough of them. */
export function computeBlockDigests(covered: Uint8Array, crypto: Crypto): BlockDigests {
  const blockBytes = blockBytesFor(covered.length);
  const digests: Uint8Array[] = [];
  for (let at = 0; at < covered.length; at += blockBytes) {
    digests.push(digestOf(crypto, covered.subarray(at, at + blockBytes)));
  }
  return { blockBytes, digests };
}

/** Bytes that the TLV's value takes for an image whose header and payload have this size. */
export function blockDigestsSize(coveredBytes: number): number {
  return HEAD.size + Math.ceil(coveredBytes / blockBytesFor(coveredBytes)) * DIGEST_BYTES;
}

function blockBytesFor(coveredBytes: number): number {
  let blockBytes = MIN_DIGEST_BLOCK_BYTES;
  while (Math.ceil(coveredBytes / blockBytes) > MAX_BLOCK_DIGESTS) blockBytes *= 2;
  return blockBytes;
}

/** Value of the block digests TLV. */
export function encodeBlockDigests({ blockBytes, digests }: BlockDigests): Uint8Array {
  return concatBytes(HEAD.encode({ magic: BLOCK_DIGESTS_MAGIC, blockBytes }), ...digests);
}

/** True when the value of a TLV of this type is Tandem's, sound or not. */
export function isBlockDigests(value: Uint8Array): boolean {
  return value.length >= HEAD.size && HEAD.parse(value).magic === BLOCK_DIGESTS_MAGIC;
}

/**
 * Block digests from the value of their TLV.
 * @param coveredBytes size of header and payload
 * @throws {FormatError} image/bad-block-digests when block size, number of digests, length and
 * `coveredBytes` do not agree
 */
export function parseBlockDigests(value: Uint8Array, coveredBytes: number): BlockDigests {
  if (!isBlockDigests(value)) {
    throw bad(`no magic in ${value.length} bytes, expected ${hex(BLOCK_DIGESTS_MAGIC)}`);
  }
  const { blockBytes } = HEAD.parse(value);
  const isPowerOfTwo = blockBytes !== 0 && (blockBytes & (blockBytes - 1)) === 0;
  if (!isPowerOfTwo || blockBytes < MIN_DIGEST_BLOCK_BYTES) {
    const least = hex(MIN_DIGEST_BLOCK_BYTES);
    throw bad(`block size ${hex(blockBytes)}, expected a power of two from ${least} on`);
  }
  const count = Math.ceil(coveredBytes / blockBytes);
  if (count > MAX_BLOCK_DIGESTS) {
    throw bad(`blocks of ${blockBytes} bytes make ${count}, expected at most ${MAX_BLOCK_DIGESTS}`);
  }
  const expected = HEAD.size + count * DIGEST_BYTES;
  if (value.length !== expected) {
    throw bad(`${value.length} bytes, expected ${expected} for ${count} digests`);
  }
  const digests = Array.from({ length: count }, (_, i) => {
    const start = HEAD.size + i * DIGEST_BYTES;
    return value.slice(start, start + DIGEST_BYTES);
  });
  return { blockBytes, digests };
}

function bad(message: string): FormatError {
  return new FormatError("image/bad-block-digests", `block digests TLV: ${message}`);
}
