// SPDX-License-Identifier: Apache-2.0
import { bytesEqual } from "@tandem/base";
import type { HashAlgorithm } from "@tandem/base";
import {
  IMAGE_TLV_ECDSA224,
  IMAGE_TLV_ECDSA_SIG,
  IMAGE_TLV_ED25519,
  IMAGE_TLV_ENC_EC256,
  IMAGE_TLV_ENC_KW,
  IMAGE_TLV_ENC_RSA2048,
  IMAGE_TLV_ENC_X25519,
  IMAGE_TLV_KEYHASH,
  IMAGE_TLV_PUBKEY,
  IMAGE_TLV_RSA2048_PSS,
  IMAGE_TLV_RSA3072_PSS,
  IMAGE_TLV_SEC_CNT,
  IMAGE_TLV_SHA256,
  IMAGE_TLV_SHA384,
  IMAGE_TLV_SHA512,
} from "@tandem/image";
import type { ImageHeader } from "@tandem/image";

import type { BootFlashArea } from "./boot-flash-area.js";
import type { InvalidImage } from "./boot-result.js";
import { flashAreaRead, flashAreaReadWord } from "./flash-map.js";
import type { LoaderState } from "./loader-state.js";
import { findTlvAreas, iterateTlvs } from "./tlv-iterator.js";
import type { TlvPlace } from "./tlv-iterator.js";

/** Why an image does not validate, with the numbers that tell it; null when it does. */
export type ValidationProblem = {
  readonly why: InvalidImage;
  readonly expected?: number;
  readonly found?: number;
} | null;

/** An image in a slot, ready to be validated. */
export interface ImageToValidate {
  readonly imageIndex: number;
  readonly header: ImageHeader;
  readonly area: BootFlashArea;
  /** Where in the slot the image begins, bytes. */
  readonly startOffset: number;
  /** `bootutil_max_image_size`, bytes. */
  readonly maxSize: number;
}

const HASH_TLV: Readonly<Record<HashAlgorithm, number>> = {
  sha256: IMAGE_TLV_SHA256,
  sha384: IMAGE_TLV_SHA384,
  sha512: IMAGE_TLV_SHA512,
};

const HASH_SIZE: Readonly<Record<HashAlgorithm, number>> = { sha256: 32, sha384: 48, sha512: 64 };

/** What may stand in the unprotected area with MCUBOOT_USE_TLV_ALLOW_LIST. */
const ALLOWED_UNPROTECTED: ReadonlySet<number> = new Set([
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
  IMAGE_TLV_ENC_RSA2048,
  IMAGE_TLV_ENC_KW,
  IMAGE_TLV_ENC_EC256,
  IMAGE_TLV_ENC_X25519,
]);

/** Exact size of a signature in its TLV; ECDSA signatures vary up to the buffer for them. */
const SIGNATURE_SIZE: ReadonlyMap<number, number> = new Map([
  [IMAGE_TLV_RSA2048_PSS, 256],
  [IMAGE_TLV_RSA3072_PSS, 384],
  [IMAGE_TLV_ED25519, 64],
]);
const MAX_ECDSA_SIZE = 128;

/**
 * `bootutil_img_validate`: hash over header, payload and protected TLVs, then every TLV in order.
 * The last signature behind a known key decides, as in MCUboot.
 * @see MCUboot, boot/bootutil/src/image_validate.c
 */
export function bootutilImgValidate(state: LoaderState, image: ImageToValidate): ValidationProblem {
  const { header, area, startOffset, maxSize } = image;
  const hash = imageHash(state, image);
  if (hash === null) return { why: "read-error" };
  const areas = findTlvAreas(header, area, startOffset);
  if (areas === null) return { why: "bad-tlv-area" };
  const size = areas.end - startOffset;
  if (size > maxSize) return { why: "too-large", expected: maxSize, found: size };
  const check = new TlvCheck(state, image, hash);
  for (const tlv of iterateTlvs(areas, header, area)) {
    if (tlv === null) return { why: "read-error" };
    const isUnprotected = tlv.offset >= areas.protectedEnd;
    if (state.config.tlvAllowList && isUnprotected && !ALLOWED_UNPROTECTED.has(tlv.type)) {
      return { why: "tlv-not-allowed", found: tlv.type };
    }
    const problem = check.take(tlv);
    if (problem !== null) return problem;
  }
  return check.end();
}

