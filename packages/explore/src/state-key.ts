// SPDX-License-Identifier: Apache-2.0
import { isErased } from "@tandem/base";
import type { MemoryStorage } from "@tandem/flash";
import { findFwInfo } from "@tandem/image";
import { isSameBlock } from "@tandem/store";
import type { BlockIdentity, StateRecord } from "@tandem/store";
import { MARKER_ENTRY_BYTES, decodeMarkerEntry } from "@tandem/update";
import type { MarkerState } from "@tandem/update";

import type { DeviceNode } from "./device-state.js";
import { Fingerprint } from "./fingerprint.js";
import type { Geometry } from "./geometry.js";
import type { KnownPages } from "./known-pages.js";
import type { Pair } from "./page-facts.js";
import type { StoreView, ViewedHead } from "./store-view.js";

const ENTRY_NUMBER = { "power-on": 0, soft: 1, watchdog: 2, lockup: 3 } as const;
/** Words of an entry that are cleared one by one, behind its CRC. */
const MARKS_OFFSET = 32;
const MARKER_NUMBER = { installing: 1, trial: 2, accepted: 3, stopgap: 4 } as const;

/**
 * The key of a state: equal keys, equal futures. What the code cannot tell apart does not go in:
 * absolute sequence numbers of the journal (only their order), which of the journal's blocks is
 * which, what stands behind the newest record that is certain to be found, what is in blocks that
 * are free or incomplete, the bits of pages that no CRC or hash accepts, and wear. docs/explore.md
 * says why.
 */
export class StateKeys {
  readonly #geometry: Geometry;
  readonly #known: KnownPages;
  readonly #markerFacts = new WeakMap<Uint8Array, MarkerFacts>();

  constructor(geometry: Geometry, known: KnownPages) {
    this.#geometry = geometry;
    this.#known = known;
  }

  keyOf(node: DeviceNode, view: StoreView): Pair {
    const { state, entry } = node;
    const key = new Fingerprint();
    key.add(ENTRY_NUMBER[entry.reason] * 2 + (entry.watchdogRuns ? 1 : 0));
    key.add(state.securityCounter);
    this.#addJournal(key, view);
    this.#addBanks(key, view);
    this.#addSlot(key, "app", state.appFlash);
    this.#addSlot(key, "net", state.netFlash);
    this.#addMarker(key, state.appFlash);
    return { high: key.high, low: key.low };
  }

