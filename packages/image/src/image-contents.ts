// SPDX-License-Identifier: Apache-2.0
import { FormatError, bytesEqual, hex, toHex } from "@tandem/base";
import type { Crypto, Hasher } from "@tandem/base";

import {
  IMAGE_HEADER_SIZE,
  IMAGE_MAGIC,
  IMAGE_TLV_INFO_MAGIC,
  IMAGE_TLV_PROT_INFO_MAGIC,
  IMAGE_TLV_SHA256,
  IMAGE_TLV_SHA384,
  IMAGE_TLV_SHA512,
  isCompressed,
  isEncrypted,
  tlvName,
} from "./constants.js";
import { IMAGE_HEADER_LAYOUT } from "./image-header.js";
import type { ImageHeader } from "./image-header.js";
import type { ImageSource } from "./image-source.js";
import { areaSizeProblem } from "./image.js";
import { problem } from "./problem.js";
import type { ImageProblem } from "./problem.js";
import { readProtectedTlvs, unprotectedTlvProblem } from "./protected-tlvs.js";
import type { ProtectedFacts } from "./protected-tlvs.js";
import { SequentialReader } from "./sequential-reader.js";
import { TLV_INFO_LAYOUT, parseTlvArea } from "./tlv.js";
import type { PlacedTlv } from "./tlv.js";

/** Bytes per read unless told otherwise: the page of an SPI NAND. */
export const DEFAULT_CHUNK_BYTES = 2048;

/** What an image says of itself, once its hash has been found right. */
export interface ImageContents extends ProtectedFacts {
  readonly header: ImageHeader;
  /** Bytes from the header to the last TLV, inclusive. */
  readonly totalSize: number;
  /** SHA-256 of header, payload and protected TLVs: the hash TLV. */
  readonly hash: Uint8Array;
  /** SHA-256 over the whole source; null unless `wholeFile` was asked for. */
  readonly fileDigest: Uint8Array | null;
}

/** How an image is read. */
export interface ReadImageOptions {
  readonly crypto: Crypto;
  /** Also digest the whole source, in the same pass. */
  readonly wholeFile?: boolean;
  /** Refuse bytes behind the last TLV: for files; slots are larger than their images. */
  readonly exactSize?: boolean;
  /** Bytes per read; reads begin at multiples of it. */
  readonly chunkBytes?: number;
}

/** Outcome of {@link inspectImage}. */
export type ImageInspection =
  | { readonly ok: true; readonly contents: ImageContents }
  | { readonly ok: false; readonly problem: ImageProblem };

/** Contents together with the TLVs that no signature covers. */
export type HashedImage =
  | { readonly ok: true; readonly contents: ImageContents; readonly tlvs: readonly PlacedTlv[] }
  | { readonly ok: false; readonly problem: ImageProblem };

type Failure = Extract<HashedImage, { ok: false }>;

/**
 * Reads an image and checks everything but the signature: for people who look at a file without
 * having its key. Whoever wants to install or start it uses `verifyImage`.
 */
export function inspectImage(source: ImageSource, options: ReadImageOptions): ImageInspection {
  const image = readHashedImage(source, options);
  return image.ok ? { ok: true, contents: image.contents } : image;
}

/** One pass over the source: structure, hash, protected TLVs. */
export function readHashedImage(source: ImageSource, options: ReadImageOptions): HashedImage {
  const fileHash = options.wholeFile === true ? options.crypto.createHash("sha256") : null;
  const reader = new SequentialReader(source, options.chunkBytes ?? DEFAULT_CHUNK_BYTES, fileHash);
  if (source.size < IMAGE_HEADER_SIZE) {
    return truncated("image header", 0, IMAGE_HEADER_SIZE, source.size);
  }
  const headerBytes = reader.take(IMAGE_HEADER_SIZE);
  const header = IMAGE_HEADER_LAYOUT.parse(headerBytes);
  const headerProblem = checkHeader(header, source.size);
  if (headerProblem !== null) return headerProblem;

  const hasher = options.crypto.createHash("sha256");
  hasher.update(headerBytes);
  reader.hash(header.headerSize - IMAGE_HEADER_SIZE + header.imageSize, hasher);
  const protectedArea = takeProtectedArea(reader, header, hasher);
  if (!protectedArea.ok) return protectedArea;
  const area = takeArea(reader, IMAGE_TLV_INFO_MAGIC, source.size);
  if (!area.ok) return area;
  const hash = hasher.digest();
  const hashProblem = checkHash(area.tlvs, hash, reader.offset);
  if (hashProblem !== null) return hashProblem;
  const facts = readProtectedTlvs(protectedArea.tlvs, header.headerSize + header.imageSize);
  if (!facts.ok) return facts;

  const totalSize = reader.offset;
  if (options.exactSize === true && totalSize !== source.size) {
    const excess = source.size - totalSize;
    const message = `${excess} bytes behind the image, expected its end at ${hex(totalSize)}`;
    return problem("trailing-bytes", message, totalSize);
  }
  if (fileHash !== null) reader.skipToEnd();
  const fileDigest = fileHash?.digest() ?? null;
  const contents = { header, totalSize, hash, ...facts.protectedFacts, fileDigest };
  return { ok: true, contents, tlvs: area.tlvs };
}

