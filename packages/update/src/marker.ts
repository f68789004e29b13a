// SPDX-License-Identifier: Apache-2.0
import { bytes, bytesEqual, crc32c, isErased, struct, u32 } from "@tandem/base";
import type { FlashArea } from "@tandem/flash";

/**
 * What the internal flash knows of the set, whatever the NAND says. `stopgap`: whole, but nobody
 * has accepted it.
 */
export type MarkerKind = "installing" | "trial" | "accepted" | "stopgap";

const KIND_NUMBER = { installing: 1, trial: 2, accepted: 3, stopgap: 4 } as const;

/** `TMK1`, little-endian. */
const MARKER_MAGIC = 0x314b4d54;

/** One entry; CRC-32C over everything before it. */
const ENTRY_LAYOUT = struct("tandem_marker", {
  magic: u32,
  kind: u32,
  sequence: u32,
  release_id: bytes(16),
  crc: u32,
  /** Words that are cleared one by one: cores that have been installed, or trial starts. */
  marks: bytes(16),
});

/** Bytes of one entry; entries stand one after the other. */
export const MARKER_ENTRY_BYTES: number = ENTRY_LAYOUT.size;

const CRC_OFFSET = 28;
const MARKS_OFFSET = 32;
/** One word per core. */
const MARKS = 4;
/** Starts that a release on trial gets from boots that cannot ask the journal. */
const TRIAL_STARTS = 3;

export interface MarkerState {
  readonly kind: MarkerKind;
  readonly sequence: number;
  /** First 16 bytes of the release id; empty when the marker is blank. */
  readonly releaseId: Uint8Array;
  /** Installing: by core, cleared when it holds its image of the release. Trial: one per start. */
  readonly marks: readonly Mark[];
}

/** A word of an entry; `cut`: neither blank nor cleared, its write did not end. */
type Mark = "blank" | "cut" | "cleared";

/** A marker that is blank counts as installing. */
const UNKNOWN: MarkerState = {
  kind: "installing",
  sequence: 0,
  releaseId: new Uint8Array(0),
  marks: [],
};

interface Found {
  readonly state: MarkerState;
  /** Of the next entry: above that of a torn one too. */
  readonly nextSequence: number;
  /** Where the newest entry stands in its page. */
  readonly offset: number;
  /** Page of the newest valid entry. */
  readonly page: number;
  /** Where the next entry goes in that page; at the page's end it is full. */
  readonly nextOffset: number;
}

/**
 * A few words in internal flash that say which images the cores hold: entries are appended to one
 * page while another page of the area waits, erased when the first is full. An entry that was torn
 * does not count: `installing` is complete before a core is touched, and the other kinds only
 * confirm what stands already, so the entry before a torn one is still true.
 */
export class Marker {
  readonly #area: FlashArea;
  readonly #entryBytes = MARKER_ENTRY_BYTES;
  /** Sequence of the entry that this session has written last, if any: it is certain. */
  #ownSequence: number | null = null;

  /** @param area at least two erase pages */
  constructor(area: FlashArea) {
    this.#area = area;
  }

  read(): MarkerState {
    return this.#find().state;
  }

  /** True when nothing has ever been written here: no image was ever installed. */
  isBlank(): boolean {
    return isErased(this.#area.read(0, this.#area.size));
  }

  /** Appends an entry unless the newest one says the same: every core holds this release. */
  write(kind: Exclude<MarkerKind, "installing">, releaseId: Uint8Array): void {
    const found = this.#find();
    if (found.state.kind === kind && isId(found.state, releaseId)) return;
    this.#append(found, kind, releaseId, []);
  }

  /**
   * Appends an entry, also after one that says the same: what an earlier session has left may have
   * been cut while it was written, and read well today only.
   */
  confirm(kind: Exclude<MarkerKind, "installing">, releaseId: Uint8Array): void {
    this.#append(this.#find(), kind, releaseId, []);
  }

  /**
   * To be called before a core is touched: only the cores in `held` hold their image of the
   * release. An entry of an earlier session that says the same is not enough: were it to read badly
   * once the core is touched, the one before it would vouch for what is there no more.
   */
  beginInstall(releaseId: Uint8Array, held: readonly boolean[]): void {
    const found = this.#find();
    const { kind, marks } = found.state;
    const isOwn = found.state.sequence === this.#ownSequence;
    const isSame = marks.every((mark, i) => mark === (held[i] === true ? "cleared" : "blank"));
    if (isOwn && kind === "installing" && isId(found.state, releaseId) && isSame) return;
    this.#append(found, "installing", releaseId, held);
  }

  /** The core holds its image of the release that is being installed. */
  coreInstalled(index: number): void {
    const found = this.#find();
    if (found.state.kind === "installing") this.#clear(found, index);
  }

  #clear({ page, offset }: Found, mark: number): void {
    const at = page * this.#area.pageBytes + offset + MARKS_OFFSET + 4 * mark;
    this.#area.write(at, new Uint8Array(4));
  }

