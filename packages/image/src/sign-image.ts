// SPDX-License-Identifier: Apache-2.0
import { UsageError, concatBytes, digestOf, hex } from "@tandem/base";
import type { Crypto, Signer } from "@tandem/base";

import { blockDigestsSize, computeBlockDigests, encodeBlockDigests } from "./block-digests.js";
import {
  IMAGE_HEADER_SIZE,
  IMAGE_MAGIC,
  IMAGE_TLV_DEPENDENCY,
  IMAGE_TLV_KEYHASH,
  IMAGE_TLV_MANIFEST,
  IMAGE_TLV_SEC_CNT,
  IMAGE_TLV_SHA256,
  TANDEM_TLV_BLOCK_DIGESTS,
} from "./constants.js";
import { encodeDependency } from "./dependency.js";
import type { ImageDependency } from "./dependency.js";
import { IMAGE_HEADER_LAYOUT } from "./image-header.js";
import { encodeManifest } from "./manifest.js";
import type { Manifest } from "./manifest.js";
import { encodeTlvArea } from "./tlv.js";
import type { Tlv } from "./tlv.js";
import { SIGNATURE_TLV, keyHashOf } from "./verify-image.js";
import type { ImageVersion } from "./version.js";

export interface SignImageOptions {
  readonly payload: Uint8Array;
  readonly version: ImageVersion;
  /** Bytes from the image's start to the payload, 32 to 65535; padded with 0xFF like imgtool. */
  readonly headerSize: number;
  readonly signer: Signer;
  /** Hashes; the signer brings its own cryptography for the signature. */
  readonly crypto: Crypto;
  /** `ih_load_addr`; what it means depends on the flags. Default 0. */
  readonly loadAddress?: number;
  /** IMAGE_F_*. Default 0. */
  readonly flags?: number;
  /** 32 bits. */
  readonly securityCounter?: number;
  readonly dependencies?: readonly ImageDependency[];
  readonly manifest?: Manifest;
  /**
   * Add a TLV with digests of the image's blocks, by which lost bytes are judged that were
   * downloaded again. Default false: imgtool's bytes.
   */
  readonly blockDigests?: boolean;
  /** Further protected TLVs, behind the others. */
  readonly extraProtectedTlvs?: readonly Tlv[];
}

/**
 * A signed image, with its TLVs in imgtool's order, so that both make the same bytes wherever the
 * signature scheme is deterministic.
 * @throws {UsageError} image/sign-options for a payload, header size or counter out of range
 * @throws {FormatError} image/bad-tlv when the protected TLVs do not fit their area
 * @see MCUboot, scripts/imgtool/image.py, Image.create
 */
export function signImage(options: SignImageOptions): Uint8Array {
  checkRange("header size", options.headerSize, IMAGE_HEADER_SIZE, 0xffff);
  checkRange("payload size", options.payload.length, 1, 0xffff_ffff);
  checkRange("security counter", options.securityCounter ?? 0, 0, 0xffff_ffff);
  checkRange("load address", options.loadAddress ?? 0, 0, 0xffff_ffff);
  const covered = coveredBytes(options);
  const { publicKey } = options.signer;
  const tlvs: readonly Tlv[] = [
    { type: IMAGE_TLV_SHA256, value: digestOf(options.crypto, covered) },
    { type: IMAGE_TLV_KEYHASH, value: keyHashOf(options.crypto, publicKey) },
    { type: SIGNATURE_TLV[publicKey.type], value: options.signer.sign(covered) },
  ];
  return concatBytes(covered, encodeTlvArea(tlvs, "unprotected"));
}

/** Everything that the image hash covers: header, payload, protected TLVs. */
function coveredBytes(options: SignImageOptions): Uint8Array {
  const { headerSize, payload, crypto } = options;
  const sized = protectedTlvs(
    options,
    new Uint8Array(blockDigestsSize(headerSize + payload.length)),
  );
  const header = IMAGE_HEADER_LAYOUT.encode({
    magic: IMAGE_MAGIC,
    loadAddress: options.loadAddress ?? 0,
    headerSize,
    protectedTlvSize: encodeTlvArea(sized, "protected").length,
    imageSize: payload.length,
    flags: options.flags ?? 0,
    version: options.version,
    pad: 0,
  });
  const padding = new Uint8Array(headerSize - IMAGE_HEADER_SIZE).fill(0xff);
  const body = concatBytes(header, padding, payload);
  // The digests cover the header, which tells the size of the area that they stand in.
  const digests = encodeBlockDigests(computeBlockDigests(body, crypto));
  return concatBytes(body, encodeTlvArea(protectedTlvs(options, digests), "protected"));
}

function protectedTlvs(options: SignImageOptions, blockDigests: Uint8Array): readonly Tlv[] {
  const tlvs: Tlv[] = [];
  if (options.securityCounter !== undefined) {
    const value = new Uint8Array(4);
    new DataView(value.buffer).setUint32(0, options.securityCounter, true);
    tlvs.push({ type: IMAGE_TLV_SEC_CNT, value });
  }
  for (const dependency of options.dependencies ?? []) {
    tlvs.push({ type: IMAGE_TLV_DEPENDENCY, value: encodeDependency(dependency) });
  }
  if (options.manifest !== undefined) {
    tlvs.push({ type: IMAGE_TLV_MANIFEST, value: encodeManifest(options.manifest) });
  }
  if (options.blockDigests === true) {
    tlvs.push({ type: TANDEM_TLV_BLOCK_DIGESTS, value: blockDigests });
  }
  tlvs.push(...(options.extraProtectedTlvs ?? []));
  return tlvs;
}

function checkRange(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new UsageError(
    "image/sign-options",
    `${what} ${value}, expected ${least} to ${hex(most)}`,
    { details: { found: value, least, most } },
  );
}
