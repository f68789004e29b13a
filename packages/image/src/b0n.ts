// SPDX-License-Identifier: Apache-2.0
import { bytesEqual, digestOf, hex, toHex } from "@tandem/base";
import type { Crypto } from "@tandem/base";

import { FW_INFO_VALID_VAL, findFwInfo, findValidationInfo } from "./fw-info.js";
import type { FoundFwInfo } from "./fw-info.js";
import { readVectorTable } from "./vector-table.js";

/**
 * Why b0n refuses firmware:
 * - `no-fw-info`: no `fw_info` with the magic of the nRF5340 at any of the offsets
 * - `wrong-address`: linked for another address
 * - `invalidated`: `valid` does not have its value
 * - `bad-size`: sizes in `fw_info` do not fit the firmware or the slot
 * - `bad-entry`: vector table or reset handler outside the firmware
 * - `no-validation-info`: nothing behind the firmware
 * - `validation-address`: the validation info belongs to another firmware
 * - `hash-mismatch`: the firmware is not the one that was hashed
 */
export type B0nProblemCode =
  | "no-fw-info"
  | "wrong-address"
  | "invalidated"
  | "bad-size"
  | "bad-entry"
  | "no-validation-info"
  | "validation-address"
  | "hash-mismatch";

export interface B0nProblem {
  readonly code: B0nProblemCode;
  /** What, where, expected and found. */
  readonly message: string;
  /** Offset in the payload. */
  readonly offsetBytes: number;
}

/**
 * What the immutable bootloader of the network core checks before it copies firmware out of RAM
 * and again afterwards: everything but a signature, which b0n leaves to the application core.
 * @param payload firmware and validation info, without MCUboot header and TLVs
 * @param dstAddress where the firmware will stand
 * @see sdk-nrf, subsys/bootloader/bl_validation/bl_validation.c, validate_firmware
 */
export function checkB0nImage(
  payload: Uint8Array,
  dstAddress: number,
  crypto: Crypto,
): B0nProblem | null {
  const info = findFwInfo(payload);
  if (info === null) {
    return refuse(
      "no-fw-info",
      0x200,
      "no fw_info, expected one at 0x0, 0x200, 0x400, 0x800 or 0x1000",
    );
  }
  const at = info.offsetBytes;
  if (info.address !== dstAddress) {
    const found = hex(info.address, 8);
    return refuse(
      "wrong-address",
      at,
      `fw_info at ${hex(at)}: address ${found}, expected ${hex(dstAddress, 8)}`,
    );
  }
  if (info.valid !== FW_INFO_VALID_VAL) {
    const found = hex(info.valid, 8);
    return refuse(
      "invalidated",
      at,
      `fw_info at ${hex(at)}: valid ${found}, expected ${hex(FW_INFO_VALID_VAL)}`,
    );
  }
  return (
    checkSizes(payload, info) ?? checkEntry(payload, info) ?? checkValidation(payload, info, crypto)
  );
}

function checkSizes(payload: Uint8Array, info: FoundFwInfo): B0nProblem | null {
  const at = info.offsetBytes;
  if (info.size > payload.length) {
    return refuse(
      "bad-size",
      at,
      `fw_info at ${hex(at)}: size ${info.size}, expected at most ${payload.length}`,
    );
  }
  if (info.totalSize === 0 || at + info.totalSize > info.size) {
    return refuse(
      "bad-size",
      at,
      `fw_info at ${hex(at)}: total size ${info.totalSize}, expected an end within the firmware's ${info.size} bytes`,
    );
  }
  return null;
}

function checkEntry(payload: Uint8Array, info: FoundFwInfo): B0nProblem | null {
  const end = info.address + info.size;
  const range = `expected within ${hex(info.address, 8)} to ${hex(end, 8)}`;
  const at = info.offsetBytes;
  if (info.bootAddress < info.address || info.bootAddress >= end) {
    return refuse(
      "bad-entry",
      at,
      `fw_info at ${hex(at)}: boot address ${hex(info.bootAddress, 8)}, ${range}`,
    );
  }
  const vectorsAt = info.bootAddress - info.address;
  const vectors = readVectorTable(payload.subarray(vectorsAt, info.size));
  const reset = vectors?.resetVector ?? 0;
  if (reset >= info.address && reset < end) return null;
  return refuse(
    "bad-entry",
    vectorsAt + 4,
    `vector table at ${hex(vectorsAt)}: reset handler ${hex(reset, 8)}, ${range}`,
  );
}

function checkValidation(
  payload: Uint8Array,
  info: FoundFwInfo,
  crypto: Crypto,
): B0nProblem | null {
  const validation = findValidationInfo(payload, info.size);
  if (validation === null) {
    const where = `behind the firmware at ${hex(info.size)}`;
    return refuse(
      "no-validation-info",
      info.size,
      `no validation info ${where}, expected one within 4 bytes`,
    );
  }
  const what = `validation info behind ${hex(info.size)}`;
  if (validation.address !== info.address) {
    const found = hex(validation.address, 8);
    return refuse(
      "validation-address",
      info.size,
      `${what}: address ${found}, expected ${hex(info.address, 8)}`,
    );
  }
  const hash = digestOf(crypto, payload.subarray(0, info.size));
  if (bytesEqual(hash, validation.hash)) return null;
  return refuse(
    "hash-mismatch",
    info.size,
    `${what}: hash ${toHex(validation.hash)}, expected ${toHex(hash)} as computed`,
  );
}

function refuse(code: B0nProblemCode, offsetBytes: number, message: string): B0nProblem {
  return { code, message, offsetBytes };
}
