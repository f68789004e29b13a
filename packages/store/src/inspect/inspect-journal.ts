// SPDX-License-Identifier: Apache-2.0
import { crc32c } from "@tandem/base";
import type { PagedFlash } from "@tandem/flash";

import { stateName } from "../set-state.js";
import { RECORD_FLAG_COPY, decodeRecord, recordLayout } from "../state-record.js";
import type { JournalPage, StateRecord } from "../state-record.js";
import type { StorePlan } from "../store-plan.js";
import { kindOf } from "./block-scanner.js";
import type { ScannedPage } from "./block-scanner.js";
import type {
  HistoryEntry,
  InspectedChain,
  InspectedJournal,
  InspectedJournalBlock,
  JournalPlace,
} from "./inspection.js";

/** One page of the journal region. */
interface Page {
  readonly kind: ScannedPage["kind"];
  readonly isCorrected: boolean;
  readonly found: JournalPage | null;
  /** CRC over what both chains write alike; 0 without a record. */
  readonly fingerprint: number;
}

/** A chain with the record that it ends in. */
interface ChainEnd {
  readonly inspected: InspectedChain;
  readonly record: StateRecord | null;
}

/** Reads every page of every journal block, and finds the winner the way mount does. */
export function inspectJournal(
  flash: PagedFlash,
  plan: StorePlan,
): { readonly journal: InspectedJournal; readonly record: StateRecord | null } {
  const { journalBlocks } = plan.limits;
  const blocks = Array.from({ length: journalBlocks }, (_, block) => readBlock(flash, plan, block));
  const a = findEnd(blocks, 0);
  const b = findEnd(blocks, 1);
  const [first, second] = [a.inspected.newest, b.inspected.newest];
  const aWins = second === null || (first !== null && first.sequence >= second.sequence);
  const journal = {
    winner: aWins ? first : second,
    isSettled: first !== null && second !== null && first.sequence === second.sequence,
    chains: [a.inspected, b.inspected] as const,
    blocks: blocks.map(describeBlock),
    history: historyOf(blocks),
  };
  return { journal, record: aWins ? a.record : b.record };
}

function readBlock(flash: PagedFlash, plan: StorePlan, block: number): Page[] {
  return Array.from({ length: plan.pagesPerBlock }, (_, pageInBlock) => {
    const read = flash.readPage(block * plan.pagesPerBlock + pageInBlock);
    const kind = kindOf(read);
    const found = kind === "data" ? decodeRecord(read.data, plan.limits) : null;
    const fingerprint = found === null ? 0 : fingerprintOf(read.data, plan);
    return { kind, isCorrected: read.status === "corrected", found, fingerprint };
  });
}

/** The record without what may differ between the chains: number, copy flag, CRC. */
function fingerprintOf(page: Uint8Array, plan: StorePlan): number {
  const layout = recordLayout(plan.limits);
  const content = page.slice(0, layout.size - 4);
  for (const { name, offset } of layout.fields) {
    if (name === "chain") content[offset] = 0;
    if (name === "flags") content[offset] = (content[offset] ?? 0) & ~RECORD_FLAG_COPY;
  }
  return crc32c(content);
}

/** `findChainEnd` of the journal, on pages that were read already. */
function findEnd(blocks: readonly (readonly Page[])[], chain: number): ChainEnd {
  const heads = blocks
    .flatMap((pages, block) => {
      const head = pages[0]?.found ?? null;
      return head?.chain === chain ? [{ block, pages, head }] : [];
    })
    .toSorted((x, y) => (x.head.sequence < y.head.sequence ? 1 : -1));
  const numbers = heads.map((head) => head.block);
  const [newest] = heads;
  if (newest === undefined) {
    return { inspected: { chain, blocks: numbers, newest: null, usedPages: 0 }, record: null };
  }
  const usedPages = countUsed(newest.pages);
  for (let pageInBlock = usedPages - 1; pageInBlock >= 0; pageInBlock--) {
    const found = newest.pages[pageInBlock]?.found ?? null;
    if (found === null || found.chain !== chain) continue;
    const place = { chain, block: newest.block, pageInBlock, sequence: found.sequence };
    return {
      inspected: { chain, blocks: numbers, newest: place, usedPages },
      record: found.record,
    };
  }
  // The first page of a head always carries a record of its chain.
  return { inspected: { chain, blocks: numbers, newest: null, usedPages }, record: null };
}

/** Halving, as mount does it: on a chip that breaks the order of pages the result must be the same. */
function countUsed(pages: readonly Page[]): number {
  let used = 1;
  let blank = pages.length;
  while (used < blank) {
    const middle = Math.floor((used + blank) / 2);
    if (pages[middle]?.kind === "blank") blank = middle;
    else used = middle + 1;
  }
  return used;
}

function describeBlock(pages: readonly Page[], block: number): InspectedJournalBlock {
  const where = (test: (page: Page) => boolean): number[] =>
    pages.flatMap((page, pageInBlock) => (test(page) ? [pageInBlock] : []));
  return {
    block,
    chain: pages[0]?.found?.chain ?? null,
    records: where((page) => page.found !== null).length,
    blankPages: where((page) => page.kind === "blank").length,
    tornPages: where((page) => page.kind === "data" && page.found === null),
    unreadablePages: where((page) => page.kind === "unreadable"),
    correctedPages: where((page) => page.isCorrected),
  };
}

function historyOf(blocks: readonly (readonly Page[])[]): HistoryEntry[] {
  const entries = new Map<
    bigint,
    { readonly page: JournalPage; readonly places: JournalPlace[]; readonly seen: Set<number> }
  >();
  for (const [block, pages] of blocks.entries()) {
    for (const [pageInBlock, { found, fingerprint }] of pages.entries()) {
      if (found === null) continue;
      const { sequence, chain } = found;
      const entry = entries.get(sequence) ?? { page: found, places: [], seen: new Set() };
      entry.places.push({ chain, block, pageInBlock, sequence });
      entry.seen.add(fingerprint);
      entries.set(sequence, entry);
    }
  }
  return [...entries.values()]
    .map(({ page, places, seen }) => describeEntry(page, places, seen.size === 1))
    .toSorted((x, y) => (x.sequence < y.sequence ? -1 : 1));
}

function describeEntry(
  { sequence, isCopy, record }: JournalPage,
  places: readonly JournalPlace[],
  isConsistent: boolean,
): HistoryEntry {
  return {
    sequence,
    isCopy,
    state: stateName(record.state),
    attempts: record.attempts,
    trials: record.trials,
    acceptedBank: record.acceptedBank,
    previousBank: record.previousBank,
    candidateBank: record.candidateBank,
    targetBank: record.targetBank,
    isLimp: record.isLimp,
    reason: record.reason,
    badBlocks: record.badBlocks.length,
    places,
    isConsistent,
  };
}
