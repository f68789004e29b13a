// SPDX-License-Identifier: Apache-2.0

/** What a page reads as. `corrected`: good now, but bits have flipped. */
export interface PageRead {
  readonly data: Uint8Array;
  readonly status: "ok" | "corrected" | "uncorrectable";
  /** Most bits that were corrected in one ECC sector, as far as the chip tells; else its strength. */
  readonly correctedBits: number;
}

/** Flash that is programmed by whole pages in ascending order and erased by blocks. */
export interface PagedFlash {
  readonly geometry: {
    readonly pageBytes: number;
    readonly pagesPerBlock: number;
    readonly blockCount: number;
  };
  /** Bits per sector that the chip's ECC corrects; 0 for flash without ECC. */
  readonly eccStrengthBits: number;
  /** Main area of a page; `data` belongs to the caller. */
  readPage(page: number): PageRead;
  /** Programs a whole page once; `failed` is the chip's P_FAIL. */
  programPage(page: number, data: Uint8Array): "ok" | "failed";
  /** Erases one block; `failed` is the chip's E_FAIL. */
  eraseBlock(block: number): "ok" | "failed";
  /** True when the block carries a bad-block mark. */
  isMarkedBad(block: number): boolean;
}
