// SPDX-License-Identifier: Apache-2.0
import { FormatError } from "@tandem/base";
import { parseVersion } from "@tandem/image";
import { z } from "zod";

import { parseJsonDocument } from "./json-document.js";

/** One image of a release. */
export interface ReleaseImage {
  /** 0 for the image that carries the manifest TLV. */
  readonly index: number;
  /** Core that runs it: `app`, `net`. */
  readonly core: string;
  /** File name in the release directory. */
  readonly file: string;
  /** Bytes of the file. */
  readonly size: number;
  /** SHA-256 of the file, lower-case hex. */
  readonly sha256: string;
  /** Version in the image's header. */
  readonly version: string;
}

/** All images in one file, as `dfu_multi_image.bin`. */
export interface ReleaseBundle {
  readonly file: string;
  readonly size: number;
  readonly sha256: string;
}

/**
 * `release.json`: what a release consists of. A device trusts it for names and sizes only; what
 * is signed in the images decides.
 */
export interface ReleaseManifest {
  readonly format: 1;
  readonly version: string;
  /** Hash TLV of image 0, lower-case hex. */
  readonly id: string;
  /** Hardware that the release is for. */
  readonly hardware: string;
  /** Equals the security counter TLV of every image. */
  readonly securityCounter: number;
  readonly images: readonly ReleaseImage[];
  readonly bundle?: ReleaseBundle;
}

/** File name of the manifest in a release directory. */
export const RELEASE_JSON = "release.json";

/** Most images of a release. */
export const MAX_IMAGES = 4;

/** Largest image or bundle, bytes: no microcontroller has more flash per core. */
export const MAX_IMAGE_BYTES = 16_777_216;

/** Longest release.json, characters: many times what four images need. */
export const MAX_RELEASE_JSON_CHARACTERS = 65_536;

const hexDigest = z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hex digits");
// The name ends up in URLs and paths on other people's machines.
const fileName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/, "a plain file name")
  .refine((name) => name !== RELEASE_JSON, `a name other than ${RELEASE_JSON}`);
const size = z
  .int("a whole number")
  .min(1, "at least 1")
  .max(MAX_IMAGE_BYTES, `at most ${MAX_IMAGE_BYTES}`);
const version = z.string().refine(isVersion, "major.minor.revision[+build]");

const imageSchema = z.strictObject({
  index: z.int("a whole number").min(0, "at least 0"),
  core: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "a core name such as app or net"),
  file: fileName,
  size,
  sha256: hexDigest,
  version,
});

const releaseSchema = z.strictObject({
  format: z.literal(1),
  version,
  id: hexDigest,
  hardware: z.string().regex(/^[\x21-\x7e]{1,64}$/, "1 to 64 printable characters without spaces"),
  securityCounter: z
    .int("a whole number")
    .min(0, "at least 0")
    .max(0xffff_ffff, "at most 4294967295"),
  images: z.array(imageSchema).min(1, "1 to 4 images").max(MAX_IMAGES, "1 to 4 images"),
  bundle: z.strictObject({ file: fileName, size, sha256: hexDigest }).optional(),
});

/**
 * Reads a release.json.
 * @param options.name file name or URL for messages
 * @throws {FormatError} release/bad-json naming the field path, expected and found
 */
export function parseReleaseJson(
  text: string,
  options: { readonly name: string },
): ReleaseManifest {
  const { name } = options;
  const { bundle, ...rest } = parseJsonDocument(text, releaseSchema, {
    name,
    code: "release/bad-json",
    maxCharacters: MAX_RELEASE_JSON_CHARACTERS,
  });
  const files = new Set<string>(bundle === undefined ? [] : [bundle.file]);
  const cores = new Set<string>();
  for (const [i, image] of rest.images.entries()) {
    if (image.index !== i) throw badField(name, `images[${i}].index`, `${image.index}`, `${i}`);
    if (files.has(image.file)) {
      throw badField(name, `images[${i}].file`, `"${image.file}" again`, "every file once");
    }
    if (cores.has(image.core)) {
      throw badField(name, `images[${i}].core`, `"${image.core}" again`, "every core once");
    }
    files.add(image.file);
    cores.add(image.core);
  }
  return bundle === undefined ? rest : { ...rest, bundle };
}

/** Text of a release.json; the same for the same release. */
export function encodeReleaseJson(manifest: ReleaseManifest): string {
  const { format, version: releaseVersion, id, hardware, securityCounter } = manifest;
  const document = {
    format,
    version: releaseVersion,
    id,
    hardware,
    securityCounter,
    images: manifest.images.map((image) => ({
      index: image.index,
      core: image.core,
      file: image.file,
      size: image.size,
      sha256: image.sha256,
      version: image.version,
    })),
    ...(manifest.bundle === undefined ? {} : { bundle: manifest.bundle }),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function isVersion(text: string): boolean {
  try {
    parseVersion(text);
    return true;
  } catch {
    return false;
  }
}

function badField(name: string, path: string, found: string, expected: string): FormatError {
  return new FormatError("release/bad-json", `${name}: ${path}: ${found}, expected ${expected}`, {
    details: { file: name, path, found, expected },
  });
}
