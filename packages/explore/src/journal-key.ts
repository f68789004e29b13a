// SPDX-License-Identifier: Apache-2.0
import type { Fingerprint } from "./fingerprint.js";
import type { Geometry } from "./geometry.js";
import type { StoreView, ViewedHead, ViewedRecord } from "./store-view.js";

/**
 * What mount may find in the journal: one record, or one of two while a commit was cut. Where
 * records stand and what else the journal holds makes no difference to what the next session and
 * its cuts lead to, as long as the code of the journal does what it should: `journal-forms.test.ts`
 * goes through all forms that a journal can take, and shows it.
 */
export function addJournal(
  key: Fingerprint,
  view: Pick<StoreView, "winners" | "blockFlags">,
  geometry: Geometry,
): void {
  const { winners } = view;
  key.add(winners.length);
  for (const winner of winners) key.addPair(winner.key);
  addBrokenBlocks(key, view, geometry);
}

/**
 * The form of the journal: everything that decides where records go next and what is found when one
 * of them is lost. Left out are absolute sequence numbers (code only compares them), what stands
 * behind the newest record that is certain to be found, and which of the blocks is which: that
 * matters only while a block may or may not be found, because blocks that are not are taken in
 * order.
 * @param options.addRecord what a record says
 * @param options.areBlocksAlike leaves that order out, too
 */
export function addJournalForm(
  key: Fingerprint,
  view: StoreView,
  geometry: Geometry,
  options: {
    readonly addRecord?: (record: ViewedRecord) => void;
    readonly areBlocksAlike?: boolean;
  } = {},
): void {
  const { addRecord = (record) => key.addPair(record.key), areBlocksAlike = false } = options;
  const sequences: bigint[] = [];
  const isOrdered =
    !areBlocksAlike &&
    view.chains.some(({ heads }) => heads.some(({ firstPage }) => view.isUnstable(firstPage)));
  for (const chain of view.chains) {
    key.add(chain.heads.length);
    for (const head of chain.heads.slice(0, chain.describedHeads)) {
      describeHead(key, view, head, addRecord);
    }
    describeOlderHeads(key, view, chain.heads);
    if (isOrdered) for (const { firstPage } of chain.heads) key.add(firstPage);
    for (const { sequence } of chain.candidates) sequences.push(sequence);
  }
  addOrder(key, sequences);
  addBrokenBlocks(key, view, geometry);
}

function addBrokenBlocks(
  key: Fingerprint,
  view: Pick<StoreView, "blockFlags">,
  { limits }: Geometry,
): void {
  let broken = 0;
  for (let block = 0; block < limits.journalBlocks; block++) {
    if (view.blockFlags(block) > 1) broken += 1;
  }
  key.add(broken);
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
function describeHead(
  key: Fingerprint,
  view: StoreView,
  head: ViewedHead,
  addRecord: (record: ViewedRecord) => void,
): void {
  const { pagesPerBlock } = view.shape;
  const flags = view.blockFlags(head.firstPage / pagesPerBlock);
  key.add(flags);
  for (let at = head.firstPage + pagesPerBlock - 1; at >= head.firstPage; at--) {
    const { record, recordKey, isBlank, status } = view.page(at);
    const isUnstable = view.isUnstable(at);
    const kind = isBlank && status === "ok" ? 1 : record === null ? 2 : 3;
    if (flags !== 0 || isUnstable) key.add((at - head.firstPage) * 8 + kind);
    if (record === null) continue;
    addRecord({ ...record, key: recordKey });
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
    key.add(isUnstable ? 55 : 54);
    if (isCovered) continue;
    const copyOnly = isCopyOnly(view, head);
    key.add(copyOnly ? 1 : 2);
    isCovered = !copyOnly && !isUnstable;
  }
}

/** Mount asks this of a block: does it hold nothing but the copy that opened it? */
function isCopyOnly(view: StoreView, head: ViewedHead): boolean {
  const second = view.page(head.firstPage + 1);
  return head.record.isCopy && second.isBlank && second.status === "ok";
}
