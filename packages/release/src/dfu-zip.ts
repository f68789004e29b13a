// SPDX-License-Identifier: Apache-2.0
import { FormatError } from "@tandem/base";
import { z } from "zod";

import { parseJsonDocument } from "./json-document.js";
import { MAX_IMAGES } from "./release-json.js";
import { readZip, writeZip } from "./zip-archive.js";

/** One image of a dfu_application.zip. */
export interface DfuZipImage {
  /** Member of the archive. */
  readonly file: string;
  /** `image_index`; 0 when the manifest does not say. */
  readonly imageIndex: number;
  readonly bytes: Uint8Array;
}

/** What a dfu_application.zip says of one image when it is written. */
export interface DfuZipEntry extends DfuZipImage {
  readonly board: string;
  readonly soc: string;
  /** Address of the firmware behind MCUboot's header. */
  readonly loadAddress: number;
  /** Version under the key that NCS uses for this image: `version_MCUBOOT` or `version`. */
  readonly version: { readonly key: "version_MCUBOOT" | "version"; readonly text: string };
}

const MANIFEST = "manifest.json";

/** Longest manifest.json, characters. */
const MAX_MANIFEST_CHARACTERS = 65_536;

/** Integers are numbers when they were given in hex to NCS's script, and strings otherwise. */
const integer = z.union([
  z.int().min(0),
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number),
]);

const manifestSchema = z.object({
  "format-version": z.union([z.literal(0), z.literal(1)], "0 or 1"),
  files: z
    .array(
      z.object({
        file: z.string(),
        size: z.int().min(0).optional(),
        image_index: integer.optional(),
      }),
    )
    .min(1, "1 to 4 images")
    .max(MAX_IMAGES, "1 to 4 images"),
});

/**
 * Reads a dfu_application.zip of NCS, format 0 or 1.
 * @param options.name file name for messages
 * @throws {FormatError} release/bad-zip, release/bad-zip-manifest
 * @see sdk-nrf, scripts/bootloader/generate_zip.py
 */
export function readDfuZip(
  bytes: Uint8Array,
  options: { readonly name: string },
): readonly DfuZipImage[] {
  const members = readZip(bytes, options);
  const name = `${options.name}: ${MANIFEST}`;
  const fail = (message: string): FormatError =>
    new FormatError("release/bad-zip-manifest", `${name}: ${message}`, {
      details: { file: options.name },
    });
  const text = members.get(MANIFEST);
  if (text === undefined) throw fail("missing, expected as a member");
  const manifest = parseJsonDocument(new TextDecoder().decode(text), manifestSchema, {
    name,
    code: "release/bad-zip-manifest",
    maxCharacters: MAX_MANIFEST_CHARACTERS,
  });
  const images = manifest.files.map(({ file, size, image_index: imageIndex }, i) => {
    const content = members.get(file);
    if (content === undefined) throw fail(`files[${i}].file: "${file}", expected a member`);
    if (size !== undefined && size !== content.length) {
      throw fail(`files[${i}].size: ${size}, expected ${content.length} as in the archive`);
    }
    return { file, imageIndex: imageIndex ?? 0, bytes: content };
  });
  for (const [i, { imageIndex }] of images.entries()) {
    if (images.findIndex((other) => other.imageIndex === imageIndex) === i) continue;
    throw fail(`files[${i}].image_index: ${imageIndex} again, expected every index once`);
  }
  return images.toSorted((a, b) => a.imageIndex - b.imageIndex);
}

/**
 * A dfu_application.zip, format 1, as NCS's tools and the mobile apps expect it: members stored,
 * manifest.json last, its keys in the script's order. The same for the same images.
 * @param options.time of the build, seconds since 1970
 */
export function writeDfuZip(
  images: readonly DfuZipEntry[],
  options: { readonly name: string; readonly time: number },
): Uint8Array {
  const files = images.map((image) => {
    const slots = {
      image_index: String(image.imageIndex),
      slot_index_primary: String(image.imageIndex * 2 + 1),
      slot_index_secondary: String(image.imageIndex * 2 + 2),
    };
    const place = { load_address: image.loadAddress };
    return {
      type: "application",
      board: image.board,
      soc: image.soc,
      ...(image.imageIndex === 0 ? { ...place, ...slots } : { ...slots, ...place }),
      [image.version.key]: image.version.text,
      size: image.bytes.length,
      file: image.file,
      modtime: options.time,
    };
  });
  const manifest = { "format-version": 1, time: options.time, files, name: options.name };
  const members = new Map(images.map(({ file, bytes }) => [file, bytes]));
  members.set(MANIFEST, new TextEncoder().encode(JSON.stringify(manifest, null, 4)));
  return writeZip(members);
}
