// SPDX-License-Identifier: Apache-2.0
import {
  UsageError,
  array,
  bytes,
  bytesEqual,
  concatBytes,
  digestOf,
  struct,
  u32,
} from "@tandem/base";
import type { Crypto, StructLayout } from "@tandem/base";

// Values are the Kconfig defaults of sdk-nrf, subsys/fw_info/Kconfig and
// subsys/bootloader/bl_validation/Kconfig; a build can change them.
const FW_INFO_MAGIC_COMMON = 0x281e_e6de;
const FW_INFO_MAGIC_FIRMWARE_INFO = 0x8fce_bb4c;
const SB_VALIDATION_INFO_MAGIC = 0x8651_8483;
/** Version 2 of the struct, hardware id 53, crypto id 0, compatibility id 0. */
const FW_INFO_COMPATIBILITY_NRF53 = 0x0000_3502;
/** As above with crypto id 1. */
const VALIDATION_COMPATIBILITY_NRF53 = 0x0001_3502;

/** `fw_info.valid` of firmware that has not been invalidated. */
export const FW_INFO_VALID_VAL = 0x9102_ffff;

/** Where the struct may stand in the firmware (include/fw_info_bare.h), bytes. */
export const FW_INFO_OFFSETS: readonly number[] = [0x0, 0x200, 0x400, 0x800, 0x1000];

/** How far behind the firmware b0n looks for the validation info, bytes: it is word-aligned. */
export const VALIDATION_SEARCH_BYTES = 4;

/** `struct fw_info`, without the lists of external APIs that may follow. */
export interface FwInfo {
  /** Bytes of the struct with the lists behind it. */
  readonly totalSize: number;
  /** Bytes of the firmware, without its validation info. */
  readonly size: number;
  /** Counter that b0n reports; `CONFIG_FW_INFO_FIRMWARE_VERSION`. */
  readonly version: number;
  /** Address that the firmware is linked for. */
  readonly address: number;
  /** Address of the vector table. */
  readonly bootAddress: number;
  /** {@link FW_INFO_VALID_VAL} unless the firmware was invalidated. */
  readonly valid: number;
}

/** A `fw_info` and its place in the firmware. */
export interface FoundFwInfo extends FwInfo {
  readonly offsetBytes: number;
}

interface RawFwInfo extends FwInfo {
  readonly magic: readonly number[];
  readonly reserved: readonly number[];
  readonly extApiNum: number;
  readonly extApiRequestNum: number;
}

/** Layout of `struct fw_info`, 60 bytes (sdk-nrf, include/fw_info_bare.h). */
export const FW_INFO_LAYOUT: StructLayout<RawFwInfo> = struct("fw_info", {
  magic: array(u32, 3),
  totalSize: u32,
  size: u32,
  version: u32,
  address: u32,
  bootAddress: u32,
  valid: u32,
  reserved: array(u32, 4),
  extApiNum: u32,
  extApiRequestNum: u32,
});

/** `struct fw_validation_info` (sdk-nrf, subsys/bootloader/bl_validation/bl_validation.c). */
export interface ValidationInfo {
  /** Equals `fw_info.address`. */
  readonly address: number;
  /** SHA-256 of the firmware. */
  readonly hash: Uint8Array;
}

interface RawValidationInfo extends ValidationInfo {
  readonly magic: readonly number[];
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
}

/** Layout of `struct fw_validation_info`, 176 bytes. */
export const VALIDATION_INFO_LAYOUT: StructLayout<RawValidationInfo> = struct(
  "fw_validation_info",
  {
    magic: array(u32, 3),
    address: u32,
    hash: bytes(32),
    publicKey: bytes(64),
    signature: bytes(64),
  },
);

const FW_INFO_MAGIC = magicBytes(FW_INFO_MAGIC_FIRMWARE_INFO, FW_INFO_COMPATIBILITY_NRF53);
const VALIDATION_MAGIC = magicBytes(SB_VALIDATION_INFO_MAGIC, VALIDATION_COMPATIBILITY_NRF53);

