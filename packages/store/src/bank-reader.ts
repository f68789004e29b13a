// SPDX-License-Identifier: Apache-2.0
import { TransportError, crc32c } from "@tandem/base";
import type { PagedFlash } from "@tandem/flash";

import { isWeak } from "./block-condition.js";
import { lookUpBlock } from "./block-map.js";
import { decodeBlockHeader, decodeBlockSummary, isSameBlock } from "./data-block.js";
import type { BlockSummary } from "./data-block.js";
import type { StateRecord } from "./state-record.js";
import type { StorePlan } from "./store-plan.js";

/** Something that a reader met and survived. */
export interface ReadEvent {
  /**
   * `other-copy`: a page of one copy was lost, the other copy served it. `weak`: a page was good,
   * but close to the limit of the chip's ECC.
   */
  readonly kind: "other-copy" | "weak";
  readonly bank: number;
  readonly image: number;
  readonly copy: number;
  readonly logicalBlock: number;
  /** Physical page. */
  readonly page: number;
}

/** True when a logical block of one copy has been begun: erased, and its header written. */
export function hasHeader(
  flash: PagedFlash,
  plan: StorePlan,
  record: StateRecord,
  place: { readonly bank: number; readonly image: number; readonly copy: number },
  logicalBlock: number,
): boolean {
  const image = record.banks[place.bank]?.images[place.image];
  const allocated = lookUpBlock(image?.copies[place.copy] ?? [], logicalBlock);
  if (allocated === null) return false;
  const read = flash.readPage(allocated.block * plan.pagesPerBlock);
  const found = read.status === "uncorrectable" ? null : decodeBlockHeader(read.data);
  const { sequence } = allocated;
  return found !== null && isSameBlock(found, { ...place, logicalBlock, sequence });
}

/** A summary as it was found. */
export interface FoundSummary {
  readonly summary: BlockSummary;
  /** It is good, but close to the limit of the chip's ECC. */
  readonly isWeak: boolean;
}

/** Summary of a logical block of one copy, if the block was written to completion. */
export function findSummary(
  flash: PagedFlash,
  plan: StorePlan,
  record: StateRecord,
  place: { readonly bank: number; readonly image: number; readonly copy: number },
  logicalBlock: number,
): FoundSummary | null {
  const image = record.banks[place.bank]?.images[place.image];
  const allocated = lookUpBlock(image?.copies[place.copy] ?? [], logicalBlock);
  if (image === undefined || allocated === null) return null;
  const pages = dataPagesIn(image.sizeBytes, logicalBlock, plan);
  const read = flash.readPage(allocated.block * plan.pagesPerBlock + 1 + pages);
  if (read.status === "uncorrectable") return null;
  const summary = decodeBlockSummary(read.data, plan);
  if (summary === null || summary.pageCrcs.length !== pages) return null;
  const { sequence } = allocated;
  if (!isSameBlock(summary.identity, { ...place, logicalBlock, sequence })) return null;
  return { summary, isWeak: isWeak(read, flash) };
}

/** What `findSummary` finds, however well it reads. */
export function readSummary(...where: Parameters<typeof findSummary>): BlockSummary | null {
  return findSummary(...where)?.summary ?? null;
}

/** Data pages that a logical block of an image of this size uses. */
export function dataPagesIn(sizeBytes: number, logicalBlock: number, plan: StorePlan): number {
  const rest = sizeBytes - logicalBlock * plan.dataBytesPerBlock;
  return Math.ceil(Math.min(Math.max(rest, 0), plan.dataBytesPerBlock) / plan.pageBytes);
}

/**
 * Random access to one image of a bank. Every page is checked against the CRC in its block's
 * summary (ECC alone miscorrects) and taken from the other copy when that fails. Holds one page
 * and one summary.
 */
