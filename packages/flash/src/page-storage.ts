// SPDX-License-Identifier: Apache-2.0

/** Where a chip keeps its bits: fixed-size pages, erased (all 0xFF) unless written. */
export interface PageStorage {
  /** The page's bytes, or null when it is erased. Never changed in place. */
  read(page: number): Uint8Array | null;
  /** Takes over `bytes`; the caller must not change them afterwards. */
  write(page: number, bytes: Uint8Array): void;
  /** Erases `count` pages from `firstPage` on. */
  erase(firstPage: number, count: number): void;
}

/** Storage in memory; erased pages take none. */
export class MemoryStorage implements PageStorage {
  readonly #pages: (Uint8Array | null)[];

  constructor(pages: readonly (Uint8Array | null)[] = []) {
    this.#pages = [...pages];
  }

  read(page: number): Uint8Array | null {
    return this.#pages[page] ?? null;
  }

  write(page: number, bytes: Uint8Array): void {
    this.#pages[page] = bytes;
  }

  erase(firstPage: number, count: number): void {
    for (let page = firstPage; page < firstPage + count; page++) this.#pages[page] = null;
  }

  /** An independent copy that shares the pages written so far. */
  fork(): MemoryStorage {
    return new MemoryStorage(this.#pages);
  }
}
