// SPDX-License-Identifier: Apache-2.0
import { FormatError, bytesEqual, concatBytes, hex } from "@tandem/base";
import { decode, encode } from "cborg";
import { z } from "zod";

import { MAX_IMAGE_BYTES } from "./release-json.js";

/** Header of a `dfu_multi_image.bin`. */
export interface MultiImageHeader {
  /** Bytes before the first image, the length field included. */
  readonly headerSize: number;
  /** In the order in which the images follow. */
  readonly images: readonly { readonly id: number; readonly size: number }[];
}

/** One image of a bundle. Ids: 0 app, 1 net; negative ones are MCUboot's own slots. */
export interface MultiImagePart {
  /** 32-bit signed. */
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** Most images in a bundle: more than any NCS build makes. */
export const MAX_BUNDLE_IMAGES = 8;

/** Longest CBOR header that is read, bytes: eight images need less than 200. */
export const MAX_BUNDLE_HEADER_BYTES = 510;

const LENGTH_BYTES = 2;

const UNNAMED = "multi-image file";

const headerSchema = z.strictObject({
  img: z
    .array(
      z.strictObject({
        id: z.int().min(-0x8000_0000).max(0x7fff_ffff),
        size: z.int().min(0).max(0xffff_ffff),
      }),
    )
    .min(1)
    .max(MAX_BUNDLE_IMAGES),
});

/**
 * Reads the header from the first bytes of a bundle; the images need not be there yet.
 * @param firstBytes at least the header; {@link MAX_BUNDLE_HEADER_BYTES} + 2 are always enough
 * @param options.name file name for messages
 * @throws {FormatError} release/bad-bundle
 * @see sdk-nrf, scripts/bootloader/dfu_multi_image_tool.py and
 * subsys/dfu/dfu_multi_image/src/dfu_multi_image.c
 */
export function parseMultiImageHeader(
  firstBytes: Uint8Array,
  options: { readonly name?: string } = {},
): MultiImageHeader {
  const name = options.name ?? UNNAMED;
  if (firstBytes.length < LENGTH_BYTES) {
    throw badBundle(
      name,
      `header at 0x0: ${firstBytes.length} bytes, expected at least ${LENGTH_BYTES}`,
    );
  }
  const cborSize = (firstBytes[0] ?? 0) + (firstBytes[1] ?? 0) * 256;
  if (cborSize === 0 || cborSize > MAX_BUNDLE_HEADER_BYTES) {
    throw badBundle(
      name,
      `header at 0x0: length ${cborSize}, expected 1 to ${MAX_BUNDLE_HEADER_BYTES}`,
    );
  }
  const headerSize = LENGTH_BYTES + cborSize;
  if (firstBytes.length < headerSize) {
    throw badBundle(name, `header at 0x0: ${firstBytes.length} bytes, expected ${headerSize}`);
  }
  const cbor = firstBytes.subarray(LENGTH_BYTES, headerSize);
  const parsed = headerSchema.safeParse(decodeCbor(cbor, name));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw badBundle(
      name,
      `CBOR header at 0x2: ${issue?.path.map(String).join(".") ?? ""} ${issue?.message ?? ""}, ` +
        'expected {"img": [{"id", "size"}]}',
    );
  }
  const images = parsed.data.img;
  // The decoder on the device takes this form only: definite lengths, literal keys in this order.
  if (!bytesEqual(encodeCbor(images), cbor)) {
    throw badBundle(
      name,
      'CBOR header at 0x2: expected the shortest form with keys "img", "id", "size"',
    );
  }
  const again = images.find(({ id }, i) => images.findIndex((other) => other.id === id) !== i);
  if (again !== undefined) {
    throw badBundle(name, `CBOR header at 0x2: id ${again.id} again, expected every id once`);
  }
  return { headerSize, images };
}

/**
 * Takes a whole bundle apart.
 * @param options.name file name for messages
 * @throws {FormatError} release/bad-bundle when its size is not what the header says
 */
export function parseMultiImage(
  bytes: Uint8Array,
  options: { readonly name?: string } = {},
): readonly MultiImagePart[] {
  const name = options.name ?? UNNAMED;
  const header = parseMultiImageHeader(bytes, options);
  const expected = header.images.reduce((sum, { size }) => sum + size, header.headerSize);
  if (bytes.length !== expected) {
    throw badBundle(name, `${bytes.length} bytes, expected ${expected} as in its header`);
  }
  let at = header.headerSize;
  return header.images.map(({ id, size }) => {
    const part = { id, bytes: bytes.slice(at, at + size) };
    at += size;
    return part;
  });
}

/**
 * A bundle of the parts in their order.
 * @throws {FormatError} release/bad-bundle for no parts, too many, or too large ones
 */
export function encodeMultiImage(parts: readonly MultiImagePart[]): Uint8Array {
  if (parts.length === 0 || parts.length > MAX_BUNDLE_IMAGES) {
    throw badBundle(UNNAMED, `${parts.length} images, expected 1 to ${MAX_BUNDLE_IMAGES}`);
  }
  for (const { id, bytes } of parts) {
    if (bytes.length <= MAX_IMAGE_BYTES) continue;
    throw badBundle(
      UNNAMED,
      `image ${id}: ${bytes.length} bytes, expected at most ${MAX_IMAGE_BYTES}`,
    );
  }
  const cbor = encodeCbor(parts.map(({ id, bytes }) => ({ id, size: bytes.length })));
  const length = new Uint8Array([cbor.length & 0xff, cbor.length >> 8]);
  return concatBytes(length, cbor, ...parts.map(({ bytes }) => bytes));
}

function encodeCbor(images: readonly { readonly id: number; readonly size: number }[]): Uint8Array {
  // Without a sorter, cborg keeps the order of the keys; its default would be the same here, but
  // the format demands it and not a canonical order.
  return encode({ img: images.map(({ id, size }) => ({ id, size })) }, { mapSorter: keepOrder });
}

function keepOrder(): number {
  return 0;
}

function decodeCbor(cbor: Uint8Array, name: string): unknown {
  try {
    return decode(cbor, { allowIndefinite: false, rejectDuplicateMapKeys: true, strict: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw badBundle(name, `CBOR header at ${hex(LENGTH_BYTES)}: ${reason}`, cause);
  }
}

function badBundle(name: string, message: string, cause?: unknown): FormatError {
  return new FormatError("release/bad-bundle", `${name}: ${message}`, { cause });
}
