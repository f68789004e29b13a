// SPDX-License-Identifier: Apache-2.0
export { checkB0nImage } from "./b0n.js";
export type { B0nProblem, B0nProblemCode } from "./b0n.js";
export {
  MAX_BLOCK_DIGESTS,
  MIN_DIGEST_BLOCK_BYTES,
  computeBlockDigests,
  encodeBlockDigests,
  isBlockDigests,
  parseBlockDigests,
} from "./block-digests.js";
export type { BlockDigests } from "./block-digests.js";
export {
  IMAGE_F_COMPRESSED_ARM_THUMB_FLT,
  IMAGE_F_COMPRESSED_LZMA1,
  IMAGE_F_COMPRESSED_LZMA2,
  IMAGE_F_ENCRYPTED_AES128,
  IMAGE_F_ENCRYPTED_AES256,
  IMAGE_F_NON_BOOTABLE,
  IMAGE_F_PIC,
  IMAGE_F_RAM_LOAD,
  IMAGE_F_ROM_FIXED,
  IMAGE_HEADER_SIZE,
  IMAGE_MAGIC,
  IMAGE_TLV_BOOT_RECORD,
  IMAGE_TLV_COMP_DEC_SIZE,
  IMAGE_TLV_DECOMP_SHA,
  IMAGE_TLV_DECOMP_SIGNATURE,
  IMAGE_TLV_DECOMP_SIZE,
  IMAGE_TLV_DEPENDENCY,
  IMAGE_TLV_ECDSA224,
  IMAGE_TLV_ECDSA_SIG,
  IMAGE_TLV_ED25519,
  IMAGE_TLV_ENC_EC256,
  IMAGE_TLV_ENC_KW,
  IMAGE_TLV_ENC_RSA2048,
  IMAGE_TLV_ENC_X25519,
  IMAGE_TLV_ENC_X25519_SHA512,
  IMAGE_TLV_INFO_MAGIC,
  IMAGE_TLV_KEYHASH,
  IMAGE_TLV_MANIFEST,
  IMAGE_TLV_PROT_INFO_MAGIC,
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
  flagNames,
  isCompressed,
  isEncrypted,
  tlvName,
} from "./constants.js";
export { encodeDependency, parseDependency } from "./dependency.js";
export type { ImageDependency } from "./dependency.js";
export {
  FW_INFO_LAYOUT,
  FW_INFO_OFFSETS,
  FW_INFO_VALID_VAL,
  VALIDATION_INFO_LAYOUT,
  VALIDATION_SEARCH_BYTES,
  appendValidationInfo,
  encodeFwInfo,
  findFwInfo,
  findValidationInfo,
} from "./fw-info.js";
export type { FoundFwInfo, FwInfo, ValidationInfo } from "./fw-info.js";
export { DEFAULT_CHUNK_BYTES, inspectImage } from "./image-contents.js";
export type { ImageContents, ImageInspection, ReadImageOptions } from "./image-contents.js";
export { IMAGE_HEADER_LAYOUT } from "./image-header.js";
export type { ImageHeader } from "./image-header.js";
export { bytesSource } from "./image-source.js";
export type { ImageSource } from "./image-source.js";
export { encodeImage, hasImageMagic, parseImage } from "./image.js";
export type { Image } from "./image.js";
export {
  MAX_HEX_CHARACTERS,
  MAX_HEX_SPAN_BYTES,
  looksLikeIntelHex,
  parseIntelHex,
} from "./intel-hex.js";
export type { HexFirmware } from "./intel-hex.js";
export { MAX_MANIFEST_HASHES, encodeManifest, parseManifest } from "./manifest.js";
export type { Manifest } from "./manifest.js";
export type { ImageProblem, ImageProblemCode } from "./problem.js";
export { signImage } from "./sign-image.js";
export type { SignImageOptions } from "./sign-image.js";
export { readBlockDigests } from "./stored-digests.js";
export type { StoredDigests } from "./stored-digests.js";
export { MAX_TLVS, MAX_TLV_AREA_BYTES, TLV_INFO_LAYOUT, TLV_LAYOUT } from "./tlv.js";
export type { Tlv } from "./tlv.js";
export { checkLinkAddress, readVectorTable } from "./vector-table.js";
export type { AddressRange, LinkAddressProblem, VectorTable } from "./vector-table.js";
export { MAX_SIGNATURES, SIGNATURE_TLV, keyHashOf, verifyImage } from "./verify-image.js";
export type { ImageFacts, ImageVerdict, VerifyImageOptions } from "./verify-image.js";
export { IMAGE_VERSION_LAYOUT, compareVersions, formatVersion, parseVersion } from "./version.js";
export type { ImageVersion } from "./version.js";
