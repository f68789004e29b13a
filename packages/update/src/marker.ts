// SPDX-License-Identifier: Apache-2.0
import { bytes, bytesEqual, crc32c, isErased, struct, u32 } from "@tandem/base";
import type { FlashArea } from "@tandem/flash";

/** What the internal flash knows of the set when the NAND cannot be asked. */
export type MarkerKind = "installing" | "trial" | "accepted";

const KIND_NUMBER = { installing: 1, trial: 2, accepted: 3 } as const;

/** `TMK1`, little-endian. */
const MARKER_MAGIC = 0x314b4d54;

/** One entry; CRC-32C over everything before it. */
const ENTRY_LAYOUT = struct("tandem_marker", {
  magic: u32,
  kind: u32,
  sequence: u32,
  release_id: bytes(16),
  crc: u32,
  /** One word cleared per trial start without NAND. */
  trial_starts: bytes(12),
});

/** Bytes of one entry; entries stand one after the other. */
export const MARKER_ENTRY_BYTES: number = ENTRY_LAYOUT.size;

const CRC_OFFSET = 28;
const TRIAL_STARTS_OFFSET = 32;

export interface MarkerState {
  readonly kind: MarkerKind;
  readonly sequence: number;
  /** First 16 bytes of the release id; empty when the marker is blank or torn. */
  readonly releaseId: Uint8Array;
}

/** A marker that is blank or torn counts as installing. */
const UNKNOWN: MarkerState = { kind: "installing", sequence: 0, releaseId: new Uint8Array(0) };

interface Found {
  readonly state: MarkerState;
  /** Page of the newest valid entry. */
  readonly page: number;
  /** Where the next entry goes in that page; at the page's end it is full. */
  readonly nextOffset: number;
}

/**
 * A few words in internal flash that say whether the installed images are whole: entries are
 * appended to one page while another page of the area waits, erased when the first is full.
 */
export class Marker {
  readonly #area: FlashArea;
  readonly #entryBytes = MARKER_ENTRY_BYTES;

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

  /** Appends an entry unless the newest one says the same. */
  write(kind: MarkerKind, releaseId: Uint8Array): void {
    const found = this.#find();
    const id = releaseId.slice(0, 16);
    if (found.state.kind === kind && bytesEqual(found.state.releaseId, id)) return;
    const entry = ENTRY_LAYOUT.encode({
      magic: MARKER_MAGIC,
      kind: KIND_NUMBER[kind],
      sequence: found.state.sequence + 1,
      release_id: id,
      crc: 0,
      trial_starts: new Uint8Array(12).fill(0xff),
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
  }

  /**
   * Counts a start of the release on trial, for boots that cannot ask the journal. False when it
   * has had its three, or when nothing is on trial.
   */
  countTrialStart(): boolean {
    const { state, page, nextOffset } = this.#find();
    if (state.kind !== "trial") return false;
    const start = page * this.#area.pageBytes + nextOffset - this.#entryBytes;
    for (let at = TRIAL_STARTS_OFFSET; at < this.#entryBytes; at += 4) {
      // A word that is not blank any more has been counted, even if its write was cut.
      if (!isErased(this.#area.read(start + at, 4))) continue;
      this.#area.write(start + at, new Uint8Array(4));
      return true;
    }
    return false;
  }

  #find(): Found {
    const pages = Math.floor(this.#area.size / this.#area.pageBytes);
    let best: Found = { state: UNKNOWN, page: 0, nextOffset: this.#area.pageBytes };
    for (let page = 0; page < pages; page++) {
      const found = this.#findIn(page);
      if (found !== null && found.state.sequence > best.state.sequence) best = found;
    }
    return best;
  }

  #findIn(page: number): Found | null {
    const content = this.#area.read(page * this.#area.pageBytes, this.#area.pageBytes);
    let state: MarkerState | null = null;
    let nextOffset = 0;
    let isTorn = false;
    for (let at = 0; at + this.#entryBytes <= content.length; at += this.#entryBytes) {
      const slot = content.subarray(at, at + this.#entryBytes);
      if (isErased(slot)) continue;
      nextOffset = at + this.#entryBytes;
      const decoded = decodeMarkerEntry(slot);
      isTorn = decoded === null;
      if (decoded !== null) state = decoded;
    }
    if (state === null) return null;
    const current = isTorn ? { ...UNKNOWN, sequence: state.sequence } : state;
    return { state: current, page, nextOffset };
  }
}

/** The entry in these bytes, or null when they hold none that is whole. */
export function decodeMarkerEntry(slot: Uint8Array): MarkerState | null {
  const raw = ENTRY_LAYOUT.parse(slot);
  if (raw.magic !== MARKER_MAGIC || raw.crc !== crc32c(slot.subarray(0, CRC_OFFSET))) return null;
  const { sequence, release_id: releaseId } = raw;
  switch (raw.kind) {
    case KIND_NUMBER.installing:
      return { kind: "installing", sequence, releaseId };
    case KIND_NUMBER.trial:
      return { kind: "trial", sequence, releaseId };
    case KIND_NUMBER.accepted:
      return { kind: "accepted", sequence, releaseId };
    default:
      return null;
  }
}
