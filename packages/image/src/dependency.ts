// SPDX-License-Identifier: Apache-2.0
import { FormatError, bytes, struct, u8 } from "@tandem/base";

import { IMAGE_VERSION_LAYOUT } from "./version.js";
import type { ImageVersion } from "./version.js";

/** Content of a dependency TLV: the least version of another image that this image needs. */
export interface ImageDependency {
  /** Index of the image that is needed. */
  readonly imageIndex: number;
  readonly minVersion: ImageVersion;
}

/** `struct image_dependency` of MCUboot's image.h. */
const DEPENDENCY_LAYOUT = struct<{
  imageIndex: number;
  pad: Uint8Array;
  minVersion: ImageVersion;
}>("image_dependency", { imageIndex: u8, pad: bytes(3), minVersion: IMAGE_VERSION_LAYOUT });

/**
 * Dependency from the value of its TLV.
 * @throws {FormatError} image/bad-dependency when it is not 12 bytes long
 */
export function parseDependency(value: Uint8Array): ImageDependency {
  if (value.length !== DEPENDENCY_LAYOUT.size) {
    throw new FormatError(
      "image/bad-dependency",
      `dependency TLV: ${value.length} bytes, expected ${DEPENDENCY_LAYOUT.size}`,
    );
  }
  const { imageIndex, minVersion } = DEPENDENCY_LAYOUT.parse(value);
  return { imageIndex, minVersion };
}

/** Value of a dependency TLV. */
export function encodeDependency(dependency: ImageDependency): Uint8Array {
  return DEPENDENCY_LAYOUT.encode({ ...dependency, pad: new Uint8Array(3) });
}
