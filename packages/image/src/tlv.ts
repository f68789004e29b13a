// SPDX-License-Identifier: Apache-2.0
import { FormatError, concatBytes, hex, struct, u16 } from "@tandem/base";
import type { StructLayout } from "@tandem/base";

import { IMAGE_TLV_INFO_MAGIC, IMAGE_TLV_PROT_INFO_MAGIC } from "./constants.js";

/** One type-length-value record of an image. */
export interface Tlv {
  /** IMAGE_TLV_*, 16 bits. */
  readonly type: number;
  readonly value: Uint8Array;
}

/** A TLV and where its record begins in the image. */
export interface PlacedTlv extends Tlv {
  readonly offsetBytes: number;
}

/**
 * Largest TLV area that is accepted, bytes: a bootloader keeps it in RAM. Two RSA-3072
 * signatures, a manifest of four images and digests of 64 blocks together stay below 4 KiB.
 */
export const MAX_TLV_AREA_BYTES = 4096;

/** Most TLVs in one area: room for every type that MCUboot knows, and for vendors' own. */
export const MAX_TLVS = 64;

/** `struct image_tlv_info`: begins an area. */
export const TLV_INFO_LAYOUT: StructLayout<{
  /** IMAGE_TLV_INFO_MAGIC or IMAGE_TLV_PROT_INFO_MAGIC. */
  readonly magic: number;
  /** Bytes of the area with this header. */
  readonly total: number;
}> = struct("image_tlv_info", {
  magic: u16,
  total: u16,
});

/** `struct image_tlv`: begins a record. */
export const TLV_LAYOUT: StructLayout<{
  readonly type: number;
  /** Bytes of the value behind this header. */
  readonly length: number;
}> = struct("image_tlv", {
  type: u16,
  length: u16,
});

/** Bytes that an area of these TLVs takes, its info header included; 0 for none. */
function tlvAreaSize(tlvs: readonly Tlv[]): number {
  if (tlvs.length === 0) return 0;
  return tlvs.reduce(
    (sum, { value }) => sum + TLV_LAYOUT.size + value.length,
    TLV_INFO_LAYOUT.size,
  );
}

/**
 * The records of one TLV area.
 * @param area the whole area, with its info header
 * @param areaOffset where it begins in the image, for messages
 * @throws {FormatError} image/bad-tlv when a record runs past the area or there are too many
 */
export function parseTlvArea(area: Uint8Array, areaOffset: number): readonly PlacedTlv[] {
  const tlvs: PlacedTlv[] = [];
  let at = TLV_INFO_LAYOUT.size;
  while (at < area.length) {
    const left = area.length - at;
    const offsetBytes = areaOffset + at;
    if (left < TLV_LAYOUT.size) {
      throw badTlv(`TLV at ${hex(offsetBytes)}: ${left} bytes left, expected 4 for its header`, at);
    }
    if (tlvs.length === MAX_TLVS) {
      throw badTlv(`TLV area at ${hex(areaOffset)}: more than ${MAX_TLVS} TLVs`, offsetBytes);
    }
    const { type, length } = TLV_LAYOUT.parse(area, at);
    if (length > left - TLV_LAYOUT.size) {
      throw badTlv(
        `TLV ${hex(type, 2)} at ${hex(offsetBytes)}: length ${length}, ` +
          `expected at most ${left - TLV_LAYOUT.size} before the area ends`,
        offsetBytes,
      );
    }
    at += TLV_LAYOUT.size;
    tlvs.push({ type, value: area.slice(at, at + length), offsetBytes });
    at += length;
  }
  return tlvs;
}

/**
 * An area with its info header. The protected area vanishes when it has no TLVs.
 * @throws {FormatError} image/bad-tlv when it exceeds {@link MAX_TLV_AREA_BYTES} or {@link MAX_TLVS}
 */
export function encodeTlvArea(tlvs: readonly Tlv[], kind: "protected" | "unprotected"): Uint8Array {
  if (kind === "protected" && tlvs.length === 0) return new Uint8Array(0);
  const total = Math.max(tlvAreaSize(tlvs), TLV_INFO_LAYOUT.size);
  if (total > MAX_TLV_AREA_BYTES || tlvs.length > MAX_TLVS) {
    throw badTlv(
      `${kind} TLV area: ${tlvs.length} TLVs in ${total} bytes, ` +
        `expected at most ${MAX_TLVS} in ${MAX_TLV_AREA_BYTES}`,
      0,
    );
  }
  const magic = kind === "protected" ? IMAGE_TLV_PROT_INFO_MAGIC : IMAGE_TLV_INFO_MAGIC;
  const parts = [TLV_INFO_LAYOUT.encode({ magic, total })];
  for (const { type, value } of tlvs) {
    parts.push(TLV_LAYOUT.encode({ type, length: value.length }), value);
  }
  return concatBytes(...parts);
}

function badTlv(message: string, offset: number): FormatError {
  return new FormatError("image/bad-tlv", message, { details: { offset } });
}