/** `bootutil_img_hash`; null when the image leaves the slot. */
function imageHash(state: LoaderState, image: ImageToValidate): Uint8Array | null {
  const { header, area, startOffset } = image;
  const size = header.headerSize + header.imageSize + header.protectedTlvSize;
  const bytes = flashAreaRead(area, startOffset, size);
  if (bytes === null) return null;
  const hasher = state.crypto.createHash(state.config.hash);
  hasher.update(bytes);
  return hasher.digest();
}

/** The TLVs of one image, one after the other. */
class TlvCheck {
  readonly #state: LoaderState;
  readonly #image: ImageToValidate;
  readonly #hash: Uint8Array;
  #hasHash = false;
  #hasCounter = false;
  /** Index of the key of the next signature; null: unknown or none yet. */
  #key: number | null = null;
  /** Verdict on the last signature that was looked at. */
  #signature: boolean | null = null;

  constructor(state: LoaderState, image: ImageToValidate, hash: Uint8Array) {
    this.#state = state;
    this.#image = image;
    this.#hash = hash;
  }

  take(tlv: TlvPlace): ValidationProblem {
    const { config, keys } = this.#state;
    if (tlv.type === HASH_TLV[config.hash]) return this.#takeHash(tlv);
    if (keys[0] !== undefined) {
      if (tlv.type === IMAGE_TLV_KEYHASH) return this.#takeKeyHash(tlv);
      if (tlv.type === keys[0].signatureTlv) return this.#takeSignature(tlv);
    }
    if (tlv.type === IMAGE_TLV_SEC_CNT && this.#isCounterRequired()) {
      return this.#takeSecurityCounter(tlv);
    }
    return null;
  }

  end(): ValidationProblem {
    if (!this.#hasHash) return { why: "no-hash" };
    if (this.#isCounterRequired() && !this.#hasCounter) return { why: "no-security-counter" };
    if (this.#state.keys.length === 0) return null;
    if (this.#signature === null) return { why: "no-signature" };
    return this.#signature ? null : { why: "bad-signature" };
  }

  #isCounterRequired(): boolean {
    const { securityCounter } = this.#state;
    return (
      securityCounter !== null && (securityCounter.isRequired?.(this.#image.imageIndex) ?? true)
    );
  }

  #value({ offset, length }: TlvPlace): Uint8Array | null {
    return flashAreaRead(this.#image.area, offset, length);
  }

  #takeHash(tlv: TlvPlace): ValidationProblem {
    const size = HASH_SIZE[this.#state.config.hash];
    if (tlv.length !== size) return { why: "bad-hash-length", expected: size, found: tlv.length };
    const value = this.#value(tlv);
    if (value === null) return { why: "read-error" };
    if (!bytesEqual(value, this.#hash)) return { why: "hash-mismatch" };
    this.#hasHash = true;
    return null;
  }

  /** `bootutil_find_key` compares as many bytes as the TLV has. */
  #takeKeyHash(tlv: TlvPlace): ValidationProblem {
    const most = HASH_SIZE[this.#state.config.hash];
    if (tlv.length > most) return { why: "bad-key-length", expected: most, found: tlv.length };
    const value = this.#value(tlv);
    if (value === null) return { why: "read-error" };
    const index = this.#state.keys.findIndex(({ hash }) =>
      bytesEqual(value, hash.subarray(0, tlv.length)),
    );
    this.#key = index < 0 ? null : index;
    return null;
  }

  #takeSignature(tlv: TlvPlace): ValidationProblem {
    const trusted = this.#key === null ? undefined : this.#state.keys[this.#key];
    this.#key = null;
    if (trusted === undefined) return null;
    const size = SIGNATURE_SIZE.get(tlv.type);
    if (size === undefined ? tlv.length > MAX_ECDSA_SIZE : tlv.length !== size) {
      return { why: "bad-signature-length", expected: size ?? MAX_ECDSA_SIZE, found: tlv.length };
    }
    const value = this.#value(tlv);
    if (value === null) return { why: "read-error" };
    this.#signature = this.#state.crypto.verifyDigest(trusted.key, this.#hash, value);
    return null;
  }

  #takeSecurityCounter(tlv: TlvPlace): ValidationProblem {
    const { securityCounter } = this.#state;
    if (tlv.length !== 4) {
      return { why: "bad-security-counter-length", expected: 4, found: tlv.length };
    }
    const found = flashAreaReadWord(this.#image.area, tlv.offset);
    if (found === null) return { why: "read-error" };
    const stored = securityCounter?.read(this.#image.imageIndex) ?? null;
    if (stored === null) return { why: "security-counter-unreadable" };
    if (found < stored) return { why: "security-counter-too-low", expected: stored, found };
    this.#hasCounter = true;
    return null;
  }
}
