// SPDX-License-Identifier: Apache-2.0

/**
 * What can be wrong with an image:
 * - `bad-magic`: the bytes do not begin with an MCUboot header; also erased flash
 * - `bad-header`: the header contradicts itself
 * - `truncated`: the header or a TLV area claims more bytes than there are
 * - `trailing-bytes`: bytes behind the last TLV although the size had to be exact
 * - `bad-tlv`: a TLV area is malformed, too large, or holds what does not belong there
 * - `no-hash`: no SHA-256 TLV
 * - `hash-mismatch`: the bytes are not those that were hashed when the image was signed
 * - `no-signature`: no key or no signature
 * - `unknown-key`: signed with none of the trusted keys
 * - `key-type-mismatch`: the signature's type does not fit the key that it names
 * - `bad-signature`: the signature is not valid
 * - `encrypted`: the payload is encrypted, which cannot be verified before installation
 * - `unsupported`: a feature of MCUboot that Tandem does not have, named in the message
 */
export type ImageProblemCode =
  | "bad-magic"
  | "bad-header"
  | "truncated"
  | "trailing-bytes"
  | "bad-tlv"
  | "no-hash"
  | "hash-mismatch"
  | "no-signature"
  | "unknown-key"
  | "key-type-mismatch"
  | "bad-signature"
  | "encrypted"
  | "unsupported";

/** Why an image is refused. */
export interface ImageProblem {
  readonly code: ImageProblemCode;
  /** What, where, expected and found. */
  readonly message: string;
  /** Offset in the image of the bytes that are wrong. */
  readonly offsetBytes?: number;
}

/** Shorthand for a negative verdict. */
export function problem(
  code: ImageProblemCode,
  message: string,
  offsetBytes?: number,
): { readonly ok: false; readonly problem: ImageProblem } {
  return {
    ok: false,
    problem: offsetBytes === undefined ? { code, message } : { code, message, offsetBytes },
  };
}
