// SPDX-License-Identifier: Apache-2.0
import { FormatError, toHex } from "@tandem/base";
import {
  IMAGE_TLV_DEPENDENCY,
  IMAGE_TLV_KEYHASH,
  parseDependency,
  parseImage,
  readVectorTable,
} from "@tandem/image";
import type { ImageDependency, ImageVersion } from "@tandem/image";
import { readDfuZip } from "@tandem/release";

import type { Place } from "../place.js";
import { badInput } from "./source-text.js";

/** What one image of a package says of itself. */
export interface PackageImage {
  /** Member of the archive. */
  readonly file: string;
  readonly imageIndex: number;
  /** Header, payload and TLVs, bytes. */
  readonly fileBytes: number;
  readonly headerBytes: number;
  readonly payloadBytes: number;
  readonly version: ImageVersion;
  readonly dependencies: readonly ImageDependency[];
  /** SHA-256 of the public keys that signed it, hex. */
  readonly keyHashes: readonly string[];
  /** Null for firmware without a vector table at its start. */
  readonly resetVector: number | null;
}

/** A dfu_application.zip. */
export interface DfuPackage {
  readonly file: string;
  readonly images: readonly PackageImage[];
}

/** Largest archive, bytes: four images of 16 MiB. */
const MAX_PACKAGE_BYTES = 67_108_864;

/**
 * Reads a dfu_application.zip and its images.
 * @throws {FormatError} layout/bad-package
 */
export function readPackage(name: string, bytes: Uint8Array): DfuPackage {
  if (bytes.length > MAX_PACKAGE_BYTES) {
    const message = `${bytes.length} bytes, expected at most ${MAX_PACKAGE_BYTES}`;
    throw badInput("layout/too-large", message, packagePlace(name));
  }
  try {
    const images = readDfuZip(bytes, { name: "archive" }).map((member): PackageImage => {
      const image = parseImage(member.bytes);
      return {
        file: member.file,
        imageIndex: member.imageIndex,
        fileBytes: member.bytes.length,
        headerBytes: image.header.headerSize,
        payloadBytes: image.payload.length,
        version: image.header.version,
        dependencies: image.protectedTlvs
          .filter(({ type }) => type === IMAGE_TLV_DEPENDENCY)
          .map(({ value }) => parseDependency(value)),
        keyHashes: image.tlvs
          .filter(({ type }) => type === IMAGE_TLV_KEYHASH)
          .map(({ value }) => toHex(value)),
        resetVector: readVectorTable(image.payload)?.resetVector ?? null,
      };
    });
    return { file: name, images };
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw badInput("layout/bad-package", cause.message, packagePlace(name), cause);
  }
}

/** Archives have no lines: a finding points to the file. */
export function packagePlace(file: string): Place {
  return { file, line: 1, column: 1, length: 1 };
}