export class BankReader {
  /** Size of the image file in bytes. */
  readonly size: number;
  readonly #flash: PagedFlash;
  readonly #plan: StorePlan;
  readonly #record: StateRecord;
  readonly #bank: number;
  readonly #image: number;
  readonly #onEvent: (event: ReadEvent) => void;
  #summary: { readonly logicalBlock: number; readonly pageCrcs: readonly number[] } | null = null;
  #page: { readonly index: number; readonly data: Uint8Array } | null = null;

  constructor(options: {
    readonly flash: PagedFlash;
    readonly plan: StorePlan;
    readonly record: StateRecord;
    readonly bank: number;
    readonly image: number;
    readonly onEvent?: (event: ReadEvent) => void;
  }) {
    this.#flash = options.flash;
    this.#plan = options.plan;
    this.#record = options.record;
    this.#bank = options.bank;
    this.#image = options.image;
    this.#onEvent = options.onEvent ?? (() => undefined);
    this.size = options.record.banks[options.bank]?.images[options.image]?.sizeBytes ?? 0;
  }

  /**
   * New array with exactly `length` bytes of the image file.
   * @throws {TransportError} store/unreadable when a page is lost in both copies
   */
  read(offsetBytes: number, length: number): Uint8Array {
    if (offsetBytes < 0 || offsetBytes + length > this.size) {
      throw new TransportError(
        "store/out-of-image",
        `bytes ${offsetBytes} to ${offsetBytes + length} of an image of ${this.size}`,
      );
    }
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const page = this.#readPage(Math.floor((offsetBytes + at) / this.#plan.pageBytes));
      const inPage = (offsetBytes + at) % this.#plan.pageBytes;
      const count = Math.min(length - at, this.#plan.pageBytes - inPage);
      bytes.set(page.subarray(inPage, inPage + count), at);
      at += count;
    }
    return bytes;
  }

  #readPage(index: number): Uint8Array {
    if (this.#page?.index === index) return this.#page.data;
    const { dataPagesPerBlock, pagesPerBlock } = this.#plan;
    const logicalBlock = Math.floor(index / dataPagesPerBlock);
    const inBlock = index % dataPagesPerBlock;
    const crc = this.#crcsOf(logicalBlock)[inBlock];
    for (const copy of [0, 1]) {
      const block = this.#blockOf(copy, logicalBlock);
      if (block === null) continue;
      const page = block * pagesPerBlock + 1 + inBlock;
      const read = this.#flash.readPage(page);
      const event = { bank: this.#bank, image: this.#image, copy, logicalBlock, page };
      if (read.status !== "uncorrectable" && crc32c(read.data) === crc) {
        if (isWeak(read, this.#flash)) this.#onEvent({ kind: "weak", ...event });
        this.#page = { index, data: read.data };
        return read.data;
      }
      this.#onEvent({ kind: "other-copy", ...event });
    }
    throw this.#lost(index * this.#plan.pageBytes);
  }

  /** Both copies hold the same data, so the summary of either serves for both. */
  #crcsOf(logicalBlock: number): readonly number[] {
    if (this.#summary?.logicalBlock === logicalBlock) return this.#summary.pageCrcs;
    for (const copy of [0, 1]) {
      const place = { bank: this.#bank, image: this.#image, copy };
      const summary = readSummary(this.#flash, this.#plan, this.#record, place, logicalBlock);
      if (summary !== null) {
        this.#summary = { logicalBlock, pageCrcs: summary.pageCrcs };
        return summary.pageCrcs;
      }
    }
    throw this.#lost(logicalBlock * this.#plan.dataBytesPerBlock);
  }

  #blockOf(copy: number, logicalBlock: number): number | null {
    const extents = this.#record.banks[this.#bank]?.images[this.#image]?.copies[copy] ?? [];
    return lookUpBlock(extents, logicalBlock)?.block ?? null;
  }

  #lost(offset: number): TransportError {
    return new TransportError(
      "store/unreadable",
      `bank ${this.#bank}, image ${this.#image}: bytes from 0x${offset.toString(16)} are lost in both copies`,
      { details: { bank: this.#bank, image: this.#image, offset } },
    );
  }
}
