// SPDX-License-Identifier: Apache-2.0
import { FormatError, concatBytes, struct, u32 } from "@tandem/base";

/**
 * Content of the manifest TLV, which binds the images of a release: it stands in the protected
 * area of image 0, so that image 0's signature covers the digest of every other image.
 * @see sdk-mcuboot, boot/bootutil/include/bootutil/mcuboot_manifest.h
 */
export interface Manifest {
  readonly format: 1;
  /** SHA-256 hash TLVs of the other images: image i of the release is `imageHashes[i - 1]`. */
  readonly imageHashes: readonly Uint8Array[];
}

/** Most images beside the one that carries the manifest; Tandem's releases have up to four. */
export const MAX_MANIFEST_HASHES = 3;

const HASH_BYTES = 32;

const MANIFEST_HEAD = struct<{ format: number; imageCount: number }>("mcuboot_manifest", {
  format: u32,
  imageCount: u32,
});

/**
 * Manifest from the value of its TLV.
 * @throws {FormatError} image/bad-manifest when format, count and length do not agree
 */
export function parseManifest(value: Uint8Array): Manifest {
  if (value.length < MANIFEST_HEAD.size) {
    throw badManifest(`${value.length} bytes, expected at least ${MANIFEST_HEAD.size}`);
  }
  const { format, imageCount } = MANIFEST_HEAD.parse(value);
  if (format !== 1) throw badManifest(`format ${format}, expected 1`);
  if (imageCount > MAX_MANIFEST_HASHES) {
    throw badManifest(`${imageCount} image hashes, expected at most ${MAX_MANIFEST_HASHES}`);
  }
  const expected = MANIFEST_HEAD.size + imageCount * HASH_BYTES;
  if (value.length !== expected) {
    throw badManifest(`${value.length} bytes for ${imageCount} hashes, expected ${expected}`);
  }
  const imageHashes = Array.from({ length: imageCount }, (_, i) => {
    const start = MANIFEST_HEAD.size + i * HASH_BYTES;
    return value.slice(start, start + HASH_BYTES);
  });
  return { format, imageHashes };
}

/**
 * Value of the manifest TLV.
 * @throws {FormatError} image/bad-manifest for too many hashes, or one that is not 32 bytes long
 */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const { format, imageHashes } = manifest;
  if (imageHashes.length > MAX_MANIFEST_HASHES) {
    throw badManifest(`${imageHashes.length} hashes, expected at most ${MAX_MANIFEST_HASHES}`);
  }
  for (const hash of imageHashes) {
    if (hash.length !== HASH_BYTES) {
      throw badManifest(`hash of ${hash.length} bytes, expected ${HASH_BYTES}`);
    }
  }
  return concatBytes(
    MANIFEST_HEAD.encode({ format, imageCount: imageHashes.length }),
    ...imageHashes,
  );
}

function badManifest(message: string): FormatError {
  return new FormatError("image/bad-manifest", `manifest TLV: ${message}`);
}
