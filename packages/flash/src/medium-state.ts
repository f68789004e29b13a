// SPDX-License-Identifier: Apache-2.0
import { FormatError } from "@tandem/base";

import { CowArray } from "./cow-array.js";

/** What a block is like beyond the bits in it. */
export interface BlockState {
  /** Next page that may be programmed; -1 when only the stored bits can tell. */
  readonly nextPage: number;
  /** Completed erases: wear. */
  readonly erases: number;
  /** Page reads since the last erase; counted where read disturb is modelled. */
  readonly reads: number;
  /** The last erase was cut: the block reads blank, but programs in it get bit errors. */
  readonly isWeak: boolean;
  /** A program or erase has failed since the last good erase. */
  readonly hasFailed: boolean;
  /** Programs and erases fail from now on. */
  readonly isWornOut: boolean;
}

/** What a page is like beyond the bits in it. */
export interface PageState {
  /** Chance in 256 that the next read is good; 256 for a stable page. */
  readonly goodChance: number;
  /** Programs since the erase, where there was more than a whole one. */
  readonly programs: number;
  /** What is unstable of a page of NOR flash, bytes. */
  readonly span: { readonly start: number; readonly length: number } | null;
}

export const NEW_BLOCK: BlockState = {
  nextPage: -1,
  erases: 0,
  reads: 0,
  isWeak: false,
  hasFailed: false,
  isWornOut: false,
};

const STABLE_PAGE: PageState = { goodChance: 256, programs: 0, span: null };

/** A `MediumState` in a document: rows of numbers, one per block and page that is not as new. */
export interface MediumJson {
  readonly programs: number;
  readonly erases: number;
  /** Block, next page, erases, reads, flags. */
  readonly blocks: readonly (readonly number[])[];
  /** Page, chance of a good read, programs, start and length of the unstable span. */
  readonly pages: readonly (readonly number[])[];
}

/** Indexes beyond any chip: they would make the tree deep. */
const MAX_NUMBER = 0xfff_ffff;

function numbers(row: readonly number[], length: number): readonly number[] {
  const [index = 0] = row;
  const good = row.every((value) => Number.isInteger(value) && value >= -1 && value <= MAX_NUMBER);
  if (good && row.length === length && index >= 0) return row;
  throw new FormatError(
    "flash/medium-json",
    `physical state: row of ${row.length} values, expected ${length} whole numbers`,
  );
}

/**
 * The physical state of a chip that its bits do not show. It belongs to the storage, so that it is
 * there again when another chip object, a fork or a later session works on the same storage.
 */
export class MediumState {
  /** Programs so far, on the whole chip. */
  programs = 0;
  /** Erases so far, on the whole chip. */
  erases = 0;
  readonly #blocks: CowArray<BlockState>;
  readonly #pages: CowArray<PageState>;

  constructor(
    blocks: CowArray<BlockState> = CowArray.empty(),
    pages: CowArray<PageState> = CowArray.empty(),
  ) {
    this.#blocks = blocks;
    this.#pages = pages;
  }

  /** An independent copy, at constant cost. */
  fork(): MediumState {
    const copy = new MediumState(this.#blocks.fork(), this.#pages.fork());
    copy.programs = this.programs;
    copy.erases = this.erases;
    return copy;
  }

  /** Becomes a copy of `other`, at constant cost. */
  assign(other: MediumState): void {
    this.#blocks.assign(other.#blocks);
    this.#pages.assign(other.#pages);
    this.programs = other.programs;
    this.erases = other.erases;
  }

  block(block: number): BlockState {
    return this.#blocks.get(block) ?? NEW_BLOCK;
  }

  page(page: number): PageState {
    return this.#pages.get(page) ?? STABLE_PAGE;
  }

  setBlock(block: number, change: Partial<BlockState>): void {
    this.#blocks.set(block, { ...this.block(block), ...change });
  }

  setPage(page: number, change: Partial<PageState>): void {
    this.#pages.set(page, { ...this.page(page), ...change });
  }

  /** Pages from `first` on are as new. */
  clearPages(first: number, count: number): void {
    this.#pages.clear(first, count);
  }

  /** All of it as plain numbers, for a file beside a raw image. */
  toJson(): MediumJson {
    const { programs, erases } = this;
    const blocks = [...this.#blocks.indexes()].map((block) => {
      const { nextPage, erases: cycles, reads, ...flags } = this.block(block);
      const bits = +flags.isWeak | (+flags.hasFailed << 1) | (+flags.isWornOut << 2);
      return [block, nextPage, cycles, reads, bits];
    });
    const pages = [...this.#pages.indexes()].map((page) => {
      const { goodChance, programs: parts, span } = this.page(page);
      return [page, goodChance, parts, span?.start ?? 0, span?.length ?? 0];
    });
    return { programs, erases, blocks, pages };
  }

  /**
   * What `toJson` returned.
   * @throws {FormatError} flash/medium-json for anything else
   */
  static fromJson(json: MediumJson): MediumState {
    const state = new MediumState();
    [state.programs = 0, state.erases = 0] = numbers([json.programs, json.erases], 2);
    for (const row of json.blocks) {
      const [block = 0, nextPage = 0, erases = 0, reads = 0, bits = 0] = numbers(row, 5);
      const flags = {
        isWeak: (bits & 1) !== 0,
        hasFailed: (bits & 2) !== 0,
        isWornOut: (bits & 4) !== 0,
      };
      state.setBlock(block, { nextPage, erases, reads, ...flags });
    }
    for (const row of json.pages) {
      const [page = 0, goodChance = 0, programs = 0, start = 0, length = 0] = numbers(row, 5);
      state.setPage(page, { goodChance, programs, span: length === 0 ? null : { start, length } });
    }
    return state;
  }

  /** Pages whose reads differ from time to time. */
  unstablePages(): number[] {
    return [...this.#pages.indexes()].filter((page) => this.page(page).goodChance < 256);
  }
}