/** The firmware's `fw_info` for an nRF5340, or null. The first 0x103C bytes are enough. */
export function findFwInfo(payload: Uint8Array): FoundFwInfo | null {
  for (const offsetBytes of FW_INFO_OFFSETS) {
    if (!startsWith(payload, offsetBytes, FW_INFO_MAGIC, FW_INFO_LAYOUT.size)) continue;
    const { totalSize, size, version, address, bootAddress, valid } = FW_INFO_LAYOUT.parse(
      payload,
      offsetBytes,
    );
    return { offsetBytes, totalSize, size, version, address, bootAddress, valid };
  }
  return null;
}

/** A valid `fw_info` for an nRF5340, without external APIs, 60 bytes. */
export function encodeFwInfo(info: {
  /** Bytes of the firmware that it describes. */
  readonly size: number;
  readonly version: number;
  readonly address: number;
  /** Address of the vector table; `address` when left out. */
  readonly bootAddress?: number;
}): Uint8Array {
  return FW_INFO_LAYOUT.encode({
    magic: [FW_INFO_MAGIC_COMMON, FW_INFO_MAGIC_FIRMWARE_INFO, FW_INFO_COMPATIBILITY_NRF53],
    totalSize: FW_INFO_LAYOUT.size,
    size: info.size,
    version: info.version,
    address: info.address,
    bootAddress: info.bootAddress ?? info.address,
    valid: FW_INFO_VALID_VAL,
    reserved: [0, 0, 0, 0],
    extApiNum: 0,
    extApiRequestNum: 0,
  });
}

/**
 * The firmware with its validation info behind it, as the build system's `signed_by_b0` file.
 * Key and signature are zero: b0n on the network core compares the hash only.
 * @param firmware holds a `fw_info` whose size is the firmware's length
 * @param address where the firmware will stand
 * @throws {UsageError} image/no-fw-info when it does not
 * @see sdk-nrf, scripts/bootloader/validation_data.py
 */
export function appendValidationInfo(
  firmware: Uint8Array,
  address: number,
  crypto: Crypto,
): Uint8Array {
  const info = findFwInfo(firmware);
  if (info === null || info.size !== firmware.length) {
    throw new UsageError(
      "image/no-fw-info",
      `firmware of ${firmware.length} bytes: fw_info tells of ${info?.size ?? "nothing"}, ` +
        `expected ${firmware.length}`,
    );
  }
  const padding = new Uint8Array(-firmware.length & 3).fill(0xff);
  const validation = VALIDATION_INFO_LAYOUT.encode({
    magic: [FW_INFO_MAGIC_COMMON, SB_VALIDATION_INFO_MAGIC, VALIDATION_COMPATIBILITY_NRF53],
    address,
    hash: digestOf(crypto, firmware),
    publicKey: new Uint8Array(64),
    signature: new Uint8Array(64),
  });
  return concatBytes(firmware, padding, validation);
}

/** The validation info at most {@link VALIDATION_SEARCH_BYTES} behind the firmware, or null. */
export function findValidationInfo(
  payload: Uint8Array,
  firmwareSize: number,
): ValidationInfo | null {
  for (let at = firmwareSize; at <= firmwareSize + VALIDATION_SEARCH_BYTES; at++) {
    if (!startsWith(payload, at, VALIDATION_MAGIC, VALIDATION_INFO_LAYOUT.size)) continue;
    const { address, hash } = VALIDATION_INFO_LAYOUT.parse(payload, at);
    return { address, hash };
  }
  return null;
}

function magicBytes(own: number, compatibility: number): Uint8Array {
  const magic = new Uint8Array(12);
  const view = new DataView(magic.buffer);
  view.setUint32(0, FW_INFO_MAGIC_COMMON, true);
  view.setUint32(4, own, true);
  view.setUint32(8, compatibility, true);
  return magic;
}

/** True when `size` bytes are there and begin with the magic. */
function startsWith(payload: Uint8Array, at: number, magic: Uint8Array, size: number): boolean {
  if (at + size > payload.length) return false;
  return bytesEqual(payload.subarray(at, at + magic.length), magic);
}