  #addJournal(key: Fingerprint, view: StoreView): void {
    const sequences: bigint[] = [];
    for (const chain of view.chains) {
      key.add(chain.heads.length);
      for (const head of chain.heads.slice(0, chain.describedHeads)) {
        describeHead(key, view, head);
      }
      key.add(chain.heads.findIndex((head) => !isCopyOnly(view, head)));
      for (const { sequence } of chain.candidates) sequences.push(sequence);
    }
    addOrder(key, sequences);
    let broken = 0;
    for (let block = 0; block < this.#geometry.limits.journalBlocks; block++) {
      if (view.blockFlags(block) > 1) broken += 1;
    }
    key.add(broken);
  }

  /** What the banks of every record that may be found hold. */
  #addBanks(key: Fingerprint, view: StoreView): void {
    const isMapped = new Uint8Array(view.shape.blockCount);
    let nextAllocation = 0;
    for (const chain of view.chains) {
      for (const { record } of chain.candidates) {
        nextAllocation = Math.max(nextAllocation, record.nextAllocation);
        this.#addBanksOf(key, view, record, isMapped);
      }
    }
    const { pagesPerBlock } = view.shape;
    for (let block = this.#geometry.limits.journalBlocks; block < isMapped.length; block++) {
      if (isMapped[block] === 1) continue;
      // A free block is erased before it is used; what could be mistaken for a later one cannot
      // be left out, and neither can a block that has failed.
      const { header } = view.page(block * pagesPerBlock);
      if (header !== null && header.sequence >= nextAllocation) key.add(header.sequence);
      if (view.blockFlags(block) > 1) key.add(block * 8 + view.blockFlags(block));
    }
  }

  #addBanksOf(key: Fingerprint, view: StoreView, record: StateRecord, isMapped: Uint8Array): void {
    for (const [bank, { images }] of record.banks.entries()) {
      for (const [index, image] of images.entries()) {
        const expected = this.#known.inStore(image.fileDigest);
        for (const copy of [0, 1] as const) {
          let logicalBlock = 0;
          for (const { firstBlock, count, firstSequence } of image.copies[copy]) {
            for (let i = 0; i < count; i++, logicalBlock++) {
              const block = firstBlock + i;
              if (isMapped[block] === 1) continue;
              isMapped[block] = 1;
              const sequence = firstSequence + i;
              const identity = { bank, image: index, copy, logicalBlock, sequence };
              addBlock(key, view, { block, identity, expected, isReceived: image.isReceived });
            }
          }
        }
      }
    }
  }

  /** Which release each page of a slot belongs to, if any; what is neither cannot be told apart. */
  #addSlot(key: Fingerprint, core: "app" | "net", storage: MemoryStorage): void {
    const { map } = this.#geometry;
    const { start, sizeBytes } = core === "app" ? map.appSlot : map.netSlot;
    const { pageBytes } = core === "app" ? map.appFlash : map.netFlash;
    let isTorn = false;
    for (let page = 0; page < sizeBytes / pageBytes; page++) {
      const stored = storage.read(start / pageBytes + page);
      const kind = this.#known.kindInSlot(core, page, stored);
      key.add(kind);
      isTorn ||= kind === -1;
      addHidden(key, storage, start / pageBytes + page);
    }
    // b0n reads one thing out of firmware that it does not verify: its version.
    if (core === "net" && isTorn) key.add(versionIn(storage, start / pageBytes, pageBytes));
  }

  #addMarker(key: Fingerprint, storage: MemoryStorage): void {
    const { marker, appFlash } = this.#geometry.map;
    const { pageBytes } = appFlash;
    const first = marker.start / pageBytes;
    let best = -1;
    let newest = -1;
    for (let page = first; page < first + marker.sizeBytes / pageBytes; page++) {
      const stored = storage.read(page);
      if (stored !== null) {
        const facts = this.#markerFactsOf(stored);
        key.addPair(facts.key);
        if (facts.sequence > newest) {
          newest = facts.sequence;
          best = page;
        }
      }
      addHidden(key, storage, page);
    }
    key.add(best);
  }

  #markerFactsOf(stored: Uint8Array): MarkerFacts {
    let known = this.#markerFacts.get(stored);
    if (known === undefined) {
      known = markerFacts(stored);
      this.#markerFacts.set(stored, known);
    }
    return known;
  }
}

interface MappedBlock {
  readonly block: number;
  readonly identity: BlockIdentity;
  /** Data pages of the image. */
  readonly expected: readonly Pair[];
  readonly isReceived: boolean;
}

/**
 * What can be made of a block: of one that is incomplete and will be written again from its start,
 * only whether it was begun.
 */
function addBlock(key: Fingerprint, view: StoreView, mapped: MappedBlock): void {
  const { block, identity, expected, isReceived } = mapped;
  const { pagesPerBlock } = view.shape;
  const first = block * pagesPerBlock;
  const perBlock = pagesPerBlock - 2;
  const pages = Math.min(perBlock, expected.length - identity.logicalBlock * perBlock);
  const { header } = view.page(first);
  key.add(header !== null && isSameBlock(header, identity) ? 1 : 0);
  if (view.isUnstable(first)) key.add(77);
  const { summary } = view.page(first + 1 + pages);
  const isComplete = summary !== null && isSameBlock(summary.identity, identity);
  if (!isComplete && !isReceived) return;
  key.add(view.blockFlags(block));
  for (let index = 0; index <= pages; index++) {
    const page = view.page(first + 1 + index);
    const wanted = expected[identity.logicalBlock * perBlock + index];
    const isGood = index === pages ? isComplete : isSamePair(page.dataKey, wanted);
    key.add((isGood ? 2 : 0) + (page.isWeak ? 1 : 0));
    if (view.isUnstable(first + 1 + index)) key.add(77);
  }
}

