// SPDX-License-Identifier: Apache-2.0
import type { BootFlashArea } from "./boot-flash-area.js";
import { bootAssert } from "./boot-stop.js";
import { flashAreaReadWord, flashAreaWrite } from "./flash-map.js";
import { BOOT_SWAP_TYPE_NONE, BOOT_SWAP_TYPE_REVERT } from "./swap-types.js";
import {
  BOOT_MAGIC_SIZE,
  alignDown,
  alignUp,
  scratchTrailerSize,
  trailerSize,
} from "./trailer-format.js";
import type { TrailerFormat } from "./trailer-format.js";

/** `BOOT_MAGIC_…`: the magic is there, something else is, or the bytes are erased. */
export type MagicState = "good" | "bad" | "unset";

/** `BOOT_FLAG_…`: the byte is 1, something else, or erased. */
export type FlagState = "set" | "bad" | "unset";

/**
 * What a trailer says: `struct boot_swap_state`.
 * @see MCUboot, boot/bootutil/include/bootutil/bootutil_public.h
 */
export interface SwapState {
  readonly magic: MagicState;
  /** `BOOT_SWAP_TYPE_…`; NONE when erased or above REVERT. */
  readonly swapType: number;
  readonly copyDone: FlagState;
  readonly imageOk: FlagState;
  /** The image that a swap belongs to. */
  readonly imageNum: number;
}

const FLAG_SET = 1;

/** A slot or the scratch area together with the places of its trailer's fields. */
export class TrailerArea {
  readonly area: BootFlashArea;
  readonly format: TrailerFormat;
  readonly isScratch: boolean;
  /** Offsets from the start of the area, bytes. */
  readonly magicOffset: number;
  readonly imageOkOffset: number;
  readonly copyDoneOffset: number;
  readonly swapInfoOffset: number;
  /** Of swap using offset. */
  readonly tlvSizesOffset: number;
  readonly swapSizeOffset: number;

  constructor(area: BootFlashArea, format: TrailerFormat, isScratch = false) {
    const { maxAlign } = format;
    this.area = area;
    this.format = format;
    this.isScratch = isScratch;
    this.magicOffset = area.size - BOOT_MAGIC_SIZE;
    this.imageOkOffset = alignDown(this.magicOffset - maxAlign, maxAlign);
    this.copyDoneOffset = this.imageOkOffset - maxAlign;
    this.swapInfoOffset = this.copyDoneOffset - maxAlign;
    this.tlvSizesOffset = this.swapInfoOffset - maxAlign;
    this.swapSizeOffset = format.hasTlvSizes
      ? this.tlvSizesOffset - maxAlign
      : this.swapInfoOffset - maxAlign;
  }

  /** `boot_status_off`: where the status entries begin. */
  get statusOffset(): number {
    const { area, format } = this;
    const size = this.isScratch
      ? scratchTrailerSize(format, area.align)
      : trailerSize(format, area.align);
    bootAssert(size <= area.size, "boot_status_off", "the trailer fits the area");
    return area.size - size;
  }

  /** `boot_status_entries`: places for status writes. */
  get statusEntries(): number {
    const { maxEntries, statesPerEntry } = this.format;
    return this.isScratch ? statesPerEntry : maxEntries * statesPerEntry;
  }
}

/** `boot_read_swap_state`: the fields of a trailer. */
export function bootReadSwapState(trailer: TrailerArea): SwapState {
  const { area, swapInfoOffset } = trailer;
  const bytes = area.read(swapInfoOffset, area.size - swapInfoOffset);
  const flagAt = (offset: number): FlagState => {
    const byte = bytes[offset - swapInfoOffset];
    if (byte === area.erasedValue) return "unset";
    return byte === FLAG_SET ? "set" : "bad";
  };
  const info = bytes[0] ?? area.erasedValue;
  const isInfoUsable = info !== area.erasedValue && (info & 0x0f) <= BOOT_SWAP_TYPE_REVERT;
  return {
    magic: magicAt(trailer, bytes, trailer.magicOffset - swapInfoOffset),
    swapType: isInfoUsable ? info & 0x0f : BOOT_SWAP_TYPE_NONE,
    copyDone: flagAt(trailer.copyDoneOffset),
    imageOk: flagAt(trailer.imageOkOffset),
    imageNum: isInfoUsable ? info >> 4 : 0,
  };
}

