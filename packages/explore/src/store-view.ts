// SPDX-License-Identifier: Apache-2.0
import type { MemoryStorage, PagedFlash } from "@tandem/flash";
import type { JournalPage } from "@tandem/store";

import type { Geometry } from "./geometry.js";
import type { PageFacts, PageFactsCache, Pair } from "./page-facts.js";

/** One journal block whose first page carries a record. */
export interface ViewedHead {
  readonly firstPage: number;
  readonly record: JournalPage;
}

/** The newest records of one chain, as any mount may find them. */
export interface ViewedChain {
  /** Newest first, in the order in which mount would sort them. */
  readonly heads: readonly ViewedHead[];
  /** Records that may be found to be the newest: unstable ones, then the first stable one. */
  readonly candidates: readonly ViewedRecord[];
  /** Heads that hold them. */
  readonly describedHeads: number;
  /** The first stable one: what is found whatever unstable pages do. */
  readonly floor: CertainRecord | null;
}

/** A record, and the fingerprint of what it says. */
export interface ViewedRecord extends JournalPage {
  readonly key: Pair;
}

/** A record that is found whatever unstable pages do. */
export type CertainRecord = ViewedRecord;

/** The store of a device as bits and physics have it, without running any code of a device. */
export class StoreView {
  readonly shape: PagedFlash["geometry"];
  readonly #storage: MemoryStorage;
  readonly #cache: PageFactsCache;
  readonly #geometry: Geometry;
  readonly #pagesPerUnit: number;
  #chains: readonly [ViewedChain, ViewedChain] | null = null;
  #winners: readonly ViewedRecord[] | null = null;

  constructor(geometry: Geometry, storage: MemoryStorage, cache: PageFactsCache) {
    this.shape = geometry.chip.shape;
    this.#geometry = geometry;
    this.#storage = storage;
    this.#cache = cache;
    this.#pagesPerUnit = geometry.chip.pagesPerStoragePage;
  }

  page(page: number): PageFacts {
    return this.#cache.factsOf(this.#storage, page);
  }

  /** Reads of the page differ from time to time. */
  isUnstable(page: number): boolean {
    const unit = page / this.#pagesPerUnit;
    const { goodChance, span } = this.#storage.medium.page(unit | 0);
    if (goodChance === 256) return false;
    if (this.#geometry.chip.norProfile === null || span === null) return true;
    const { pageBytes } = this.shape;
    const start = (page % this.#pagesPerUnit) * pageBytes;
    return span.start < start + pageBytes && span.start + span.length > start;
  }

  /** Journal blocks that carry a record on their first page, by chain. */
  get chains(): readonly [ViewedChain, ViewedChain] {
    this.#chains ??= this.#findChains();
    return this.#chains;
  }

  /** The newest record that stands in both chains for certain, or something newer with it. */
  get floor(): CertainRecord | null {
    const [{ floor: first }, { floor: second }] = this.chains;
    if (first === null || second === null) return null;
    return first.sequence < second.sequence ? first : second;
  }

  /** Hidden state of a block as one number; 1: its last erase was cut; more: it has failed. */
  blockFlags(block: number): number {
    const { norProfile } = this.#geometry.chip;
    const { pagesPerBlock } = this.shape;
    const unit = norProfile === null ? block : (block * pagesPerBlock) / this.#pagesPerUnit;
    const { isWeak, hasFailed, isWornOut } = this.#storage.medium.block(unit);
    return +isWeak | (+hasFailed << 1) | (+isWornOut << 2);
  }

  /** Next page of a block that may be programmed; -1 when only the bits can tell. */
  nextPage(block: number): number {
    if (this.#geometry.chip.norProfile !== null) return -1;
    return this.#storage.medium.block(block).nextPage;
  }

  /**
   * The records that a mount may find to be the newest: one for each way in which the unstable
   * pages of the journal can read, each record once.
   */
  get winners(): readonly ViewedRecord[] {
    this.#winners ??= this.#findWinners();
    return this.#winners;
  }

  #findWinners(): readonly ViewedRecord[] {
    const pages = this.chains.flatMap(({ heads, describedHeads }) =>
      heads.slice(0, describedHeads).flatMap(({ firstPage }) => this.#unstableRecords(firstPage)),
    );
    const winners: ViewedRecord[] = [];
    for (let bits = 0; bits < 1 << pages.length; bits++) {
      const isBad = (page: number): boolean => ((bits >> pages.indexOf(page)) & 1) === 1;
      const [a, b] = this.chains.map(({ heads }) => this.#newestOf(heads, pages, isBad));
      const winner = (a?.sequence ?? -1n) >= (b?.sequence ?? -1n) ? a : b;
      if (winner == null) continue;
      const isKnown = winners.some(
        ({ key }) => key.high === winner.key.high && key.low === winner.key.low,
      );
      if (!isKnown) winners.push(winner);
    }
    return winners.toSorted((a, b) => Number(a.sequence - b.sequence));
  }

  /** Unstable pages of a journal block that carry a record when they read well. */
  #unstableRecords(firstPage: number): readonly number[] {
    const pages = Array.from({ length: this.shape.pagesPerBlock }, (_, i) => firstPage + i);
    return pages.filter((page) => this.isUnstable(page) && this.page(page).record !== null);
  }

  /** What mount takes for the newest record of a chain. */
  #newestOf(
    heads: readonly ViewedHead[],
    unstable: readonly number[],
    isBad: (page: number) => boolean,
  ): ViewedRecord | null {
    const isLost = (page: number): boolean => unstable.includes(page) && isBad(page);
    const head = heads.find(({ firstPage }) => !isLost(firstPage));
    if (head === undefined) return null;
    const { firstPage } = head;
    for (let page = firstPage + this.shape.pagesPerBlock - 1; page >= firstPage; page--) {
      const { record, recordKey: key } = this.page(page);
      if (record?.chain === head.record.chain && !isLost(page)) return { ...record, key };
    }
    return null;
  }

  #findChains(): readonly [ViewedChain, ViewedChain] {
    const heads: ViewedHead[][] = [[], []];
    const { pagesPerBlock } = this.shape;
    for (let block = this.#geometry.limits.journalBlocks - 1; block >= 0; block--) {
      const firstPage = block * pagesPerBlock;
      const { record } = this.page(firstPage);
      if (record !== null) heads[record.chain]?.push({ firstPage, record });
    }
    return [this.#findChain(heads[0] ?? []), this.#findChain(heads[1] ?? [])];
  }

  #findChain(unsorted: readonly ViewedHead[]): ViewedChain {
    const heads = unsorted.toSorted((a, b) => Number(b.record.sequence - a.record.sequence));
    const candidates: ViewedRecord[] = [];
    for (const [index, head] of heads.entries()) {
      const isHeadStable = !this.isUnstable(head.firstPage);
      for (let i = this.shape.pagesPerBlock - 1; i >= 0; i--) {
        const { record, recordKey: key } = this.page(head.firstPage + i);
        if (record === null || record.chain !== head.record.chain) continue;
        candidates.push({ ...record, key });
        if (this.isUnstable(head.firstPage + i)) continue;
        if (isHeadStable) {
          return { heads, candidates, describedHeads: index + 1, floor: { ...record, key } };
        }
        break;
      }
    }
    return { heads, candidates, describedHeads: heads.length, floor: null };
  }
}
