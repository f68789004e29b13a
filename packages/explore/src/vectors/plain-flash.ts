// SPDX-License-Identifier: Apache-2.0
import { UsageError, isErased } from "@tandem/base";
import type { FlashArea, NorProfile, PagedFlash, PageRead } from "@tandem/flash";

import type { DumpedPage } from "./boot-vector.js";

/** Pages and blocks without physics: what is programmed reads well. */
export class PlainStore implements PagedFlash {
  readonly geometry: PagedFlash["geometry"];
  readonly eccStrengthBits: number;
  readonly #pages: Map<number, DumpedPage>;
  readonly #badBlocks: ReadonlySet<number>;

  constructor(
    shape: PagedFlash["geometry"],
    content: {
      readonly eccStrengthBits: number;
      readonly pages: readonly DumpedPage[];
      readonly badBlocks: readonly number[];
    },
  ) {
    const { pageBytes, pagesPerBlock, blockCount } = shape;
    this.geometry = { pageBytes, pagesPerBlock, blockCount };
    this.eccStrengthBits = content.eccStrengthBits;
    this.#badBlocks = new Set(content.badBlocks);
    this.#pages = new Map(content.pages.map((page) => [page.page, page]));
  }

  get dump(): readonly DumpedPage[] {
    return [...this.#pages.values()].toSorted((a, b) => a.page - b.page);
  }

  readPage(page: number): PageRead {
    const { bits, data } = this.#pages.get(page) ?? { bits: 0, data: null };
    const copy = data?.slice() ?? new Uint8Array(this.geometry.pageBytes).fill(0xff);
    if (bits < 0) return { data: copy, status: "uncorrectable", correctedBits: 0 };
    return { data: copy, status: bits === 0 ? "ok" : "corrected", correctedBits: bits };
  }

  programPage(page: number, data: Uint8Array): "ok" | "failed" {
    this.#pages.set(page, { page, bits: 0, data: data.slice() });
    return "ok";
  }

  eraseBlock(block: number): "ok" | "failed" {
    const { pagesPerBlock } = this.geometry;
    for (let i = 0; i < pagesPerBlock; i++) this.#pages.delete(block * pagesPerBlock + i);
    return "ok";
  }

  isMarkedBad(block: number): boolean {
    return this.#badBlocks.has(block);
  }
}

/** Byte-addressed flash without physics: writes clear bits. */
export class PlainFlash implements FlashArea {
  readonly size: number;
  readonly pageBytes: number;
  readonly writeBytes: number;
  readonly #bytes: Uint8Array;

  constructor({ sizeBytes, pageBytes, writeBytes }: NorProfile, pages: readonly DumpedPage[]) {
    this.size = sizeBytes;
    this.pageBytes = pageBytes;
    this.writeBytes = writeBytes;
    this.#bytes = new Uint8Array(sizeBytes).fill(0xff);
    for (const { page, data } of pages) this.#bytes.set(data, page * pageBytes);
  }

  /** Pages that are not blank. */
  get dump(): readonly DumpedPage[] {
    const { size, pageBytes } = this;
    const pages: DumpedPage[] = [];
    for (let page = 0; page < size / pageBytes; page++) {
      const data = this.#bytes.slice(page * pageBytes, (page + 1) * pageBytes);
      if (!isErased(data)) pages.push({ page, bits: 0, data });
    }
    return pages;
  }

  read(address: number, length: number): Uint8Array {
    return this.#range(address, length).slice();
  }

  write(address: number, bytes: Uint8Array): void {
    const at = this.#range(address, bytes.length);
    for (const [i, byte] of bytes.entries()) at[i] = (at[i] ?? 0) & byte;
  }

  erasePage(address: number): void {
    this.#range(address, this.pageBytes).fill(0xff);
  }

  /** As b0n does: page by page, the last one filled up to whole words. */
  replace(address: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += this.pageBytes) this.erasePage(address + at);
    this.write(address, bytes);
  }

  #range(address: number, length: number): Uint8Array {
    if (address >= 0 && address + length <= this.size) {
      return this.#bytes.subarray(address, address + length);
    }
    throw new UsageError("explore/vector-range", `${length} bytes at ${address} of ${this.size}`);
  }
}
