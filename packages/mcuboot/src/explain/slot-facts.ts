// SPDX-License-Identifier: Apache-2.0
import { FormatError, bytesEqual } from "@tandem/base";
import {
  IMAGE_HEADER_LAYOUT,
  IMAGE_HEADER_SIZE,
  IMAGE_MAGIC,
  IMAGE_TLV_DEPENDENCY,
  IMAGE_TLV_INFO_MAGIC,
  IMAGE_TLV_PROT_INFO_MAGIC,
  IMAGE_TLV_SEC_CNT,
  MAX_TLVS,
  TLV_INFO_LAYOUT,
  TLV_LAYOUT,
  flagNames,
  formatVersion,
  parseDependency,
  tlvName,
} from "@tandem/image";
import type { ImageHeader } from "@tandem/image";

import type { ResolvedBootConfig } from "../boot-config.js";
import type { BootFlashArea } from "../boot-flash-area.js";
import type { SlotName } from "../boot-result.js";
import { swapTypeName } from "../swap-types.js";
import type { SwapTypeName } from "../swap-types.js";
import { TrailerArea, bootReadSwapSize, bootReadSwapState, readSwapInfo } from "../trailer.js";
import type { SwapState } from "../trailer.js";
import { BOOT_MAGIC_SIZE, trailerFormat } from "../trailer-format.js";

/** What the header at the start of an image says. */
export interface HeaderFacts {
  readonly version: string;
  /** `ih_hdr_size`, `ih_img_size`, `ih_protect_tlv_size`: bytes. */
  readonly headerSize: number;
  readonly imageSize: number;
  readonly protectedTlvSize: number;
  /** `ih_load_addr`. */
  readonly loadAddress: number;
  /** Names of the IMAGE_F_… that are set. */
  readonly flags: readonly string[];
}

/** One TLV of an image, with what it says where MCUboot's decisions depend on it. */
export interface TlvFacts {
  /** MCUboot's name without IMAGE_TLV_, or `unknown`. */
  readonly name: string;
  readonly type: number;
  /** Bytes of the value. */
  readonly length: number;
  readonly isProtected: boolean;
  /** A dependency or a security counter in words. */
  readonly value: string | null;
}

/** What the trailer at the end of an area says. */
export interface TrailerFacts extends Omit<SwapState, "swapType"> {
  readonly swapType: SwapTypeName;
  /** The byte of the swap info field; null when erased. */
  readonly swapInfo: number | null;
  /** Bytes that a swap in progress moves; null when erased. */
  readonly swapSize: number | null;
  /** BOOT_MAX_ALIGN of the build that this magic belongs to, when it is not this build's. */
  readonly foreignMagic: number | null;
}

/** A slot as it stands in flash, read without judging it. */
export interface SlotFacts {
  readonly image: number;
  readonly slot: SlotName | "scratch";
  /** Name of the device. */
  readonly device: string;
  /** Place on the device, bytes. */
  readonly offset: number;
  readonly size: number;
  /** Number of erase units. */
  readonly sectors: number;
  /** Every byte is erased. */
  readonly isBlank: boolean;
  /** First word of the image. */
  readonly magic: number;
  /** Null when `magic` is not that of an image. */
  readonly header: HeaderFacts | null;
  /** As far as the TLV areas can be read. */
  readonly tlvs: readonly TlvFacts[];
  readonly trailer: TrailerFacts;
  /** Swap using offset: an image at the start of the secondary slot, where none belongs. */
  readonly hasImageInFirstSector: boolean;
}

/** The parts of a build that say where things stand in a slot. */
export interface SlotPlace {
  readonly image: number;
  readonly slot: SlotName | "scratch";
  readonly config: ResolvedBootConfig;
  /** Where the image begins: the second sector of a secondary slot in swap using offset. */
  readonly imageOffset: number;
}

/** Reads a slot; never throws on what stands in it. */
export function readSlotFacts(area: BootFlashArea, place: SlotPlace): SlotFacts {
  const { image, slot, config, imageOffset } = place;
  const trailer = new TrailerArea(area, trailerFormat(config), slot === "scratch");
  const header = readHeader(area, imageOffset);
  const isImage = slot !== "scratch" && header.magic === IMAGE_MAGIC;
  return {
    image,
    slot,
    device: area.device,
    offset: area.offset,
    size: area.size,
    sectors: area.sectors.length,
    isBlank: isErased(area, 0, area.size),
    magic: header.magic,
    header: isImage ? headerFacts(header) : null,
    tlvs: isImage ? readTlvs(area, imageOffset, header) : [],
    trailer: readTrailer(trailer, config),
    hasImageInFirstSector: imageOffset > 0 && readHeader(area, 0).magic === IMAGE_MAGIC,
  };
}

