// SPDX-License-Identifier: Apache-2.0
import { bytesEqual, digestOf, hex, toHex } from "@tandem/base";
import type { Crypto, KeyType, PublicKey } from "@tandem/base";

import {
  IMAGE_TLV_ECDSA224,
  IMAGE_TLV_ECDSA_SIG,
  IMAGE_TLV_ED25519,
  IMAGE_TLV_KEYHASH,
  IMAGE_TLV_PUBKEY,
  IMAGE_TLV_RSA2048_PSS,
  IMAGE_TLV_RSA3072_PSS,
  tlvName,
} from "./constants.js";
import { readHashedImage } from "./image-contents.js";
import type { ImageContents, ReadImageOptions } from "./image-contents.js";
import type { ImageSource } from "./image-source.js";
import { problem } from "./problem.js";
import type { ImageProblem } from "./problem.js";
import type { PlacedTlv } from "./tlv.js";

/** What a genuine image says of itself. */
export interface ImageFacts extends ImageContents {
  /** Which of the trusted keys signed it. */
  readonly keyIndex: number;
}

/** Outcome of {@link verifyImage}. */
export type ImageVerdict =
  | { readonly ok: true; readonly facts: ImageFacts }
  | { readonly ok: false; readonly problem: ImageProblem };

export interface VerifyImageOptions extends ReadImageOptions {
  /** Keys that are trusted, in the order that `keyIndex` counts. */
  readonly keys: readonly PublicKey[];
}

/** Type of the signature TLV for each type of key. */
export const SIGNATURE_TLV: Readonly<Record<KeyType, number>> = {
  "rsa-2048": IMAGE_TLV_RSA2048_PSS,
  "rsa-3072": IMAGE_TLV_RSA3072_PSS,
  "ecdsa-p256": IMAGE_TLV_ECDSA_SIG,
  ed25519: IMAGE_TLV_ED25519,
};

const SIGNATURE_TYPES: ReadonlySet<number> = new Set([
  ...Object.values(SIGNATURE_TLV),
  IMAGE_TLV_ECDSA224,
]);

/** Most signatures that are tried, so that a hostile image cannot keep a bootloader busy. */
export const MAX_SIGNATURES = 4;

/**
 * Decides whether an image is whole and genuine, in one pass over the source with one chunk in
 * memory. Whatever is wrong with the bytes is a verdict; errors of `source.read` are thrown on.
 * @see MCUboot, boot/bootutil/src/image_validate.c
 */
export function verifyImage(source: ImageSource, options: VerifyImageOptions): ImageVerdict {
  const image = readHashedImage(source, options);
  if (!image.ok) return image;
  const signed = checkSignatures(image.tlvs, image.contents.hash, options);
  if (!signed.ok) return signed;
  return { ok: true, facts: { ...image.contents, keyIndex: signed.keyIndex } };
}

/** SHA-256 of a public key as MCUboot embeds it: the value of the key-hash TLV. */
export function keyHashOf(crypto: Crypto, key: PublicKey): Uint8Array {
  return digestOf(crypto, key.encoded);
}

type SignatureVerdict =
  | { readonly ok: true; readonly keyIndex: number }
  | { readonly ok: false; readonly problem: ImageProblem };

/** A key TLV names the key of the signature TLVs behind it; one valid signature is enough. */
function checkSignatures(
  tlvs: readonly PlacedTlv[],
  hash: Uint8Array,
  options: VerifyImageOptions,
): SignatureVerdict {
  let keyTlv: PlacedTlv | null = null;
  let tried = 0;
  let worst: SignatureVerdict = problem(
    "no-signature",
    "TLV area: no signature behind a key, expected one",
  );
  for (const tlv of tlvs) {
    if (tlv.type === IMAGE_TLV_KEYHASH || tlv.type === IMAGE_TLV_PUBKEY) keyTlv = tlv;
    if (!SIGNATURE_TYPES.has(tlv.type) || keyTlv === null) continue;
    if (tried === MAX_SIGNATURES) break;
    tried++;
    const verdict = checkSignature(keyTlv, tlv, hash, options);
    if (verdict.ok) return verdict;
    worst = verdict;
  }
  return worst;
}

function checkSignature(
  keyTlv: PlacedTlv,
  signature: PlacedTlv,
  hash: Uint8Array,
  { crypto, keys }: VerifyImageOptions,
): SignatureVerdict {
  const keyIndex = keys.findIndex((key) =>
    bytesEqual(
      keyTlv.value,
      keyTlv.type === IMAGE_TLV_PUBKEY ? key.encoded : keyHashOf(crypto, key),
    ),
  );
  const key = keys[keyIndex];
  if (key === undefined) {
    const at = keyTlv.offsetBytes;
    const found = toHex(keyTlv.value.subarray(0, 32));
    const message = `${tlvName(keyTlv.type)} at ${hex(at)}: ${found}, expected ${keyNames(crypto, keys)}`;
    return problem("unknown-key", message, at);
  }
  const at = signature.offsetBytes;
  const what = `signature at ${hex(at)}`;
  if (SIGNATURE_TLV[key.type] !== signature.type) {
    const message = `${what}: ${tlvName(signature.type)}, expected ${tlvName(SIGNATURE_TLV[key.type])} of its ${key.type} key`;
    return problem("key-type-mismatch", message, at);
  }
  if (crypto.verifyDigest(key, hash, signature.value)) return { ok: true, keyIndex };
  return problem("bad-signature", `${what}: not valid for the ${key.type} key that it names`, at);
}

function keyNames(crypto: Crypto, keys: readonly PublicKey[]): string {
  if (keys.length === 0) return "a trusted key, of which there are none";
  return keys.map((key) => toHex(keyHashOf(crypto, key))).join(" or ");
}
