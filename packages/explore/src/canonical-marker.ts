// SPDX-License-Identifier: Apache-2.0
import { isErased } from "@tandem/base";
import type { MemoryStorage } from "@tandem/flash";
import { MARKER_ENTRY_BYTES, decodeMarkerEntry } from "@tandem/update";
import type { MarkerState } from "@tandem/update";

import type { Fingerprint } from "./fingerprint.js";
import type { Geometry } from "./geometry.js";

const KIND_NUMBER = { installing: 1, trial: 2, accepted: 3 } as const;
/** Words of an entry that are cleared one by one, behind its CRC. */
const TRIAL_STARTS_OFFSET = 32;
/** Entries that a page of a canonical marker has room for, at most. */
const MAX_FREE_ENTRIES = 2;

/** One page of the marker: its newest whole entry, and what stands behind it. */
interface MarkerPage {
  readonly page: number;
  readonly newest: MarkerState | null;
  /** Slot of that entry, and the first one behind everything that is written. */
  readonly newestSlot: number;
  readonly endSlot: number;
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
    if (newest === undefined || newest.newest === null || this.#isUnstable(newest.page)) return;
    const { page, newestSlot, endSlot } = newest;
    const shift = this.#slots - MAX_FREE_ENTRIES - endSlot;
    const stored = this.#storage.read(page);
    if (shift <= 0 || stored === null) return;
    const moved = new Uint8Array(stored.length).fill(0xff);
    const [start, end] = [newestSlot * MARKER_ENTRY_BYTES, endSlot * MARKER_ENTRY_BYTES];
    moved.set(stored.subarray(start, end), start + shift * MARKER_ENTRY_BYTES);
    this.#storage.write(page, moved);
  }

  addTo(key: Fingerprint): void {
    for (const marker of this.#pages) {
      const { page, newest, newestSlot, endSlot } = marker;
      const isUnstable = this.#isUnstable(page);
      const { span } = this.#storage.medium.page(page);
      key.add(isUnstable ? (span?.start ?? 0) : -1);
      key.add(Math.max(endSlot, this.#slots - MAX_FREE_ENTRIES));
      key.add(endSlot - newestSlot > 1 ? 1 : 0);
      if (newest !== null) {
        key.add(KIND_NUMBER[newest.kind]);
        key.addBytes(newest.releaseId);
        const start = newestSlot * MARKER_ENTRY_BYTES;
        const entry = this.#storage.read(page)?.subarray(start, start + MARKER_ENTRY_BYTES);
        if (entry !== undefined) key.addBytes(entry.subarray(TRIAL_STARTS_OFFSET));
        if (!isUnstable) return;
      }
    }
  }

  #isUnstable(page: number): boolean {
    return this.#storage.medium.page(page).goodChance < 256;
  }

  #inspect(page: number): MarkerPage {
    const stored = this.#storage.read(page);
    if (stored === null) return { page, newest: null, newestSlot: 0, endSlot: 0 };
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
  let newest: MarkerState | null = null;
  let newestSlot = 0;
  let endSlot = 0;
  for (let slot = 0; slot < slots; slot++) {
    const start = slot * MARKER_ENTRY_BYTES;
    const bytes = stored.subarray(start, start + MARKER_ENTRY_BYTES);
    if (isErased(bytes)) continue;
    endSlot = slot + 1;
    const entry = decodeMarkerEntry(bytes);
    if (entry === null) continue;
    newest = entry;
    newestSlot = slot;
  }
  return { page, newest, newestSlot, endSlot };
}

function sequenceOf({ newest }: MarkerPage): number {
  return newest?.sequence ?? -1;
}
