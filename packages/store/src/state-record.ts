// SPDX-License-Identifier: Apache-2.0
import { TransportError, array, bytes, crc32c, struct, u16, u32, u64, u8 } from "@tandem/base";
import type { StructLayout } from "@tandem/base";

import { SetState, stateFromNumber } from "./set-state.js";
import type { StoreLimits } from "./store-plan.js";

/** `TJR1`, little-endian. */
export const RECORD_MAGIC = 0x31524a54;
export const RECORD_FORMAT_VERSION = 1;

/** First page of a fresh block: it repeats a record, and proves nothing by itself. */
export const RECORD_FLAG_COPY = 0x01;
/** The accepted release was installed untested, because nothing else could be. */
export const RECORD_FLAG_LIMP = 0x02;
/** In place of a bank or image number: none. */
export const NONE = 0xff;

/** A run of neighbouring blocks with consecutive allocation sequences. */
export interface Extent {
  readonly firstBlock: number;
  readonly count: number;
  /** Allocation sequence of the first block; grows by one with each further block. */
  readonly firstSequence: number;
}

/** One image of a bank, in two copies. */
export interface BankImage {
  readonly sizeBytes: number;
  /** SHA-256 of the whole file. */
  readonly fileDigest: Uint8Array;
  /** Hash TLV of the image; zeros until the image was verified. */
  readonly imageHash: Uint8Array;
  /** Version field of the MCUboot header: major, minor, revision (2), build (4). */
  readonly version: Uint8Array;
  /** Every byte has been written to both copies. */
  readonly isReceived: boolean;
  readonly copies: readonly [readonly Extent[], readonly Extent[]];
}

/** One complete release in the store; no images: a free bank. */
export interface Bank {
  /** Security counter of the application image; 0 until it was verified. */
  readonly securityCounter: number;
  readonly images: readonly BankImage[];
}

/** Why the last update ended: numbers whose meaning the update package defines. */
export interface RecordedReason {
  /** Index of the image, or null when it is about the whole set. */
  readonly image: number | null;
  readonly step: number;
  readonly code: number;
  readonly detail: number;
}

/** The whole state of the set. The newest valid one in the journal is the state. */
export interface StateRecord {
  readonly state: SetState;
  /** Install attempts begun on the target. */
  readonly attempts: number;
  /** Trial boots left. */
  readonly trials: number;
  readonly acceptedBank: number | null;
  readonly previousBank: number | null;
  readonly candidateBank: number | null;
  /** Bank that is being installed. */
  readonly targetBank: number | null;
  readonly reason: RecordedReason | null;
  /** The accepted release is a stopgap: started untested, because nothing else could be installed. */
  readonly isLimp: boolean;
  /** Image hash that each core's flash holds; null while it is being changed or unknown. */
  readonly installed: readonly (Uint8Array | null)[];
  readonly banks: readonly Bank[];
  readonly badBlocks: readonly number[];
  /** Block where the next allocation begins to look. */
  readonly cursor: number;
  readonly nextAllocation: number;
}

/** A record as it stands on a page of the journal. */
export interface JournalPage {
  readonly chain: number;
  readonly sequence: bigint;
  readonly isCopy: boolean;
  readonly record: StateRecord;
}

/** One image of a bank. */
export const IMAGE_LAYOUT: StructLayout<RawImage> = struct("tandem_bank_image", {
  size_bytes: u32,
  file_digest: bytes(32),
  image_hash: bytes(32),
  version: bytes(8),
});

/** One extent of a block map. */
export const EXTENT_LAYOUT: StructLayout<RawExtent> = struct("tandem_extent", {
  /** bank << 4 | image << 1 | copy */
  owner: u8,
  count: u8,
  first_block: u16,
  first_sequence: u32,
});

interface RawRecord {
  readonly magic: number;
  readonly format_version: number;
  readonly chain: number;
  readonly flags: number;
  readonly state: number;
  readonly sequence: bigint;
  readonly attempts: number;
  readonly trials: number;
  readonly accepted_bank: number;
  readonly previous_bank: number;
  readonly candidate_bank: number;
  readonly target_bank: number;
  readonly extent_count: number;
  readonly bad_block_count: number;
  readonly reason_image: number;
  readonly reason_step: number;
  readonly reason_code: number;
  readonly has_reason: number;
  readonly reason_detail: number;
  readonly next_allocation: number;
  readonly cursor: number;
  readonly reserved: number;
  readonly installed: readonly Uint8Array[];
  readonly banks: readonly RawBank[];
  readonly extents: readonly RawExtent[];
  readonly bad_blocks: readonly number[];
  readonly crc: number;
}

interface RawBank {
  readonly image_count: number;
  readonly received_images: number;
  readonly reserved: number;
  readonly security_counter: number;
  readonly images: readonly RawImage[];
}