function checkHeader(header: ImageHeader, sourceSize: number): Failure | null {
  if (header.magic !== IMAGE_MAGIC) {
    const found = hex(header.magic, 8);
    return problem(
      "bad-magic",
      `image header at 0x0: magic ${found}, expected ${hex(IMAGE_MAGIC)}`,
      0,
    );
  }
  if (isEncrypted(header.flags)) {
    return problem(
      "encrypted",
      `image header at 0x10: flags ${hex(header.flags)}, expected an image that is not encrypted`,
      16,
    );
  }
  if (isCompressed(header.flags)) {
    return problem(
      "unsupported",
      `image header at 0x10: flags ${hex(header.flags)}, expected an image that is not compressed`,
      16,
    );
  }
  if (header.headerSize < IMAGE_HEADER_SIZE) {
    return problem(
      "bad-header",
      `image header at 0x8: header size ${header.headerSize}, expected at least ${IMAGE_HEADER_SIZE}`,
      8,
    );
  }
  if (header.imageSize === 0) {
    return problem("bad-header", "image header at 0xc: image size 0, expected a payload", 12);
  }
  const needed =
    header.headerSize + header.imageSize + header.protectedTlvSize + TLV_INFO_LAYOUT.size;
  return needed > sourceSize ? truncated("image", 0, needed, sourceSize) : null;
}

type Area = { readonly ok: true; readonly tlvs: readonly PlacedTlv[] } | Failure;

function takeProtectedArea(reader: SequentialReader, header: ImageHeader, hasher: Hasher): Area {
  const size = header.protectedTlvSize;
  if (size === 0) return { ok: true, tlvs: [] };
  const start = reader.offset;
  const sizeProblem = areaSizeProblem(size, IMAGE_TLV_PROT_INFO_MAGIC);
  if (sizeProblem !== null) {
    return problem("bad-tlv", `protected TLV area at ${hex(start)}: ${sizeProblem}`, start);
  }
  const area = reader.take(size);
  hasher.update(area);
  const info = TLV_INFO_LAYOUT.parse(area);
  if (info.magic !== IMAGE_TLV_PROT_INFO_MAGIC || info.total !== size) {
    return problem(
      "bad-tlv",
      `protected TLV area at ${hex(start)}: magic ${hex(info.magic, 4)} and total ${info.total}, ` +
        `expected ${hex(IMAGE_TLV_PROT_INFO_MAGIC)} and ${size}`,
      start,
    );
  }
  return parseArea(area, start);
}

function takeArea(reader: SequentialReader, magic: number, sourceSize: number): Area {
  const start = reader.offset;
  const infoBytes = reader.take(TLV_INFO_LAYOUT.size);
  const info = TLV_INFO_LAYOUT.parse(infoBytes);
  if (info.magic !== magic) {
    const found = hex(info.magic, 4);
    return problem(
      "bad-tlv",
      `TLV area at ${hex(start)}: magic ${found}, expected ${hex(magic)}`,
      start,
    );
  }
  const sizeProblem = areaSizeProblem(info.total, magic);
  if (sizeProblem !== null) {
    return problem("bad-tlv", `TLV area at ${hex(start)}: ${sizeProblem}`, start);
  }
  if (start + info.total > sourceSize) {
    return truncated("TLV area", start, info.total, sourceSize - start);
  }
  const area = new Uint8Array(info.total);
  area.set(infoBytes);
  area.set(reader.take(info.total - infoBytes.length), infoBytes.length);
  const parsed = parseArea(area, start);
  if (!parsed.ok) return parsed;
  for (const tlv of parsed.tlvs) {
    const refused = unprotectedTlvProblem(tlv);
    if (refused !== null) return { ok: false, problem: refused };
  }
  return parsed;
}

function parseArea(area: Uint8Array, start: number): Area {
  try {
    return { ok: true, tlvs: parseTlvArea(area, start) };
  } catch (error) {
    if (error instanceof FormatError) return problem("bad-tlv", error.message, start);
    throw error;
  }
}

function checkHash(tlvs: readonly PlacedTlv[], hash: Uint8Array, end: number): Failure | null {
  const other = tlvs.find(({ type }) => type === IMAGE_TLV_SHA384 || type === IMAGE_TLV_SHA512);
  if (other !== undefined) {
    const name = tlvName(other.type);
    return problem(
      "unsupported",
      `TLV at ${hex(other.offsetBytes)}: ${name}, expected SHA256`,
      other.offsetBytes,
    );
  }
  const [found, second] = tlvs.filter(({ type }) => type === IMAGE_TLV_SHA256);
  if (found === undefined) {
    return problem("no-hash", `TLV area before ${hex(end)}: no SHA256, expected one`);
  }
  if (second !== undefined) {
    const at = second.offsetBytes;
    return problem("bad-tlv", `TLV at ${hex(at)}: second SHA256, expected one`, at);
  }
  if (bytesEqual(found.value, hash)) return null;
  return problem(
    "hash-mismatch",
    `SHA256 at ${hex(found.offsetBytes)}: ${toHex(found.value.subarray(0, 32))}, ` +
      `expected ${toHex(hash)} as computed`,
    found.offsetBytes,
  );
}

function truncated(what: string, offset: number, expected: number, found: number): Failure {
  const message = `${what} at ${hex(offset)}: ${found} bytes, expected ${expected}`;
  return problem("truncated", message, offset);
}