  #append(found: Found, kind: MarkerKind, releaseId: Uint8Array, marks: readonly boolean[]): void {
    const words = new Uint8Array(4 * MARKS).fill(0xff);
    for (const [i, mark] of marks.entries()) if (mark) words.fill(0, 4 * i, 4 * i + 4);
    const entry = ENTRY_LAYOUT.encode({
      magic: MARKER_MAGIC,
      kind: KIND_NUMBER[kind],
      sequence: found.nextSequence,
      release_id: releaseId.slice(0, 16),
      crc: 0,
      marks: words,
    });
    const view = new DataView(entry.buffer);
    view.setUint32(CRC_OFFSET, crc32c(entry.subarray(0, CRC_OFFSET)), true);
    let { page, nextOffset } = found;
    if (nextOffset + this.#entryBytes > this.#area.pageBytes) {
      page = (page + 1) % Math.floor(this.#area.size / this.#area.pageBytes);
      nextOffset = 0;
      this.#area.erasePage(page * this.#area.pageBytes);
    }
    this.#area.write(page * this.#area.pageBytes + nextOffset, entry);
    this.#ownSequence = found.nextSequence;
  }

  /**
   * Counts a start of the release on trial, for boots that cannot ask the journal. False when it
   * has had its three, or when nothing is on trial.
   */
  countTrialStart(): boolean {
    const found = this.#find();
    if (found.state.kind !== "trial") return false;
    // A start counts even if the write of its word was cut.
    const next = found.state.marks.indexOf("blank");
    if (next === -1 || next >= TRIAL_STARTS) return false;
    this.#clear(found, next);
    return true;
  }

  #find(): Found {
    const pages = Math.floor(this.#area.size / this.#area.pageBytes);
    const full = this.#area.pageBytes;
    let best: Found = { state: UNKNOWN, nextSequence: 1, offset: 0, page: 0, nextOffset: full };
    for (let page = 0; page < pages; page++) {
      const found = this.#findIn(page);
      if (found !== null && found.state.sequence > best.state.sequence) best = found;
    }
    return best;
  }

  #findIn(page: number): Found | null {
    const content = this.#area.read(page * this.#area.pageBytes, this.#area.pageBytes);
    let newest: Pick<Found, "state" | "offset"> | null = null;
    let nextOffset = 0;
    let tornSince = 0;
    for (let at = 0; at + this.#entryBytes <= content.length; at += this.#entryBytes) {
      const slot = content.subarray(at, at + this.#entryBytes);
      if (isErased(slot)) continue;
      nextOffset = at + this.#entryBytes;
      const state = decodeMarkerEntry(slot);
      if (state !== null) newest = { state, offset: at };
      tornSince = state === null ? tornSince + 1 : 0;
    }
    if (newest === null) return null;
    const nextSequence = newest.state.sequence + 1 + tornSince;
    return { ...newest, nextSequence, page, nextOffset };
  }
}

function markOf(word: Uint8Array): Mark {
  if (isErased(word)) return "blank";
  return word.every((byte) => byte === 0) ? "cleared" : "cut";
}

function isId({ releaseId }: MarkerState, id: Uint8Array): boolean {
  return bytesEqual(releaseId, id.subarray(0, 16));
}

/** The entry in these bytes, or null when they hold none that is whole. */
export function decodeMarkerEntry(slot: Uint8Array): MarkerState | null {
  const raw = ENTRY_LAYOUT.parse(slot);
  if (raw.magic !== MARKER_MAGIC || raw.crc !== crc32c(slot.subarray(0, CRC_OFFSET))) return null;
  const { sequence, release_id: releaseId } = raw;
  const marks = Array.from({ length: MARKS }, (_, i) =>
    markOf(raw.marks.subarray(4 * i, 4 * i + 4)),
  );
  switch (raw.kind) {
    case KIND_NUMBER.installing:
      return { kind: "installing", sequence, releaseId, marks };
    case KIND_NUMBER.trial:
      return { kind: "trial", sequence, releaseId, marks };
    case KIND_NUMBER.accepted:
      return { kind: "accepted", sequence, releaseId, marks };
    case KIND_NUMBER.stopgap:
      return { kind: "stopgap", sequence, releaseId, marks };
    default:
      return null;
  }
}