interface RawImage {
  readonly size_bytes: number;
  readonly file_digest: Uint8Array;
  readonly image_hash: Uint8Array;
  readonly version: Uint8Array;
}

interface RawExtent {
  readonly owner: number;
  readonly count: number;
  readonly first_block: number;
  readonly first_sequence: number;
}

const layouts = new Map<string, StructLayout<RawRecord>>();

/** The layout of a record for these limits. */
export function recordLayout(limits: StoreLimits): StructLayout<RawRecord> {
  const key = `${limits.images},${limits.banks},${limits.extents},${limits.badBlocks}`;
  const known = layouts.get(key);
  if (known !== undefined) return known;
  const layout = struct("tandem_record", {
    magic: u32,
    format_version: u8,
    chain: u8,
    flags: u8,
    state: u8,
    sequence: u64,
    attempts: u8,
    trials: u8,
    accepted_bank: u8,
    previous_bank: u8,
    candidate_bank: u8,
    target_bank: u8,
    extent_count: u8,
    bad_block_count: u8,
    reason_image: u8,
    reason_step: u8,
    reason_code: u8,
    has_reason: u8,
    reason_detail: u32,
    next_allocation: u32,
    cursor: u16,
    reserved: u16,
    installed: array(bytes(32), limits.images),
    banks: array(bankLayout(limits), limits.banks),
    extents: array(EXTENT_LAYOUT, limits.extents),
    bad_blocks: array(u16, limits.badBlocks),
    crc: u32,
  });
  layouts.set(key, layout);
  return layout;
}

/** The layout of a bank for these limits. */
export function bankLayout(limits: StoreLimits): StructLayout<RawBank> {
  return struct("tandem_bank", {
    image_count: u8,
    /** Bit per image: every byte of it has been written. */
    received_images: u8,
    reserved: u16,
    security_counter: u32,
    images: array(IMAGE_LAYOUT, limits.images),
  });
}

/**
 * The record as bytes, CRC-32C included; shorter than a page.
 * @throws {TransportError} store/too-many-bad-blocks when the chip has worn out beyond the limit
 */
export function encodeRecord(page: JournalPage, limits: StoreLimits): Uint8Array {
  const { record } = page;
  if (record.badBlocks.length > limits.badBlocks) {
    throw new TransportError(
      "store/too-many-bad-blocks",
      `${record.badBlocks.length} bad blocks, the store allows ${limits.badBlocks}`,
    );
  }
  const extents = encodeExtents(record.banks);
  const layout = recordLayout(limits);
  const encoded = layout.encode({
    magic: RECORD_MAGIC,
    format_version: RECORD_FORMAT_VERSION,
    chain: page.chain,
    flags: (page.isCopy ? RECORD_FLAG_COPY : 0) | (record.isLimp ? RECORD_FLAG_LIMP : 0),
    state: record.state,
    sequence: page.sequence,
    attempts: record.attempts,
    trials: record.trials,
    accepted_bank: record.acceptedBank ?? NONE,
    previous_bank: record.previousBank ?? NONE,
    candidate_bank: record.candidateBank ?? NONE,
    target_bank: record.targetBank ?? NONE,
    extent_count: extents.length,
    bad_block_count: record.badBlocks.length,
    reason_image: record.reason?.image ?? NONE,
    reason_step: record.reason?.step ?? 0,
    reason_code: record.reason?.code ?? 0,
    has_reason: record.reason === null ? 0 : 1,
    reason_detail: record.reason?.detail ?? 0,
    next_allocation: record.nextAllocation,
    cursor: record.cursor,
    reserved: 0,
    installed: padded(
      record.installed.map((hash) => hash ?? ZERO_HASH),
      limits.images,
      ZERO_HASH,
    ),
    banks: padded(
      record.banks.map((bank) => encodeBank(bank, limits)),
      limits.banks,
      encodeBank(FREE_BANK, limits),
    ),
    extents: padded(extents, limits.extents, NO_EXTENT),
    bad_blocks: padded(record.badBlocks, limits.badBlocks, 0),
    crc: 0,
  });
  const crcOffset = layout.size - 4;
  new DataView(encoded.buffer).setUint32(crcOffset, crc32c(encoded.subarray(0, crcOffset)), true);
  return encoded;
}

