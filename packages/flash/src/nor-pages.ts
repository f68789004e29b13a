// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";

import type { NorChip } from "./nor-chip.js";
import type { PagedFlash, PageRead } from "./paged-flash.js";

/** What a store on NOR uses: pages and blocks of common NAND parts. */
const PAGE_BYTES = 2048;
const BLOCK_BYTES = 0x10000;

/**
 * NOR flash as pages and blocks: for software that is made for NAND. A page is several programs and
 * a block may be several erases, each a place where power can go; there is no ECC and no mark.
 */
export class NorPages implements PagedFlash {
  readonly geometry: PagedFlash["geometry"];
  readonly eccStrengthBits = 0;
  readonly #chip: NorChip;
  readonly #blockBytes: number;

  /**
   * @param options sizes in bytes; default: pages of 2 KiB in blocks of 64 KiB
   * @throws {UsageError} flash/nor-pages when pages, blocks and erase units do not fit together
   */
  constructor(
    chip: NorChip,
    options: { readonly pageBytes?: number; readonly blockBytes?: number } = {},
  ) {
    const { sizeBytes, pageBytes: eraseBytes, writeBytes } = chip.profile;
    const pageBytes = options.pageBytes ?? PAGE_BYTES;
    const blockBytes = options.blockBytes ?? Math.max(BLOCK_BYTES, eraseBytes);
    const fits =
      blockBytes % eraseBytes === 0 &&
      blockBytes % pageBytes === 0 &&
      pageBytes % writeBytes === 0 &&
      blockBytes <= sizeBytes;
    if (!fits) {
      throw new UsageError(
        "flash/nor-pages",
        `${chip.name}: pages of ${pageBytes} in blocks of ${blockBytes} bytes, erase units of ${eraseBytes} in ${sizeBytes}`,
      );
    }
    this.#chip = chip;
    this.#blockBytes = blockBytes;
    this.geometry = {
      pageBytes,
      pagesPerBlock: blockBytes / pageBytes,
      blockCount: Math.floor(sizeBytes / blockBytes),
    };
  }

  readPage(page: number): PageRead {
    const { pageBytes } = this.geometry;
    const data = this.#chip.read(this.#checked(page) * pageBytes, pageBytes);
    return { data, status: "ok", correctedBits: 0 };
  }

  programPage(page: number, data: Uint8Array): "ok" | "failed" {
    const { pageBytes } = this.geometry;
    if (data.length !== pageBytes) {
      throw new UsageError(
        "flash/page-size",
        `${this.#chip.name}: program of page ${page} with ${data.length} bytes, expected ${pageBytes}`,
      );
    }
    this.#chip.write(this.#checked(page) * pageBytes, data);
    return "ok";
  }

  eraseBlock(block: number): "ok" | "failed" {
    this.#checked(block * this.geometry.pagesPerBlock);
    this.#chip.eraseRange(block * this.#blockBytes, this.#blockBytes);
    return "ok";
  }

  isMarkedBad(_block: number): boolean {
    return false;
  }

  #checked(page: number): number {
    const { pagesPerBlock, blockCount } = this.geometry;
    const pages = pagesPerBlock * blockCount;
    if (Number.isSafeInteger(page) && page >= 0 && page < pages) return page;
    throw new UsageError("flash/range", `${this.#chip.name}: page ${page} of ${pages}`);
  }
}
