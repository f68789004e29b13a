// SPDX-License-Identifier: Apache-2.0

// Names and values of MCUboot's boot/bootutil/include/bootutil/image.h (version 2.5);
// IMAGE_TLV_MANIFEST is Nordic's addition in sdk-mcuboot.

/** First word of every image header. */
export const IMAGE_MAGIC = 0x96f3b83d;
/** Size of the header's fields, bytes; `ih_hdr_size` adds padding behind them. */
export const IMAGE_HEADER_SIZE = 32;
/** Begins the unprotected TLV area. */
export const IMAGE_TLV_INFO_MAGIC = 0x6907;
/** Begins the protected TLV area, which the image hash covers. */
export const IMAGE_TLV_PROT_INFO_MAGIC = 0x6908;

/** Position-independent; MCUboot does not support it. */
export const IMAGE_F_PIC = 0x0000_0001;
export const IMAGE_F_ENCRYPTED_AES128 = 0x0000_0004;
export const IMAGE_F_ENCRYPTED_AES256 = 0x0000_0008;
export const IMAGE_F_NON_BOOTABLE = 0x0000_0010;
/** To be copied to the load address, in RAM, before it runs. */
export const IMAGE_F_RAM_LOAD = 0x0000_0020;
/** The load address is the flash address that the image was linked for. */
export const IMAGE_F_ROM_FIXED = 0x0000_0100;
export const IMAGE_F_COMPRESSED_LZMA1 = 0x0000_0200;
export const IMAGE_F_COMPRESSED_LZMA2 = 0x0000_0400;
export const IMAGE_F_COMPRESSED_ARM_THUMB_FLT = 0x0000_0800;

/** SHA-256 of the public key that the next signature belongs to. */
export const IMAGE_TLV_KEYHASH = 0x01;
/** The public key itself, in place of its hash. */
export const IMAGE_TLV_PUBKEY = 0x02;
/** Hash of header, payload and protected TLVs. */
export const IMAGE_TLV_SHA256 = 0x10;
export const IMAGE_TLV_SHA384 = 0x11;
export const IMAGE_TLV_SHA512 = 0x12;
export const IMAGE_TLV_RSA2048_PSS = 0x20;
export const IMAGE_TLV_ECDSA224 = 0x21;
export const IMAGE_TLV_ECDSA_SIG = 0x22;
export const IMAGE_TLV_RSA3072_PSS = 0x23;
export const IMAGE_TLV_ED25519 = 0x24;
/** The signature is over the image instead of its hash. */
export const IMAGE_TLV_SIG_PURE = 0x25;
export const IMAGE_TLV_ENC_RSA2048 = 0x30;
export const IMAGE_TLV_ENC_KW = 0x31;
export const IMAGE_TLV_ENC_EC256 = 0x32;
export const IMAGE_TLV_ENC_X25519 = 0x33;
export const IMAGE_TLV_ENC_X25519_SHA512 = 0x34;
/** Least version of another image that this one needs. */
export const IMAGE_TLV_DEPENDENCY = 0x40;
/** Security counter: 32 bits that never go down on a device. */
export const IMAGE_TLV_SEC_CNT = 0x50;
export const IMAGE_TLV_BOOT_RECORD = 0x60;
export const IMAGE_TLV_DECOMP_SIZE = 0x70;
export const IMAGE_TLV_DECOMP_SHA = 0x71;
export const IMAGE_TLV_DECOMP_SIGNATURE = 0x72;
export const IMAGE_TLV_COMP_DEC_SIZE = 0x73;
/** Vendor identifier, a UUID. */
export const IMAGE_TLV_UUID_VID = 0x74;
/** Device class identifier, a UUID. */
export const IMAGE_TLV_UUID_CID = 0x75;
/** Hashes of the other images of the set (sdk-mcuboot, mcuboot_manifest.h). */
export const IMAGE_TLV_MANIFEST = 0x76;
/**
 * Digests of the image's blocks, Tandem's own: a type of those that MCUboot reserves for vendors
 * (docs/design.md, 0xXXA0 to 0xXXFF), 0x54 being `T`.
 */
export const TANDEM_TLV_BLOCK_DIGESTS = 0x54a0;