/** `boot_magic_decode` of the trailer's magic, with erased bytes told apart. */
export function readMagic(trailer: TrailerArea): MagicState {
  return magicAt(trailer, trailer.area.read(trailer.magicOffset, BOOT_MAGIC_SIZE), 0);
}

function magicAt({ area, format }: TrailerArea, bytes: Uint8Array, at: number): MagicState {
  const { magic } = format;
  let isGood = true;
  let isUnset = true;
  for (let i = 0; i < BOOT_MAGIC_SIZE; i++) {
    const byte = bytes[at + i];
    if (byte !== magic[i]) isGood = false;
    if (byte !== area.erasedValue) isUnset = false;
  }
  if (isUnset) return "unset";
  return isGood ? "good" : "bad";
}

/** The byte of the swap info field as it stands, decoded by nobody. */
export function readSwapInfo({ area, swapInfoOffset }: TrailerArea): number {
  return area.read(swapInfoOffset, 1)[0] ?? area.erasedValue;
}

/** `boot_read_swap_size`: 32 bits, whatever they are. */
export function bootReadSwapSize({ area, swapSizeOffset }: TrailerArea): number {
  return flashAreaReadWord(area, swapSizeOffset) ?? 0;
}

/** `boot_read_unprotected_tlv_sizes`: of both slots, in swap using offset. */
export function bootReadUnprotectedTlvSizes({ area, tlvSizesOffset }: TrailerArea): {
  readonly primary: number;
  readonly secondary: number;
} {
  const sizes = flashAreaReadWord(area, tlvSizesOffset) ?? 0;
  return { primary: sizes & 0xffff, secondary: sizes >>> 16 };
}

/** `boot_write_magic`. True when the flash took it. */
export function bootWriteMagic({ area, format, magicOffset }: TrailerArea): boolean {
  const bytes = new Uint8Array(format.magicAlignSize).fill(area.erasedValue);
  bytes.set(format.magic, format.magicAlignSize - BOOT_MAGIC_SIZE);
  return flashAreaWrite(area, alignDown(magicOffset, format.maxAlign), bytes);
}

/** `boot_write_image_ok`. */
export function bootWriteImageOk(trailer: TrailerArea): boolean {
  return writeTrailer(trailer, trailer.imageOkOffset, FLAG_SET, 1);
}

/** `boot_write_copy_done`. */
export function bootWriteCopyDone(trailer: TrailerArea): boolean {
  return writeTrailer(trailer, trailer.copyDoneOffset, FLAG_SET, 1);
}

/** `boot_write_swap_info`. */
export function bootWriteSwapInfo(
  trailer: TrailerArea,
  swapType: number,
  imageNum: number,
): boolean {
  bootAssert(swapType < 0xf && imageNum < 0xf, "boot_write_swap_info", "swap type and image fit");
  return writeTrailer(trailer, trailer.swapInfoOffset, (imageNum << 4) | swapType, 1);
}

/** `boot_write_swap_size`. */
export function bootWriteSwapSize(trailer: TrailerArea, swapSize: number): boolean {
  return writeTrailer(trailer, trailer.swapSizeOffset, swapSize, 4);
}

/** `boot_write_unprotected_tlv_sizes`, in swap using offset. */
export function bootWriteUnprotectedTlvSizes(
  trailer: TrailerArea,
  primary: number,
  secondary: number,
): boolean {
  return writeTrailer(trailer, trailer.tlvSizesOffset, ((secondary << 16) | primary) >>> 0, 4);
}

/** `boot_write_trailer`: a little-endian value, padded to whole write units. */
function writeTrailer(
  { area, format }: TrailerArea,
  offset: number,
  value: number,
  length: 1 | 4,
): boolean {
  const size = alignUp(length, area.align);
  bootAssert(size <= format.maxAlign, "boot_write_trailer", "a write unit fits BOOT_MAX_ALIGN");
  const bytes = new Uint8Array(size).fill(area.erasedValue);
  for (let i = 0; i < length; i++) bytes[i] = (value >>> (8 * i)) & 0xff;
  return flashAreaWrite(area, offset, bytes);
}
