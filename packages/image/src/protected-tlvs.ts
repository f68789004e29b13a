// SPDX-License-Identifier: Apache-2.0
import { FormatError, hex } from "@tandem/base";

import { isBlockDigests, parseBlockDigests } from "./block-digests.js";
import type { BlockDigests } from "./block-digests.js";
import {
  IMAGE_TLV_DEPENDENCY,
  IMAGE_TLV_ECDSA224,
  IMAGE_TLV_ECDSA_SIG,
  IMAGE_TLV_ED25519,
  IMAGE_TLV_ENC_EC256,
  IMAGE_TLV_ENC_KW,
  IMAGE_TLV_ENC_RSA2048,
  IMAGE_TLV_ENC_X25519,
  IMAGE_TLV_ENC_X25519_SHA512,
  IMAGE_TLV_KEYHASH,
  IMAGE_TLV_MANIFEST,
  IMAGE_TLV_PUBKEY,
  IMAGE_TLV_RSA2048_PSS,
  IMAGE_TLV_RSA3072_PSS,
  IMAGE_TLV_SEC_CNT,
  IMAGE_TLV_SHA256,
  IMAGE_TLV_SHA384,
  IMAGE_TLV_SHA512,
  IMAGE_TLV_SIG_PURE,
  IMAGE_TLV_UUID_CID,
  IMAGE_TLV_UUID_VID,
  TANDEM_TLV_BLOCK_DIGESTS,
  tlvName,
} from "./constants.js";
import { parseDependency } from "./dependency.js";
import type { ImageDependency } from "./dependency.js";
import { parseManifest } from "./manifest.js";
import type { Manifest } from "./manifest.js";
import { problem } from "./problem.js";
import type { ImageProblem } from "./problem.js";
import type { PlacedTlv } from "./tlv.js";

/**
 * What may stand where no hash covers it. MCUboot refuses every other type there
 * (image_validate.c, allowed_unprot_tlvs), so accepting one would install an image that it
 * then does not start.
 */
const UNPROTECTED_TYPES: ReadonlySet<number> = new Set([
  IMAGE_TLV_KEYHASH,
  IMAGE_TLV_PUBKEY,
  IMAGE_TLV_SHA256,
  IMAGE_TLV_SHA384,
  IMAGE_TLV_SHA512,
  IMAGE_TLV_RSA2048_PSS,
  IMAGE_TLV_ECDSA224,
  IMAGE_TLV_ECDSA_SIG,
  IMAGE_TLV_RSA3072_PSS,
  IMAGE_TLV_ED25519,
]);

const ENCRYPTION_TYPES: ReadonlySet<number> = new Set([
  IMAGE_TLV_ENC_RSA2048,
  IMAGE_TLV_ENC_KW,
  IMAGE_TLV_ENC_EC256,
  IMAGE_TLV_ENC_X25519,
  IMAGE_TLV_ENC_X25519_SHA512,
]);

/** Types that may stand in the protected area once at most. */
const SINGLE_TYPES: ReadonlySet<number> = new Set([
  IMAGE_TLV_SEC_CNT,
  IMAGE_TLV_MANIFEST,
  IMAGE_TLV_UUID_VID,
  IMAGE_TLV_UUID_CID,
]);

/** What the protected area says; null for what it does not. */
export interface ProtectedFacts {
  readonly securityCounter: number | null;
  readonly manifest: Manifest | null;
  readonly dependencies: readonly ImageDependency[];
  /** UUID of the vendor, 16 bytes. */
  readonly vendorId: Uint8Array | null;
  /** UUID of the device class, 16 bytes. */
  readonly classId: Uint8Array | null;
  /** They are not compared when the area is read. */
  readonly blockDigests: BlockDigests | null;
}

/** Why a TLV may not stand outside the protected area, or null. */
export function unprotectedTlvProblem(tlv: PlacedTlv): ImageProblem | null {
  if (UNPROTECTED_TYPES.has(tlv.type)) return null;
  const what = `TLV ${hex(tlv.type, 2)} (${tlvName(tlv.type)}) at ${hex(tlv.offsetBytes)}`;
  if (ENCRYPTION_TYPES.has(tlv.type)) {
    return {
      code: "encrypted",
      message: `${what}: expected an image that is not encrypted`,
      offsetBytes: tlv.offsetBytes,
    };
  }
  if (tlv.type === IMAGE_TLV_SIG_PURE) {
    return {
      code: "unsupported",
      message: `${what}: expected a signature over the hash`,
      offsetBytes: tlv.offsetBytes,
    };
  }
  return {
    code: "bad-tlv",
    message: `${what}: expected in the protected area only`,
    offsetBytes: tlv.offsetBytes,
  };
}

/**
 * Reads the protected TLVs; types that are not known are left alone.
 * @param coveredBytes size of header and payload
 */
export function readProtectedTlvs(
  tlvs: readonly PlacedTlv[],
  coveredBytes: number,
):
  | { readonly ok: true; readonly protectedFacts: ProtectedFacts }
  | { readonly ok: false; readonly problem: ImageProblem } {
  const seen = new Map<number, Uint8Array>();
  const dependencies: ImageDependency[] = [];
  let manifest: Manifest | null = null;
  let blockDigests: BlockDigests | null = null;
  for (const { type, value, offsetBytes } of tlvs) {
    const what = `TLV ${hex(type, 2)} (${tlvName(type)}) at ${hex(offsetBytes)}`;
    if (UNPROTECTED_TYPES.has(type)) {
      return problem("bad-tlv", `${what}: expected outside the protected area`, offsetBytes);
    }
    if (SINGLE_TYPES.has(type) && seen.has(type)) {
      return problem("bad-tlv", `${what}: second one, expected one`, offsetBytes);
    }
    const expected = expectedLength(type);
    if (expected !== null && value.length !== expected) {
      const message = `${what}: length ${value.length}, expected ${expected}`;
      return problem("bad-tlv", message, offsetBytes);
    }
    seen.set(type, value);
    try {
      if (type === IMAGE_TLV_MANIFEST) manifest = parseManifest(value);
      if (type === IMAGE_TLV_DEPENDENCY) dependencies.push(parseDependency(value));
      if (type === TANDEM_TLV_BLOCK_DIGESTS && isBlockDigests(value)) {
        if (blockDigests !== null) {
          return problem("bad-tlv", `${what}: second one, expected one`, offsetBytes);
        }
        blockDigests = parseBlockDigests(value, coveredBytes);
      }
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return problem("bad-tlv", `${error.message} at ${hex(offsetBytes)}`, offsetBytes);
    }
  }
  const counter = seen.get(IMAGE_TLV_SEC_CNT);
  const securityCounter =
    counter === undefined
      ? null
      : new DataView(counter.buffer, counter.byteOffset).getUint32(0, true);
  const vendorId = seen.get(IMAGE_TLV_UUID_VID) ?? null;
  const classId = seen.get(IMAGE_TLV_UUID_CID) ?? null;
  return {
    ok: true,
    protectedFacts: { securityCounter, manifest, dependencies, vendorId, classId, blockDigests },
  };
}

function expectedLength(type: number): number | null {
  if (type === IMAGE_TLV_SEC_CNT) return 4;
  return type === IMAGE_TLV_UUID_VID || type === IMAGE_TLV_UUID_CID ? 16 : null;
}
