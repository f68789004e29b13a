// SPDX-License-Identifier: Apache-2.0
import { FormatError, concatBytes, hex } from "@tandem/base";

import {
  IMAGE_HEADER_SIZE,
  IMAGE_MAGIC,
  IMAGE_TLV_INFO_MAGIC,
  IMAGE_TLV_PROT_INFO_MAGIC,
} from "./constants.js";
import { IMAGE_HEADER_LAYOUT } from "./image-header.js";
import type { ImageHeader } from "./image-header.js";
import { MAX_TLV_AREA_BYTES, TLV_INFO_LAYOUT, encodeTlvArea, parseTlvArea } from "./tlv.js";
import type { Tlv } from "./tlv.js";

/** An MCUboot image taken apart; nothing of it is lost. */
export interface Image {
  /** Sizes in it describe the parts below. */
  readonly header: ImageHeader;
  /** Bytes between the header's fields and the payload. */
  readonly headerPadding: Uint8Array;
  readonly payload: Uint8Array;
  /** TLVs that the image hash covers. */
  readonly protectedTlvs: readonly Tlv[];
  readonly tlvs: readonly Tlv[];
  /** Bytes behind the last TLV: padding, a trailer. */
  readonly trailing: Uint8Array;
}

/** True when the bytes begin like an MCUboot image. */
export function hasImageMagic(bytes: Uint8Array): boolean {
  return (
    bytes.length >= IMAGE_HEADER_SIZE && IMAGE_HEADER_LAYOUT.parse(bytes).magic === IMAGE_MAGIC
  );
}

/**
 * Takes an image apart without judging it: hash, signature and meaning are `verifyImage`'s work.
 * @throws {FormatError} image/bad-magic, image/bad-header, image/truncated, image/bad-tlv, with
 * offset, expected and found
 */
export function parseImage(bytes: Uint8Array): Image {
  const header = parseHeader(bytes);
  const payloadEnd = header.headerSize + header.imageSize;
  if (payloadEnd > bytes.length) {
    const left = Math.max(0, bytes.length - header.headerSize);
    throw malformed(
      "image/truncated",
      `payload at ${hex(header.headerSize)}: ${left} bytes left, expected ${header.imageSize}`,
      { offset: header.headerSize, field: "ih_img_size", expected: header.imageSize, found: left },
    );
  }
  let at = payloadEnd;
  let protectedTlvs: readonly Tlv[] = [];
  if (header.protectedTlvSize !== 0) {
    const area = takeArea(bytes, at, IMAGE_TLV_PROT_INFO_MAGIC);
    if (area.length !== header.protectedTlvSize) {
      throw malformed(
        "image/bad-tlv",
        `protected TLV area at ${hex(at)}: total ${area.length}, expected ` +
          `${header.protectedTlvSize} as in the header`,
        { offset: at, expected: header.protectedTlvSize, found: area.length },
      );
    }
    protectedTlvs = parseTlvArea(area, at);
    at += area.length;
  }
  const area = takeArea(bytes, at, IMAGE_TLV_INFO_MAGIC);
  const tlvs = parseTlvArea(area, at);
  return {
    header,
    headerPadding: bytes.slice(IMAGE_HEADER_SIZE, header.headerSize),
    payload: bytes.slice(header.headerSize, payloadEnd),
    protectedTlvs: protectedTlvs.map(withoutPlace),
    tlvs: tlvs.map(withoutPlace),
    trailing: bytes.slice(at + area.length),
  };
}

/**
 * The bytes of an image: those that `parseImage` was given, for what it returned. Sizes in the
 * header are taken from the parts.
 * @throws {FormatError} image/bad-tlv when a TLV area is too large
 */
export function encodeImage(image: Image): Uint8Array {
  const protectedArea = encodeTlvArea(image.protectedTlvs, "protected");
  const header = IMAGE_HEADER_LAYOUT.encode({
    ...image.header,
    headerSize: IMAGE_HEADER_SIZE + image.headerPadding.length,
    imageSize: image.payload.length,
    protectedTlvSize: protectedArea.length,
  });
  return concatBytes(
    header,
    image.headerPadding,
    image.payload,
    protectedArea,
    encodeTlvArea(image.tlvs, "unprotected"),
    image.trailing,
  );
}

function parseHeader(bytes: Uint8Array): ImageHeader {
  if (bytes.length < IMAGE_HEADER_SIZE) {
    throw malformed(
      "image/truncated",
      `image header at 0x0: ${bytes.length} bytes left, expected ${IMAGE_HEADER_SIZE}`,
      { offset: 0, expected: IMAGE_HEADER_SIZE, found: bytes.length },
    );
  }
  const header = IMAGE_HEADER_LAYOUT.parse(bytes);
  if (header.magic !== IMAGE_MAGIC) {
    throw malformed(
      "image/bad-magic",
      `image header at 0x0: magic ${hex(header.magic, 8)}, expected ${hex(IMAGE_MAGIC)}`,
      { offset: 0, field: "ih_magic", expected: IMAGE_MAGIC, found: header.magic },
    );
  }
  if (header.headerSize < IMAGE_HEADER_SIZE) {
    throw malformed(
      "image/bad-header",
      `image header at 0x8: header size ${header.headerSize}, expected at least ${IMAGE_HEADER_SIZE}`,
      { offset: 8, field: "ih_hdr_size", expected: IMAGE_HEADER_SIZE, found: header.headerSize },
    );
  }
  return header;
}

function takeArea(bytes: Uint8Array, at: number, magic: number): Uint8Array {
  const what = magic === IMAGE_TLV_PROT_INFO_MAGIC ? "protected TLV area" : "TLV area";
  const left = bytes.length - at;
  if (left < TLV_INFO_LAYOUT.size) {
    throw malformed(
      "image/truncated",
      `${what} at ${hex(at)}: ${left} bytes left, expected at least ${TLV_INFO_LAYOUT.size}`,
      { offset: at, expected: TLV_INFO_LAYOUT.size, found: left },
    );
  }
  const info = TLV_INFO_LAYOUT.parse(bytes, at);
  const details = { offset: at, expected: magic, found: info.magic };
  if (info.magic !== magic) {
    throw malformed(
      "image/bad-tlv",
      `${what} at ${hex(at)}: magic ${hex(info.magic, 4)}, expected ${hex(magic, 4)}`,
      details,
    );
  }
  const sizeProblem = areaSizeProblem(info.total, magic);
  if (sizeProblem !== null) {
    throw malformed("image/bad-tlv", `${what} at ${hex(at)}: ${sizeProblem}`, details);
  }
  if (info.total > left) {
    throw malformed(
      "image/truncated",
      `${what} at ${hex(at)}: ${left} bytes left, expected ${info.total}`,
      { offset: at, expected: info.total, found: left },
    );
  }
  return bytes.subarray(at, at + info.total);
}

/** What is wrong with the size that an area claims, or null. */
export function areaSizeProblem(total: number, magic: number): string | null {
  // A protected area without TLVs is left out by every signing tool, and encoding could not
  // tell it from no area at all.
  const least = TLV_INFO_LAYOUT.size + (magic === IMAGE_TLV_PROT_INFO_MAGIC ? 1 : 0);
  if (total >= least && total <= MAX_TLV_AREA_BYTES) return null;
  return `total ${total}, expected ${least} to ${MAX_TLV_AREA_BYTES}`;
}

function withoutPlace({ type, value }: Tlv): Tlv {
  return { type, value };
}

function malformed(
  code: string,
  message: string,
  details: Readonly<Record<string, unknown>>,
): FormatError {
  return new FormatError(code, message, { details });
}
