// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";

import { createRandom } from "@tandem/base";
import type { Crypto, PublicKey } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import {
  IMAGE_MAGIC,
  IMAGE_TLV_DEPENDENCY,
  IMAGE_TLV_ECDSA_SIG,
  IMAGE_TLV_KEYHASH,
  IMAGE_TLV_SEC_CNT,
  IMAGE_TLV_SHA256,
  encodeDependency,
  encodeImage,
  parseVersion,
} from "@tandem/image";
import type { Image, Tlv } from "@tandem/image";

/** What an image of a scenario is made of. */
export interface ImageRecipe {
  readonly version: string;
  /** Seed of `createRandom(seed).bytes(payloadBytes)`. */
  readonly seed: number;
  readonly payloadBytes: number;
  readonly dependencies: readonly { readonly imageIndex: number; readonly version: string }[];
  readonly securityCounter: number | null;
  readonly isSigned: boolean;
  /** Further protected TLVs, and what to do with the list of the others; for damaged images. */
  readonly moreProtected?: readonly Tlv[];
  readonly spoil?: (tlvs: readonly Tlv[]) => readonly Tlv[];
}

/** The key that the reference is built with: no point on a curve, only bytes to compare. */
export const SCENARIO_KEY: PublicKey = {
  type: "ecdsa-p256",
  encoded: Uint8Array.from({ length: 64 }, (_, i) => (i < 8 ? i + 1 : 0)),
};

/**
 * Crypto of the scenarios: a signature is the image digest with every bit inverted, so that what
 * MCUboot does around signatures is compared and not the arithmetic.
 */
export const SCENARIO_CRYPTO: Crypto = {
  createHash: (algorithm) => nodeCrypto.createHash(algorithm),
  verifyDigest: (_key, digest, signature) =>
    signature.length >= digest.length && digest.every((byte, i) => (byte ^ 0xff) === signature[i]),
};

/** An MCUboot image with a 32-byte header. */
export function buildImage(recipe: ImageRecipe): Uint8Array {
  const image: Image = {
    header: {
      magic: IMAGE_MAGIC,
      loadAddress: 0,
      headerSize: 0,
      protectedTlvSize: 0,
      imageSize: 0,
      flags: 0,
      version: parseVersion(recipe.version),
      pad: 0,
    },
    headerPadding: new Uint8Array(0),
    payload: createRandom(recipe.seed).bytes(recipe.payloadBytes),
    protectedTlvs: protectedTlvs(recipe),
    tlvs: [],
    trailing: new Uint8Array(0),
  };
  // Without the header of the empty TLV area.
  const digest = sha256(encodeImage(image).subarray(0, -4));
  const tlvs: Tlv[] = [{ type: IMAGE_TLV_SHA256, value: digest }];
  if (recipe.isSigned) {
    tlvs.push(
      { type: IMAGE_TLV_KEYHASH, value: sha256(SCENARIO_KEY.encoded) },
      { type: IMAGE_TLV_ECDSA_SIG, value: digest.map((byte) => byte ^ 0xff) },
    );
  }
  return encodeImage({ ...image, tlvs: recipe.spoil?.(tlvs) ?? tlvs });
}

function protectedTlvs(recipe: ImageRecipe): readonly Tlv[] {
  const { securityCounter, dependencies, moreProtected = [] } = recipe;
  const counter = new Uint8Array(4);
  new DataView(counter.buffer).setUint32(0, securityCounter ?? 0, true);
  return [
    ...(securityCounter === null ? [] : [{ type: IMAGE_TLV_SEC_CNT, value: counter }]),
    ...dependencies.map(({ imageIndex, version }) => ({
      type: IMAGE_TLV_DEPENDENCY,
      value: encodeDependency({ imageIndex, minVersion: parseVersion(version) }),
    })),
    ...moreProtected,
  ];
}

function sha256(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash("sha256").update(bytes).digest());
}