/** The record on a page, or null when the page holds none that is whole. */
export function decodeRecord(pageBytes: Uint8Array, limits: StoreLimits): JournalPage | null {
  const layout = recordLayout(limits);
  if (pageBytes.length < layout.size) return null;
  // Most pages that are looked at hold no record: decide that before anything is unpacked.
  const view = new DataView(pageBytes.buffer, pageBytes.byteOffset, layout.size);
  if (view.getUint32(0, true) !== RECORD_MAGIC) return null;
  if (view.getUint32(layout.size - 4, true) !== crc32c(pageBytes.subarray(0, layout.size - 4))) {
    return null;
  }
  const raw = layout.parse(pageBytes);
  if (raw.format_version !== RECORD_FORMAT_VERSION) return null;
  const state = stateFromNumber(raw.state);
  // A good CRC over impossible counts: written by something that is not this format.
  if (state === null || raw.extent_count > limits.extents) return null;
  if (raw.bad_block_count > limits.badBlocks) return null;
  if (raw.banks.some((bank) => bank.image_count > limits.images)) return null;
  return {
    chain: raw.chain,
    sequence: raw.sequence,
    isCopy: (raw.flags & RECORD_FLAG_COPY) !== 0,
    record: {
      state,
      attempts: raw.attempts,
      trials: raw.trials,
      acceptedBank: orNull(raw.accepted_bank),
      previousBank: orNull(raw.previous_bank),
      candidateBank: orNull(raw.candidate_bank),
      targetBank: orNull(raw.target_bank),
      reason: raw.has_reason === 0 ? null : decodeReason(raw),
      isLimp: (raw.flags & RECORD_FLAG_LIMP) !== 0,
      installed: raw.installed.map((hash) => (hash.some((byte) => byte !== 0) ? hash : null)),
      banks: raw.banks.map((bank, index) =>
        decodeBank(bank, index, raw.extents.slice(0, raw.extent_count)),
      ),
      badBlocks: raw.bad_blocks.slice(0, raw.bad_block_count),
      cursor: raw.cursor,
      nextAllocation: raw.next_allocation,
    },
  };
}

/** A bank that holds nothing. */
export const FREE_BANK: Bank = { securityCounter: 0, images: [] };

/** 32 zero bytes: a hash that is not known. */
export const ZERO_HASH: Uint8Array = new Uint8Array(32);

const NO_EXTENT: RawExtent = { owner: NONE, count: 0, first_block: 0, first_sequence: 0 };

const EMPTY_IMAGE: RawImage = {
  size_bytes: 0,
  file_digest: ZERO_HASH,
  image_hash: ZERO_HASH,
  version: new Uint8Array(8),
};

function encodeBank(bank: Bank, limits: StoreLimits): RawBank {
  const images = bank.images.map((image) => ({
    size_bytes: image.sizeBytes,
    file_digest: image.fileDigest,
    image_hash: image.imageHash,
    version: image.version,
  }));
  return {
    image_count: images.length,
    received_images: bank.images.reduce((bits, { isReceived }, i) => bits | (+isReceived << i), 0),
    reserved: 0,
    security_counter: bank.securityCounter,
    images: padded(images, limits.images, EMPTY_IMAGE),
  };
}

function encodeExtents(banks: readonly Bank[]): RawExtent[] {
  return banks.flatMap((bank, bankIndex) =>
    bank.images.flatMap((image, imageIndex) =>
      image.copies.flatMap((extents, copy) =>
        extents.map((extent) => ({
          owner: extentOwner(bankIndex, imageIndex, copy),
          count: extent.count,
          first_block: extent.firstBlock,
          first_sequence: extent.firstSequence,
        })),
      ),
    ),
  );
}

function decodeBank(raw: RawBank, bankIndex: number, extents: readonly RawExtent[]): Bank {
  const copyOf = (image: number, copy: number): Extent[] =>
    extents
      .filter((extent) => extent.owner === extentOwner(bankIndex, image, copy))
      .map((extent) => ({
        firstBlock: extent.first_block,
        count: extent.count,
        firstSequence: extent.first_sequence,
      }));
  return {
    securityCounter: raw.security_counter,
    images: raw.images.slice(0, raw.image_count).map((image, index) => ({
      sizeBytes: image.size_bytes,
      fileDigest: image.file_digest,
      imageHash: image.image_hash,
      version: image.version,
      isReceived: (raw.received_images & (1 << index)) !== 0,
      copies: [copyOf(index, 0), copyOf(index, 1)],
    })),
  };
}

function decodeReason(raw: RawRecord): RecordedReason {
  return {
    image: orNull(raw.reason_image),
    step: raw.reason_step,
    code: raw.reason_code,
    detail: raw.reason_detail,
  };
}

function extentOwner(bank: number, image: number, copy: number): number {
  return (bank << 4) | (image << 1) | copy;
}

function orNull(value: number): number | null {
  return value === NONE ? null : value;
}

function padded<T>(items: readonly T[], length: number, filler: T): T[] {
  return [...items, ...Array.from({ length: Math.max(0, length - items.length) }, () => filler)];
}