function isSamePair(a: Pair, b: Pair | undefined): boolean {
  return a.high === b?.high && a.low === b.low;
}

function versionIn(storage: MemoryStorage, firstPage: number, pageBytes: number): number {
  const head = new Uint8Array(2 * pageBytes).fill(0xff);
  for (let page = 0; page < 2; page++) {
    const stored = storage.read(firstPage + page);
    if (stored !== null) head.set(stored, page * pageBytes);
  }
  return findFwInfo(head)?.version ?? -1;
}

/** Sequences as their rank among each other. */
function addOrder(key: Fingerprint, sequences: readonly bigint[]): void {
  for (const sequence of sequences) {
    let rank = 0;
    for (const other of sequences) if (other < sequence) rank += 1;
    key.add(rank);
  }
}

/** Pages of a head as mount sees them: blank, a record, or neither. */
function describeHead(key: Fingerprint, view: StoreView, head: ViewedHead): void {
  const { pagesPerBlock } = view.shape;
  key.add(view.blockFlags(head.firstPage / pagesPerBlock));
  let isCovered = false;
  for (let at = head.firstPage + pagesPerBlock - 1; at >= head.firstPage; at--) {
    const page = view.page(at);
    const isUnstable = view.isUnstable(at);
    key.add(page.isBlank && page.status === "ok" ? 1 : page.record === null ? 2 : 3);
    if (isUnstable) key.add(99);
    if (page.record === null || isCovered) continue;
    key.addPair(page.recordKey);
    isCovered = !isUnstable;
  }
}

/** Mount asks this of a block: does it hold nothing but the copy that opened it? */
function isCopyOnly(view: StoreView, head: ViewedHead): boolean {
  if (!head.record.isCopy) return false;
  const second = view.page(head.firstPage + 1);
  return second.isBlank && second.status === "ok";
}

function addHidden(key: Fingerprint, storage: MemoryStorage, page: number): void {
  const { goodChance, span } = storage.medium.page(page);
  if (goodChance < 256) {
    key.add(page);
    key.add(span?.start ?? 0);
    key.add(span?.length ?? 0);
  }
  key.add(storage.medium.block(page).isWeak ? 1 : 0);
}

/** One page of the marker: its newest entry, whether it is torn behind it, how much is used. */
interface MarkerFacts {
  readonly key: Pair;
  /** Of the newest whole entry; -1 when there is none. */
  readonly sequence: number;
}

function markerFacts(stored: Uint8Array): MarkerFacts {
  const key = new Fingerprint();
  let newest: MarkerState | null = null;
  let marks: Uint8Array = new Uint8Array(0);
  let used = 0;
  let torn = 0;
  for (let at = 0; at + MARKER_ENTRY_BYTES <= stored.length; at += MARKER_ENTRY_BYTES) {
    const slot = stored.subarray(at, at + MARKER_ENTRY_BYTES);
    if (isErased(slot)) continue;
    used = at + MARKER_ENTRY_BYTES;
    const entry = decodeMarkerEntry(slot);
    torn = entry === null ? 1 : 0;
    if (entry === null) continue;
    newest = entry;
    marks = slot.subarray(MARKS_OFFSET);
  }
  key.add(used * 2 + torn);
  if (newest !== null) {
    key.add(MARKER_NUMBER[newest.kind]);
    key.addBytes(newest.releaseId);
    key.addBytes(marks);
  }
  return { key: { high: key.high, low: key.low }, sequence: newest?.sequence ?? -1 };
}
