// SPDX-License-Identifier: Apache-2.0
import { crc32c, isErased } from "@tandem/base";
import type { PagedFlash } from "@tandem/flash";

import { SUMMARY_MAGIC, decodeBlockHeader, decodeBlockSummary } from "../data-block.js";
import type { BlockIdentity, BlockSummary } from "../data-block.js";
import type { StorePlan } from "../store-plan.js";

/** What one page reads as. */
export interface ScannedPage {
  readonly kind: "blank" | "data" | "unreadable";
  readonly isCorrected: boolean;
  /** CRC-32C of the main area; 0 for a page that is unreadable. */
  readonly crc: number;
}

/** All pages of a data block. */
export interface ScannedBlock {
  readonly pages: readonly ScannedPage[];
  readonly header: BlockIdentity | null;
  /** The last page that holds a valid summary. */
  readonly summary: { readonly pageInBlock: number; readonly value: BlockSummary } | null;
}

/**
 * Reads data blocks, each of them once: a hostile map that names one block a thousand times costs
 * no more than an honest one.
 */
export class BlockScanner {
  readonly #flash: PagedFlash;
  readonly #plan: StorePlan;
  readonly #blankCrc: number;
  readonly #scanned = new Map<number, ScannedBlock>();

  constructor(flash: PagedFlash, plan: StorePlan) {
    this.#flash = flash;
    this.#plan = plan;
    this.#blankCrc = crc32c(new Uint8Array(plan.pageBytes).fill(0xff));
  }

  /** True for blocks that can hold image data. */
  isInside(block: number): boolean {
    return block >= this.#plan.limits.journalBlocks && block < this.#plan.blockCount;
  }

  /** @param block must be inside */
  scan(block: number): ScannedBlock {
    const known = this.#scanned.get(block);
    if (known !== undefined) return known;
    const pages: ScannedPage[] = [];
    let header: BlockIdentity | null = null;
    let summary: ScannedBlock["summary"] = null;
    for (let pageInBlock = 0; pageInBlock < this.#plan.pagesPerBlock; pageInBlock++) {
      const read = this.#flash.readPage(block * this.#plan.pagesPerBlock + pageInBlock);
      const kind = kindOf(read);
      // Image data may be all 0xFF: such a page is programmed, but reads blank.
      const crc = kind === "data" ? crc32c(read.data) : kind === "blank" ? this.#blankCrc : 0;
      pages.push({ kind, isCorrected: read.status === "corrected", crc });
      if (kind !== "data") continue;
      if (pageInBlock === 0) header = decodeBlockHeader(read.data);
      const value = summaryOn(read.data, this.#plan);
      if (value !== null) summary = { pageInBlock, value };
    }
    const scanned = { pages, header, summary };
    this.#scanned.set(block, scanned);
    return scanned;
  }

  /** What the first page of a block that no map names still says. */
  leftover(block: number): "none" | "data" | "other" {
    const read = this.#flash.readPage(block * this.#plan.pagesPerBlock);
    if (kindOf(read) === "blank") return "none";
    return read.status !== "uncorrectable" && decodeBlockHeader(read.data) !== null
      ? "data"
      : "other";
  }
}

/** Blank only when it reads so without a correction: bits that flip are left of something. */
export function kindOf(read: {
  readonly data: Uint8Array;
  readonly status: "ok" | "corrected" | "uncorrectable";
}): ScannedPage["kind"] {
  if (read.status === "uncorrectable") return "unreadable";
  return read.status === "ok" && isErased(read.data) ? "blank" : "data";
}

function summaryOn(page: Uint8Array, plan: StorePlan): BlockSummary | null {
  // Most pages hold image data: decide that before anything is unpacked.
  const magic = new DataView(page.buffer, page.byteOffset, page.length).getUint32(0, true);
  return magic === SUMMARY_MAGIC ? decodeBlockSummary(page, plan) : null;
}
