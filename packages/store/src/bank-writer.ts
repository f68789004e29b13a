// SPDX-License-Identifier: Apache-2.0
import { InternalError, TransportError, UsageError, crc32c, isErased } from "@tandem/base";
import type { PagedFlash } from "@tandem/flash";

import { dataPagesIn } from "./bank-reader.js";
import { lookUpBlock } from "./block-map.js";
import {
  decodeBlockHeader,
  encodeBlockHeader,
  encodeBlockSummary,
  isSameBlock,
} from "./data-block.js";
import type { BlockIdentity } from "./data-block.js";
import type { StateRecord } from "./state-record.js";
import type { StorePlan } from "./store-plan.js";

/** What the writer needs of the store around it. */
export interface BankWriterHost {
  readonly flash: PagedFlash;
  readonly plan: StorePlan;
  /** The state now, with the current block maps. */
  record(): StateRecord;
  /** Moves a logical block to a fresh one after a failure, and proves the new map. */
  replaceFailedBlock(place: BlockPlace, failedBlock: number): void;
  /** Every byte of the image stands in both copies. */
  imageReceived(): void;
}

/** One logical block of one copy. */
export interface BlockPlace {
  readonly bank: number;
  readonly image: number;
  readonly copy: number;
  readonly logicalBlock: number;
}

const COPIES = [0, 1] as const;

/**
 * Writes one image into both copies of its bank, block by block. A block is erased right before
 * its header goes in, and counts only with the summary at its end: an interrupted one is written
 * again from its start.
 */
export class BankWriter {
  readonly #host: BankWriterHost;
  readonly #bank: number;
  readonly #image: number;
  readonly #sizeBytes: number;
  readonly #buffer: Uint8Array;
  #buffered = 0;
  #positionBytes: number;
  #isBroken = false;
  #pageCrcs: number[] = [];

  /** @param startBytes bytes already received: a multiple of the block's data, or the whole image */
  constructor(host: BankWriterHost, bank: number, image: number, startBytes: number) {
    this.#host = host;
    this.#bank = bank;
    this.#image = image;
    this.#sizeBytes = host.record().banks[bank]?.images[image]?.sizeBytes ?? 0;
    this.#buffer = new Uint8Array(host.plan.pageBytes).fill(0xff);
    this.#positionBytes = startBytes;
  }

  /** Offset of the next byte that `write` takes. */
  get positionBytes(): number {
    return this.#positionBytes;
  }

