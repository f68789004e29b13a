// SPDX-License-Identifier: Apache-2.0
import { array, bytes, crc32c, struct, u16, u32, u8 } from "@tandem/base";
import type { StructLayout } from "@tandem/base";

import type { StorePlan } from "./store-plan.js";

/** `TBH1`: first page of a data block. */
export const HEADER_MAGIC = 0x31484254;
/** `TBS1`: last used page of a data block. */
export const SUMMARY_MAGIC = 0x31534254;

/** What a data block belongs to. `sequence` must equal the one in the journaled map. */
export interface BlockIdentity {
  readonly bank: number;
  readonly image: number;
  readonly copy: number;
  /** Number of the block within the image: its logical erase block. */
  readonly logicalBlock: number;
  readonly sequence: number;
}

/** True when both name the same block of the same allocation. */
export function isSameBlock(a: BlockIdentity, b: BlockIdentity): boolean {
  return (
    a.bank === b.bank &&
    a.image === b.image &&
    a.copy === b.copy &&
    a.logicalBlock === b.logicalBlock &&
    a.sequence === b.sequence
  );
}

/** CRC of every data page of a complete block. */
export interface BlockSummary {
  readonly identity: BlockIdentity;
  /** Image bytes in the block. */
  readonly lengthBytes: number;
  readonly pageCrcs: readonly number[];
}

interface RawHeader {
  readonly magic: number;
  readonly bank: number;
  readonly image: number;
  readonly copy: number;
  readonly reserved: number;
  readonly logical_block: number;
  readonly reserved2: number;
  readonly sequence: number;
  readonly crc: number;
}

/** First page of a data block. */
export const HEADER_LAYOUT: StructLayout<RawHeader> = struct("tandem_block_header", {
  magic: u32,
  bank: u8,
  image: u8,
  copy: u8,
  reserved: u8,
  logical_block: u16,
  reserved2: u16,
  sequence: u32,
  crc: u32,
});

interface RawSummary {
  readonly magic: number;
  readonly bank: number;
  readonly image: number;
  readonly copy: number;
  readonly page_count: number;
  readonly logical_block: number;
  readonly reserved: number;
  readonly sequence: number;
  readonly length_bytes: number;
  readonly page_crcs: readonly number[];
  readonly padding: Uint8Array;
  readonly crc: number;
}

/** Last used page of a data block. */
export function summaryLayout(plan: StorePlan): StructLayout<RawSummary> {
  return struct("tandem_block_summary", {
    magic: u32,
    bank: u8,
    image: u8,
    copy: u8,
    page_count: u8,
    logical_block: u16,
    reserved: u16,
    sequence: u32,
    length_bytes: u32,
    page_crcs: array(u32, plan.dataPagesPerBlock),
    padding: bytes(4),
    crc: u32,
  });
}

/** Header page: written right after the erase, it proves that the erase was complete. */
export function encodeBlockHeader(identity: BlockIdentity, plan: StorePlan): Uint8Array {
  const encoded = HEADER_LAYOUT.encode({
    magic: HEADER_MAGIC,
    bank: identity.bank,
    image: identity.image,
    copy: identity.copy,
    reserved: 0,
    logical_block: identity.logicalBlock,
    reserved2: 0,
    sequence: identity.sequence,
    crc: 0,
  });
  return sealedPage(encoded, plan);
}

/** Summary page: written last, it makes the block count as received. */
export function encodeBlockSummary(summary: BlockSummary, plan: StorePlan): Uint8Array {
  const { identity, pageCrcs } = summary;
  const encoded = summaryLayout(plan).encode({
    magic: SUMMARY_MAGIC,
    bank: identity.bank,
    image: identity.image,
    copy: identity.copy,
    page_count: pageCrcs.length,
    logical_block: identity.logicalBlock,
    reserved: 0,
    sequence: identity.sequence,
    length_bytes: summary.lengthBytes,
    page_crcs: [
      ...pageCrcs,
      ...Array.from({ length: plan.dataPagesPerBlock - pageCrcs.length }, () => 0),
    ],
    padding: new Uint8Array(4),
    crc: 0,
  });
  return sealedPage(encoded, plan);
}

/** The header on a page, or null when the page holds none that is whole. */
export function decodeBlockHeader(page: Uint8Array): BlockIdentity | null {
  if (page.length < HEADER_LAYOUT.size) return null;
  const raw = HEADER_LAYOUT.parse(page);
  if (raw.magic !== HEADER_MAGIC) return null;
  if (raw.crc !== crc32c(page.subarray(0, HEADER_LAYOUT.size - 4))) return null;
  const { bank, image, copy, logical_block: logicalBlock, sequence } = raw;
  return { bank, image, copy, logicalBlock, sequence };
}

/** The summary on a page, or null when the page holds none that is whole. */
export function decodeBlockSummary(page: Uint8Array, plan: StorePlan): BlockSummary | null {
  const layout = summaryLayout(plan);
  if (page.length < layout.size) return null;
  const raw = layout.parse(page);
  if (raw.magic !== SUMMARY_MAGIC || raw.page_count > plan.dataPagesPerBlock) return null;
  if (raw.crc !== crc32c(page.subarray(0, layout.size - 4))) return null;
  return {
    identity: {
      bank: raw.bank,
      image: raw.image,
      copy: raw.copy,
      logicalBlock: raw.logical_block,
      sequence: raw.sequence,
    },
    lengthBytes: raw.length_bytes,
    pageCrcs: raw.page_crcs.slice(0, raw.page_count),
  };
}

/** Puts the CRC into the last word of the struct, and the struct at the start of a page. */
function sealedPage(encoded: Uint8Array, plan: StorePlan): Uint8Array {
  const crcOffset = encoded.length - 4;
  new DataView(encoded.buffer).setUint32(crcOffset, crc32c(encoded.subarray(0, crcOffset)), true);
  const page = new Uint8Array(plan.pageBytes).fill(0xff);
  page.set(encoded);
  return page;
}
