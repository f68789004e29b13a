// SPDX-License-Identifier: Apache-2.0
import { isErased } from "@tandem/base";
import type { MemoryStorage } from "@tandem/flash";
import { MARKER_ENTRY_BYTES, decodeMarkerEntry } from "@tandem/update";
import type { MarkerState } from "@tandem/update";

import type { Fingerprint } from "./fingerprint.js";
import type { Geometry } from "./geometry.js";

const KIND_NUMBER = { installing: 1, trial: 2, accepted: 3, stopgap: 4 } as const;
const MARK_NUMBER = { blank: 0, cleared: 1, cut: 2 } as const;
/** Entries that a page of a canonical marker has room for, at most. */
const MAX_FREE_ENTRIES = 2;

/** One page of the marker. */
interface MarkerPage {
  readonly page: number;
  /** Whole ones, newest last. */
  readonly entries: readonly MarkerEntry[];
  /** First slot behind everything that is written. */
  readonly endSlot: number;
}

interface MarkerEntry {
  readonly state: MarkerState;
  readonly slot: number;
}

/** The marker of a device: what the code can tell of it. */
export class CanonicalMarker {
  readonly #storage: MemoryStorage;
  readonly #slots: number;
  readonly #pages: readonly MarkerPage[];

  constructor(geometry: Geometry, storage: MemoryStorage) {
    const { marker, appFlash } = geometry.map;
    const { pageBytes } = appFlash;
    this.#storage = storage;
    this.#slots = Math.floor(pageBytes / MARKER_ENTRY_BYTES);
    const first = marker.start / pageBytes;
    const count = marker.sizeBytes / pageBytes;
    const pages = Array.from({ length: count }, (_, i) => this.#inspect(first + i));
    this.#pages = pages.toSorted((a, b) => sequenceOf(b) - sequenceOf(a));
  }

  /**
   * Moves the newest entry towards the end of its page, so that only the last few places are told
   * apart: code that writes entries asks for nothing but whether another one fits. The other page
   * is erased before it is used, and says nothing as long as the newest entry reads well.
   * @param storage changed in place
   */
  settle(): void {
    const [newest] = this.#pages;
    if (newest === undefined || this.#isUnstable(newest.page)) return;
    const { page, endSlot, entries } = newest;
    const newestSlot = entries.at(-1)?.slot ?? endSlot;
    const shift = this.#slots - MAX_FREE_ENTRIES - endSlot;
    const stored = this.#storage.read(page);
    if (shift <= 0 || stored === null) return;
    const moved = new Uint8Array(stored.length).fill(0xff);
    const [start, end] = [newestSlot * MARKER_ENTRY_BYTES, endSlot * MARKER_ENTRY_BYTES];
    moved.set(stored.subarray(start, end), start + shift * MARKER_ENTRY_BYTES);
    this.#storage.write(page, moved);
  }

  addTo(key: Fingerprint): void {
    for (const { page, entries, endSlot } of this.#pages) {
      const isUnstable = this.#isUnstable(page);
      const { span } = this.#storage.medium.page(page);
      key.add(isUnstable ? (span?.start ?? 0) - endSlot * MARKER_ENTRY_BYTES : 1);
      key.add(Math.max(endSlot, this.#slots - MAX_FREE_ENTRIES));
      // What stands before the newest entry shows when that one reads badly.
      for (const { state } of entries.slice(isUnstable ? -2 : -1)) {
        key.add(KIND_NUMBER[state.kind]);
        key.addBytes(state.releaseId);
        for (const mark of state.marks) key.add(MARK_NUMBER[mark]);
      }
      if (entries.length > (isUnstable ? 1 : 0)) return;
    }
  }

  #isUnstable(page: number): boolean {
    return this.#storage.medium.page(page).goodChance < 256;
  }

  #inspect(page: number): MarkerPage {
    const stored = this.#storage.read(page);
    if (stored === null) return { page, entries: [], endSlot: 0 };
    const known = KNOWN.get(stored);
    if (known !== undefined) return { ...known, page };
    const inspected = inspect(stored, page, this.#slots);
    KNOWN.set(stored, inspected);
    return inspected;
  }
}

/** States share their pages. */
const KNOWN = new WeakMap<Uint8Array, MarkerPage>();

function inspect(stored: Uint8Array, page: number, slots: number): MarkerPage {
  const entries: MarkerEntry[] = [];
  let endSlot = 0;
  for (let slot = 0; slot < slots; slot++) {
    const start = slot * MARKER_ENTRY_BYTES;
    const bytes = stored.subarray(start, start + MARKER_ENTRY_BYTES);
    if (isErased(bytes)) continue;
    endSlot = slot + 1;
    const state = decodeMarkerEntry(bytes);
    if (state !== null) entries.push({ state, slot });
  }
  return { page, entries, endSlot };
}

function sequenceOf({ entries }: MarkerPage): number {
  return entries.at(-1)?.state.sequence ?? -1;
}