  /** A write has failed: what is on the medium is not what the position says. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /**
   * Takes the bytes at `offsetBytes`, which must be the position.
   * @throws {UsageError} store/write-offset, store/write-past-end; store/write-broken after a write
   * that failed: go on with a new writer
   */
  write(offsetBytes: number, bytes: Uint8Array): void {
    if (this.#isBroken) {
      throw new UsageError(
        "store/write-broken",
        `image ${this.#image}: a write before this one has failed`,
      );
    }
    if (offsetBytes !== this.#positionBytes) {
      throw new UsageError(
        "store/write-offset",
        `image ${this.#image}: write at ${offsetBytes}, expected ${this.#positionBytes}`,
      );
    }
    if (offsetBytes + bytes.length > this.#sizeBytes) {
      throw new UsageError(
        "store/write-past-end",
        `image ${this.#image}: write up to ${offsetBytes + bytes.length}, its size is ${this.#sizeBytes}`,
      );
    }
    for (let at = 0; at < bytes.length;) {
      const count = Math.min(bytes.length - at, this.#buffer.length - this.#buffered);
      this.#buffer.set(bytes.subarray(at, at + count), this.#buffered);
      this.#buffered += count;
      this.#positionBytes += count;
      at += count;
      const isEnd = this.#positionBytes === this.#sizeBytes;
      if (this.#buffered < this.#buffer.length && !isEnd) continue;
      this.#isBroken = true;
      this.#flushPage();
      this.#isBroken = false;
    }
  }

  /** Programs the buffered page into both copies; closes the block behind its last page. */
  #flushPage(): void {
    const { plan } = this.#host;
    const pageIndex = Math.floor((this.#positionBytes - 1) / plan.pageBytes);
    const logicalBlock = Math.floor(pageIndex / plan.dataPagesPerBlock);
    const inBlock = pageIndex % plan.dataPagesPerBlock;
    if (inBlock === 0) this.#beginBlock(logicalBlock);
    this.#pageCrcs.push(crc32c(this.#buffer));
    for (const copy of COPIES) this.#program(copy, logicalBlock, 1 + inBlock, this.#buffer);
    this.#buffer.fill(0xff);
    this.#buffered = 0;
    const pages = dataPagesIn(this.#sizeBytes, logicalBlock, plan);
    if (inBlock === pages - 1) this.#endBlock(logicalBlock, pages);
    if (this.#positionBytes === this.#sizeBytes) this.#host.imageReceived();
  }

  #beginBlock(logicalBlock: number): void {
    this.#pageCrcs = [];
    this.#clearNext(logicalBlock);
    for (const copy of COPIES) {
      const block = this.#physical(copy, logicalBlock);
      if (this.#host.flash.eraseBlock(block) === "failed") {
        this.#moveBlock(copy, logicalBlock, 0, null);
      } else this.#program(copy, logicalBlock, 0, this.#header(copy, logicalBlock));
    }
  }

  /**
   * A block that has been begun vouches for the one before it, so none may look begun already while
   * that one is written: the header that a cut session has left may be unreadable now and read well
   * later.
   */
  #clearNext(logicalBlock: number): void {
    const { flash, plan } = this.#host;
    const next = logicalBlock + 1;
    if (next * plan.dataBytesPerBlock >= this.#sizeBytes) return;
    const block = this.#physical(0, next);
    const { status, data } = flash.readPage(block * plan.pagesPerBlock);
    if (status === "ok" && isErased(data)) return;
    const header = status === "uncorrectable" ? null : decodeBlockHeader(data);
    // What stood here before the block was allocated says so.
    if (header !== null && !isSameBlock(header, this.#identity(0, next))) return;
    if (flash.eraseBlock(block) === "ok") return;
    const place = { bank: this.#bank, image: this.#image, copy: 0, logicalBlock: next };
    this.#host.replaceFailedBlock(place, block);
  }

  #endBlock(logicalBlock: number, pages: number): void {
    for (const copy of COPIES) {
      this.#program(copy, logicalBlock, 1 + pages, this.#summary(copy, logicalBlock));
    }
  }

  #program(copy: number, logicalBlock: number, pageInBlock: number, data: Uint8Array): void {
    const page = this.#physical(copy, logicalBlock) * this.#host.plan.pagesPerBlock + pageInBlock;
    if (this.#host.flash.programPage(page, data) === "failed") {
      this.#moveBlock(copy, logicalBlock, pageInBlock, data);
    }
  }

  /**
   * The block has failed at page `pageInBlock`: the logical block goes on in a fresh one. The pages
   * before come from the other copy, which has them too; header and summary are made anew, since
   * they carry the new sequence.
   */
  #moveBlock(
    copy: number,
    logicalBlock: number,
    pageInBlock: number,
    data: Uint8Array | null,
  ): void {
    const { flash, plan } = this.#host;
    const place = { bank: this.#bank, image: this.#image, copy, logicalBlock };
    for (;;) {
      this.#host.replaceFailedBlock(place, this.#physical(copy, logicalBlock));
      const first = this.#physical(copy, logicalBlock) * plan.pagesPerBlock;
      if (flash.eraseBlock(first / plan.pagesPerBlock) === "failed") continue;
      if (flash.programPage(first, this.#header(copy, logicalBlock)) === "failed") continue;
      if (!this.#copyPages(copy, logicalBlock, first, pageInBlock)) continue;
      if (pageInBlock === 0 || data === null) return;
      const isSummary = pageInBlock === 1 + this.#pageCrcs.length;
      const last = isSummary ? this.#summary(copy, logicalBlock) : data;
      if (flash.programPage(first + pageInBlock, last) === "ok") return;
    }
  }

  /** Copies data pages 1 .. `end` - 1 from the other copy; false when the target fails too. */
  #copyPages(copy: number, logicalBlock: number, first: number, end: number): boolean {
    const { flash, plan } = this.#host;
    const source = this.#physical(1 - copy, logicalBlock) * plan.pagesPerBlock;
    for (let page = 1; page < end; page++) {
      const read = flash.readPage(source + page);
      if (read.status === "uncorrectable" || crc32c(read.data) !== this.#pageCrcs[page - 1]) {
        throw new TransportError(
          "store/lost-while-moving",
          `image ${this.#image}: page ${page} of block ${logicalBlock} was lost while its copy failed`,
        );
      }
      if (flash.programPage(first + page, read.data) === "failed") return false;
    }
    return true;
  }

  #header(copy: number, logicalBlock: number): Uint8Array {
    return encodeBlockHeader(this.#identity(copy, logicalBlock), this.#host.plan);
  }

  #summary(copy: number, logicalBlock: number): Uint8Array {
    const { plan } = this.#host;
    const start = logicalBlock * plan.dataBytesPerBlock;
    const identity = this.#identity(copy, logicalBlock);
    const lengthBytes = Math.min(plan.dataBytesPerBlock, this.#sizeBytes - start);
    return encodeBlockSummary({ identity, lengthBytes, pageCrcs: this.#pageCrcs }, plan);
  }

  #identity(copy: number, logicalBlock: number): BlockIdentity {
    const { sequence } = this.#allocated(copy, logicalBlock);
    return { bank: this.#bank, image: this.#image, copy, logicalBlock, sequence };
  }

  #physical(copy: number, logicalBlock: number): number {
    return this.#allocated(copy, logicalBlock).block;
  }

  #allocated(copy: number, logicalBlock: number): { block: number; sequence: number } {
    const image = this.#host.record().banks[this.#bank]?.images[this.#image];
    const allocated = lookUpBlock(image?.copies[copy] ?? [], logicalBlock);
    if (allocated === null) {
      throw new InternalError(
        "store/no-block",
        `bank ${this.#bank}, image ${this.#image}, copy ${copy}: no block ${logicalBlock}`,
      );
    }
    return allocated;
  }
}