function isErased(area: BootFlashArea, offset: number, length: number): boolean {
  return area.read(offset, length).every((byte) => byte === area.erasedValue);
}

function readHeader(area: BootFlashArea, offset: number): ImageHeader {
  const bytes = new Uint8Array(IMAGE_HEADER_SIZE).fill(area.erasedValue);
  if (offset + IMAGE_HEADER_SIZE <= area.size) bytes.set(area.read(offset, IMAGE_HEADER_SIZE));
  return IMAGE_HEADER_LAYOUT.parse(bytes);
}

function headerFacts(header: ImageHeader): HeaderFacts {
  const { headerSize, imageSize, protectedTlvSize, loadAddress } = header;
  return {
    version: formatVersion(header.version),
    headerSize,
    imageSize,
    protectedTlvSize,
    loadAddress,
    flags: flagNames(header.flags),
  };
}

/** TLVs up to the first that makes no sense: a dump may hold anything. */
function readTlvs(area: BootFlashArea, imageOffset: number, header: ImageHeader): TlvFacts[] {
  const tlvs: TlvFacts[] = [];
  let at = imageOffset + header.headerSize + header.imageSize;
  for (const magic of [IMAGE_TLV_PROT_INFO_MAGIC, IMAGE_TLV_INFO_MAGIC]) {
    if (at + TLV_INFO_LAYOUT.size > area.size) break;
    const areaInfo = TLV_INFO_LAYOUT.parse(area.read(at, TLV_INFO_LAYOUT.size));
    if (areaInfo.magic !== magic) continue;
    const end = Math.min(at + areaInfo.total, area.size);
    readArea(area, at + TLV_INFO_LAYOUT.size, end, magic === IMAGE_TLV_PROT_INFO_MAGIC, tlvs);
    at = end;
  }
  return tlvs;
}

function readArea(
  area: BootFlashArea,
  start: number,
  end: number,
  isProtected: boolean,
  tlvs: TlvFacts[],
): void {
  let at = start;
  while (at + TLV_LAYOUT.size <= end && tlvs.length < MAX_TLVS) {
    const { type, length } = TLV_LAYOUT.parse(area.read(at, TLV_LAYOUT.size));
    at += TLV_LAYOUT.size;
    if (at + length > end) return;
    const value = tlvValue(type, area.read(at, length));
    tlvs.push({ name: tlvName(type), type, length, isProtected, value });
    at += length;
  }
}

function tlvValue(type: number, bytes: Uint8Array): string | null {
  if (type === IMAGE_TLV_SEC_CNT && bytes.length === 4) {
    const [a = 0, b = 0, c = 0, d = 0] = bytes;
    return String((a | (b << 8) | (c << 16) | (d << 24)) >>> 0);
  }
  if (type !== IMAGE_TLV_DEPENDENCY) return null;
  try {
    const { imageIndex, minVersion } = parseDependency(bytes);
    return `image ${imageIndex} >= ${formatVersion(minVersion)}`;
  } catch (cause) {
    if (cause instanceof FormatError) return null;
    throw cause;
  }
}

function readTrailer(trailer: TrailerArea, config: ResolvedBootConfig): TrailerFacts {
  const { area } = trailer;
  const { swapType, ...state } = bootReadSwapState(trailer);
  const swapInfo = readSwapInfo(trailer);
  const isSizeErased = isErased(area, trailer.swapSizeOffset, 4);
  return {
    ...state,
    swapType: swapTypeName(swapType),
    swapInfo: swapInfo === area.erasedValue ? null : swapInfo,
    swapSize: isSizeErased ? null : bootReadSwapSize(trailer),
    foreignMagic: state.magic === "bad" ? foreignMagic(trailer, config) : null,
  };
}

/** The BOOT_MAX_ALIGN whose magic stands there. */
function foreignMagic({ area, magicOffset }: TrailerArea, config: ResolvedBootConfig) {
  const bytes = area.read(magicOffset, BOOT_MAGIC_SIZE);
  const found = [8, 16, 32].find((maxAlign) =>
    bytesEqual(trailerFormat({ ...config, maxAlign }).magic, bytes),
  );
  return found ?? null;
}
