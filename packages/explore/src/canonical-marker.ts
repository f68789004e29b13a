// SPDX-License-Identifier: Apache-2.0
import { isErased } from "@tandem/base";
import type { MemoryStorage } from "@tandem/flash";
import { MARKER_ENTRY_BYTES, decodeMarkerEntry } from "@tandem/update";
import type { MarkerState } from "@tandem/update";

import type { Fingerprint } from "./fingerprint.js";
import type { Geometry } from "./geometry.js";

const KIND_NUMBER = { installing: 1, trial: 2, accepted: 3, stopgap: 4 } as const;
const MARK_NUMBER = { blank: 0, cleared: 1, cut: 2 } as const;

/** One page of the marker. */
interface MarkerPage {
  /** Whole ones, newest last. */
  readonly entries: readonly { readonly state: MarkerState; readonly slot: number }[];
  /** First slot behind everything that is written. */
  readonly endSlot: number;
}

/** An entry that may be found to be the newest. */
interface Candidate {
  readonly page: number;
  readonly slot: number;
  readonly state: MarkerState;
  /** Start of what reads badly at times, bytes from the start of the entry; null: it is stable. */
  readonly unstableAt: number | null;
}

/** The marker of a device: what the code can tell of it. */
export class CanonicalMarker {
  readonly #storage: MemoryStorage;
  readonly #slots: number;
  readonly #pages: readonly number[];
  /** The newest entry, and while one is unstable, the one before it. */
  readonly #candidates: readonly Candidate[];

  constructor(geometry: Geometry, storage: MemoryStorage) {
    const { marker, appFlash } = geometry.map;
    const { pageBytes } = appFlash;
    this.#storage = storage;
    this.#slots = Math.floor(pageBytes / MARKER_ENTRY_BYTES);
    const first = marker.start / pageBytes;
    this.#pages = Array.from({ length: marker.sizeBytes / pageBytes }, (_, i) => first + i);
    this.#candidates = this.#findCandidates();
  }

  /**
   * Whether the core is certain to be written anew, whole, before anything goes by what it holds:
   * every entry that may be found says that something is being installed, and not that this core
   * is done.
   */
  isOverwritten(core: number): boolean {
    return (
      this.#candidates.length > 0 &&
      this.#candidates.every(
        ({ state }) => state.kind === "installing" && state.marks[core] !== "cleared",
      )
    );
  }

  /** Entries that still fit behind what is written in the page of the newest one. */
  get room(): number {
    const [newest] = this.#candidates;
    return newest === undefined ? 0 : this.#slots - this.#inspect(newest.page).endSlot;
  }

  /**
   * Most entries that can have room behind the newest one without a change of what is told; 0: the
   * marker stays where it is.
   */
  get mostRoom(): number {
    const pages = new Set(this.#candidates.map(({ page }) => page));
    return pages.size === 1 ? this.#slots - this.#candidates.length : 0;
  }

  /**
   * Moves the newest entry, and what shows when it reads badly, to where `room` more entries fit in
   * its page. The other page is erased before it is used, and says nothing.
   * @param room up to `mostRoom`
   */
  setRoom(room: number): void {
    const [newest] = this.#candidates;
    if (newest === undefined || room > this.mostRoom) return;
    const { page } = newest;
    const stored = this.#storage.read(page);
    if (stored === null) return;
    const moved = new Uint8Array(stored.length).fill(0xff);
    const { goodChance, span } = this.#storage.medium.page(page);
    let slot = this.#slots - room;
    for (const candidate of this.#candidates) {
      slot -= 1;
      const start = candidate.slot * MARKER_ENTRY_BYTES;
      const entry = stored.subarray(start, start + MARKER_ENTRY_BYTES);
      moved.set(entry, slot * MARKER_ENTRY_BYTES);
      if (goodChance === 256 || span === null || candidate.unstableAt === null) continue;
      const shift = (slot - candidate.slot) * MARKER_ENTRY_BYTES;
      this.#storage.medium.setPage(page, { span: { ...span, start: span.start + shift } });
    }
    this.#storage.write(page, moved);
  }

  addTo(key: Fingerprint): void {
    const [newest] = this.#candidates;
    for (const { page, state, unstableAt } of this.#candidates) {
      key.add(page === newest?.page ? 1 : 2);
      key.add(KIND_NUMBER[state.kind]);
      key.addBytes(state.releaseId);
      for (const mark of state.marks) key.add(MARK_NUMBER[mark]);
      key.add(unstableAt ?? -1);
    }
  }

  #findCandidates(): readonly Candidate[] {
    const all = this.#pages
      .flatMap((page) =>
        // A page has one unstable span at most, so the entry before the last is stable if that is not.
        this.#inspect(page)
          .entries.slice(-2)
          .map((entry) => ({ page, ...entry, unstableAt: this.#unstableAt(page, entry.slot) })),
      )
      .toSorted((a, b) => b.state.sequence - a.state.sequence);
    const firstStable = all.findIndex(({ unstableAt }) => unstableAt === null);
    return firstStable === -1 ? all : all.slice(0, firstStable + 1);
  }

  #unstableAt(page: number, slot: number): number | null {
    const { goodChance, span } = this.#storage.medium.page(page);
    if (goodChance === 256 || span === null) return null;
    const at = span.start - slot * MARKER_ENTRY_BYTES;
    return at < MARKER_ENTRY_BYTES && at + span.length > 0 ? at : null;
  }

  #inspect(page: number): MarkerPage {
    const stored = this.#storage.read(page);
    if (stored === null) return { entries: [], endSlot: 0 };
    const known = KNOWN.get(stored);
    if (known !== undefined) return known;
    const inspected = inspect(stored, this.#slots);
    KNOWN.set(stored, inspected);
    return inspected;
  }
}

/** States share their pages. */
const KNOWN = new WeakMap<Uint8Array, MarkerPage>();

function inspect(stored: Uint8Array, slots: number): MarkerPage {
  const entries: MarkerPage["entries"][number][] = [];
  let endSlot = 0;
  for (let slot = 0; slot < slots; slot++) {
    const start = slot * MARKER_ENTRY_BYTES;
    const bytes = stored.subarray(start, start + MARKER_ENTRY_BYTES);
    if (isErased(bytes)) continue;
    endSlot = slot + 1;
    const state = decodeMarkerEntry(bytes);
    if (state !== null) entries.push({ state, slot });
  }
  return { entries, endSlot };
}
