// SPDX-License-Identifier: Apache-2.0
import { CowArray } from "./cow-array.js";
import { MediumState } from "./medium-state.js";

/** Where a chip keeps its bits: fixed-size pages, erased (all 0xFF) unless written. */
export interface PageStorage {
  /** Physical state that the bits do not show; chips on storage without it keep their own. */
  readonly medium?: MediumState;
  /** The page's bytes, or null when it is erased. Never changed in place. */
  read(page: number): Uint8Array | null;
  /** Takes over `bytes`; the caller must not change them afterwards. */
  write(page: number, bytes: Uint8Array): void;
  /** Erases `count` pages from `firstPage` on. */
  erase(firstPage: number, count: number): void;
}

/** Storage in memory; erased pages take none, and forks share what neither has written since. */
export class MemoryStorage implements PageStorage {
  readonly medium: MediumState;
  readonly #pages: CowArray<Uint8Array>;

  constructor(pages: readonly (Uint8Array | null)[] = []) {
    this.medium = new MediumState();
    this.#pages = CowArray.empty();
    for (const [page, bytes] of pages.entries()) if (bytes) this.#pages.set(page, bytes);
  }

  read(page: number): Uint8Array | null {
    return this.#pages.get(page);
  }

  write(page: number, bytes: Uint8Array): void {
    this.#pages.set(page, bytes);
  }

  erase(firstPage: number, count: number): void {
    this.#pages.clear(firstPage, count);
  }

  /** An independent copy with its physical state, at constant cost. */
  fork(): MemoryStorage {
    const copy = new MemoryStorage();
    copy.assign(this);
    return copy;
  }

  /** Becomes a copy of `other`, at constant cost: back to a snapshot. */
  assign(other: MemoryStorage): void {
    this.#pages.assign(other.#pages);
    this.medium.assign(other.medium);
  }
}
