// SPDX-License-Identifier: Apache-2.0
import type { MemoryStorage } from "@tandem/flash";
import { findFwInfo } from "@tandem/image";
import { isSameBlock } from "@tandem/store";
import type { BlockIdentity, StateRecord } from "@tandem/store";

import { CanonicalMarker } from "./canonical-marker.js";
import type { DeviceNode } from "./device-state.js";
import { Fingerprint } from "./fingerprint.js";
import type { Geometry } from "./geometry.js";
import type { KnownPages } from "./known-pages.js";
import type { Pair } from "./page-facts.js";
import type { StoreView, ViewedHead } from "./store-view.js";

const ENTRY_NUMBER = { "power-on": 0, soft: 1, watchdog: 2, lockup: 3 } as const;

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

  constructor(geometry: Geometry, known: KnownPages) {
    this.#geometry = geometry;
    this.#known = known;
  }

  keyOf(node: DeviceNode, view: StoreView): Pair {
    const key = new Fingerprint();
    for (const part of this.partsOf(node, view)) key.addPair(part);
    return pairOf(key);
  }

  /** The key in parts: session and counter, journal, banks, cores, marker. */
  partsOf(node: DeviceNode, view: StoreView): readonly Pair[] {
    const { state, entry } = node;
    const session = new Fingerprint();
    const journal = new Fingerprint();
    const banks = new Fingerprint();
    const cores = new Fingerprint();
    const marker = new Fingerprint();
    session.add(ENTRY_NUMBER[entry.reason] * 2 + (entry.watchdogRuns ? 1 : 0));
    session.add(state.securityCounter);
    this.#addJournal(journal, view);
    this.#addBanks(banks, view);
    this.#addSlot(cores, "app", state.appFlash);
    this.#addSlot(cores, "net", state.netFlash);
    new CanonicalMarker(this.#geometry, state.appFlash).addTo(marker);
    return [session, journal, banks, cores, marker].map(pairOf);
  }

  #addJournal(key: Fingerprint, view: StoreView): void {
    const sequences: bigint[] = [];
    for (const chain of view.chains) {
      key.add(chain.heads.length);
      for (const head of chain.heads.slice(0, chain.describedHeads)) {
        describeHead(key, view, head);
      }
      describeOlderHeads(key, view, chain.heads);
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

/**
 * What a head may be found to say. How many of its pages are used does not matter: a later session
 * appends nothing to it. Only where an erase of it was cut may its pages be other than used ones,
 * then blank ones.
 */
function describeHead(key: Fingerprint, view: StoreView, head: ViewedHead): void {
  const { pagesPerBlock } = view.shape;
  const flags = view.blockFlags(head.firstPage / pagesPerBlock);
  key.add(flags);
  for (let at = head.firstPage + pagesPerBlock - 1; at >= head.firstPage; at--) {
    const page = view.page(at);
    const isUnstable = view.isUnstable(at);
    const kind = page.isBlank && page.status === "ok" ? 1 : page.record === null ? 2 : 3;
    if (flags !== 0 || isUnstable) key.add((at - head.firstPage) * 8 + kind);
    if (page.record === null) continue;
    key.addPair(page.recordKey);
    if (!isUnstable && flags === 0) break;
  }
  key.add(view.isUnstable(head.firstPage) ? 1 : 0);
}

/**
 * A block with nothing but a copy may be erased again, up to the first one with more in it; what is
 * behind that may be erased anyway. An unstable head may not be found at all.
 */
function describeOlderHeads(key: Fingerprint, view: StoreView, heads: readonly ViewedHead[]): void {
  let isCovered = false;
  for (const head of heads) {
    const isUnstable = view.isUnstable(head.firstPage);
    if (isUnstable) key.add(55);
    if (isCovered) continue;
    const copyOnly = isCopyOnly(view, head);
    key.add(copyOnly ? 1 : 2);
    isCovered = !copyOnly && !isUnstable;
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

function pairOf(key: Fingerprint): Pair {
  return { high: key.high, low: key.low };
}