const TLV_NAMES: ReadonlyMap<number, string> = new Map([
  [IMAGE_TLV_KEYHASH, "KEYHASH"],
  [IMAGE_TLV_PUBKEY, "PUBKEY"],
  [IMAGE_TLV_SHA256, "SHA256"],
  [IMAGE_TLV_SHA384, "SHA384"],
  [IMAGE_TLV_SHA512, "SHA512"],
  [IMAGE_TLV_RSA2048_PSS, "RSA2048_PSS"],
  [IMAGE_TLV_ECDSA224, "ECDSA224"],
  [IMAGE_TLV_ECDSA_SIG, "ECDSA_SIG"],
  [IMAGE_TLV_RSA3072_PSS, "RSA3072_PSS"],
  [IMAGE_TLV_ED25519, "ED25519"],
  [IMAGE_TLV_SIG_PURE, "SIG_PURE"],
  [IMAGE_TLV_ENC_RSA2048, "ENC_RSA2048"],
  [IMAGE_TLV_ENC_KW, "ENC_KW"],
  [IMAGE_TLV_ENC_EC256, "ENC_EC256"],
  [IMAGE_TLV_ENC_X25519, "ENC_X25519"],
  [IMAGE_TLV_ENC_X25519_SHA512, "ENC_X25519_SHA512"],
  [IMAGE_TLV_DEPENDENCY, "DEPENDENCY"],
  [IMAGE_TLV_SEC_CNT, "SEC_CNT"],
  [IMAGE_TLV_BOOT_RECORD, "BOOT_RECORD"],
  [IMAGE_TLV_DECOMP_SIZE, "DECOMP_SIZE"],
  [IMAGE_TLV_DECOMP_SHA, "DECOMP_SHA"],
  [IMAGE_TLV_DECOMP_SIGNATURE, "DECOMP_SIGNATURE"],
  [IMAGE_TLV_COMP_DEC_SIZE, "COMP_DEC_SIZE"],
  [IMAGE_TLV_UUID_VID, "UUID_VID"],
  [IMAGE_TLV_UUID_CID, "UUID_CID"],
  [IMAGE_TLV_MANIFEST, "MANIFEST"],
  [TANDEM_TLV_BLOCK_DIGESTS, "TANDEM_BLOCK_DIGESTS"],
]);

/** Name of a TLV type, MCUboot's without its prefix; `vendor` or `unknown` for others. */
export function tlvName(type: number): string {
  const isVendor = (type & 0xff) >= 0xa0;
  return TLV_NAMES.get(type) ?? (isVendor ? "vendor" : "unknown");
}

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [IMAGE_F_PIC, "PIC"],
  [IMAGE_F_ENCRYPTED_AES128, "ENCRYPTED_AES128"],
  [IMAGE_F_ENCRYPTED_AES256, "ENCRYPTED_AES256"],
  [IMAGE_F_NON_BOOTABLE, "NON_BOOTABLE"],
  [IMAGE_F_RAM_LOAD, "RAM_LOAD"],
  [IMAGE_F_ROM_FIXED, "ROM_FIXED"],
  [IMAGE_F_COMPRESSED_LZMA1, "COMPRESSED_LZMA1"],
  [IMAGE_F_COMPRESSED_LZMA2, "COMPRESSED_LZMA2"],
  [IMAGE_F_COMPRESSED_ARM_THUMB_FLT, "COMPRESSED_ARM_THUMB_FLT"],
];

/** Names of the header flags that are set; bits without a name are left out. */
export function flagNames(flags: number): readonly string[] {
  return FLAG_NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
}

/** True when the flags say that the payload is encrypted. */
export function isEncrypted(flags: number): boolean {
  return (flags & (IMAGE_F_ENCRYPTED_AES128 | IMAGE_F_ENCRYPTED_AES256)) !== 0;
}

/** True when the flags say that the payload is compressed. */
export function isCompressed(flags: number): boolean {
  const bits =
    IMAGE_F_COMPRESSED_LZMA1 | IMAGE_F_COMPRESSED_LZMA2 | IMAGE_F_COMPRESSED_ARM_THUMB_FLT;
  return (flags & bits) !== 0;
}
