// SPDX-License-Identifier: Apache-2.0
import { bytesEqual, toHex } from "@tandem/base";
import type { ImageContents } from "@tandem/image";

/**
 * Why images are not one release:
 * - `no-images`: there is none
 * - `no-manifest`: image 0 does not list the others
 * - `extra-manifest`: another image than image 0 carries a manifest
 * - `image-count`: the manifest lists more or fewer images than there are
 * - `hash-mismatch`: an image is not the one that the manifest lists
 */
export type BindingProblemCode =
  | "no-images"
  | "no-manifest"
  | "extra-manifest"
  | "image-count"
  | "hash-mismatch";

export interface BindingProblem {
  readonly code: BindingProblemCode;
  /** Index of the image that does not fit. */
  readonly image: number;
  /** What, expected and found. */
  readonly message: string;
}

/** The part of an image's facts that binds it to the others. */
export type BoundImage = Pick<ImageContents, "hash" | "manifest">;

/**
 * Whether verified images belong together: the manifest of image 0 lists exactly the hashes of
 * all the others. An image that is alone needs no manifest.
 */
export function checkBinding(facts: readonly BoundImage[]): BindingProblem | null {
  const carrier = facts[0];
  if (carrier === undefined) return refuse("no-images", 0, "no images, expected at least one");
  const extra = facts.findIndex(({ manifest }, index) => index > 0 && manifest !== null);
  if (extra !== -1) {
    return refuse(
      "extra-manifest",
      extra,
      `image ${extra}: a manifest, expected one in image 0 only`,
    );
  }
  const others = facts.length - 1;
  if (carrier.manifest === null) {
    return others === 0
      ? null
      : refuse("no-manifest", 0, `image 0: no manifest, expected one that lists ${others} images`);
  }
  const { imageHashes } = carrier.manifest;
  if (imageHashes.length !== others) {
    const message = `manifest of image 0: ${imageHashes.length} hashes, expected ${others}`;
    return refuse("image-count", 0, message);
  }
  for (const [i, listed] of imageHashes.entries()) {
    const hash = facts[i + 1]?.hash ?? new Uint8Array(0);
    if (bytesEqual(listed, hash)) continue;
    const message = `image ${i + 1}: hash ${toHex(hash)}, expected ${toHex(listed)} as in the manifest of image 0`;
    return refuse("hash-mismatch", i + 1, message);
  }
  return null;
}

function refuse(code: BindingProblemCode, image: number, message: string): BindingProblem {
  return { code, image, message };
}
