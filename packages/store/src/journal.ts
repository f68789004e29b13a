// SPDX-License-Identifier: Apache-2.0
import { FormatError, TransportError, bytesEqual, isErased } from "@tandem/base";
import type { PagedFlash } from "@tandem/flash";

import { decodeRecord, encodeRecord } from "./state-record.js";
import type { JournalPage, StateRecord } from "./state-record.js";
import type { StorePlan } from "./store-plan.js";

/** Every record is written to two chains of blocks. */
const CHAINS = [0, 1] as const;
/** Blocks that one chain rotates over: the proven record, the winner, and two to choose from. */
const BLOCKS_PER_CHAIN = 4;

/** What mount knows of one journal block: its first page. */
interface BlockHead {
  readonly block: number;
  readonly page: JournalPage;
}

/** One chain: where its newest record stands, and where the next goes. */
interface Chain {
  readonly id: number;
  /** Blocks whose first page carries a valid record of this chain, newest first. */
  heads: BlockHead[];
  /** Newest valid record, or null when the chain is lost. */
  newest: JournalPage | null;
  /** Pages used in the newest block. */
  usedPages: number;
  /** True once this session has opened a fresh block: only then may pages be appended. */
  isOpen: boolean;
}

/**
 * The journal: two chains of blocks, one record per page. A record counts once both chains have
 * read it back. What a session finds at mount is unproven (its last page may have been cut while
 * it was programmed) until it has been copied to a fresh block; nothing is ever appended behind a
 * page of an earlier session, and no block is erased that a proven record still needs.
 */
export class Journal {
  readonly #flash: PagedFlash;
  readonly #plan: StorePlan;
  readonly #chains: readonly Chain[];
  #current: StateRecord;
  #sequence: bigint;

  private constructor(
    flash: PagedFlash,
    plan: StorePlan,
    chains: readonly Chain[],
    winner: JournalPage,
  ) {
    this.#flash = flash;
    this.#plan = plan;
    this.#chains = chains;
    this.#current = winner.record;
    this.#sequence = winner.sequence;
  }

  /**
   * Finds the newest record: the first page of each journal block, then a binary search for the
   * end of the newest block of each chain.
   * @throws {FormatError} store/not-formatted when there is none
   */
  static mount(flash: PagedFlash, plan: StorePlan): Journal {
    const heads: BlockHead[] = [];
    for (let block = 0; block < plan.limits.journalBlocks; block++) {
      const page = readRecord(flash, plan, block * plan.pagesPerBlock);
      if (page !== null) heads.push({ block, page });
    }
    const chains = CHAINS.map((id) => findChainEnd(flash, plan, id, heads));
    const [a, b] = chains.map((chain) => chain.newest);
    const winner = newer(a ?? null, b ?? null);
    if (winner === null) {
      throw new FormatError(
        "store/not-formatted",
        `no valid record in the first ${plan.limits.journalBlocks} blocks`,
      );
    }
    return new Journal(flash, plan, chains, winner);
  }

  /** Erases the journal blocks and writes the first record. Everything stored before is lost. */
  static format(flash: PagedFlash, plan: StorePlan, first: StateRecord): Journal {
    const bad = new Set(first.badBlocks);
    const failed: number[] = [];
    for (let block = 0; block < plan.limits.journalBlocks; block++) {
      if (!bad.has(block) && flash.eraseBlock(block) === "failed") failed.push(block);
    }
    const record = { ...first, badBlocks: [...first.badBlocks, ...failed].toSorted(ascending) };
    const chains = CHAINS.map((id) => ({
      id,
      heads: [],
      newest: null,
      usedPages: 0,
      isOpen: false,
    }));
    const journal = new Journal(flash, plan, chains, {
      chain: 0,
      sequence: 0n,
      isCopy: false,
      record,
    });
    journal.#openBoth(false);
    return journal;
  }

  get current(): StateRecord {
    return this.#current;
  }

  /** True when both chains end in the same record: it was acknowledged, or is as good as that. */
  get isSettled(): boolean {
    const [a, b] = this.#chains;
    return a?.newest != null && b?.newest != null && a.newest.sequence === b.newest.sequence;
  }

  /** True once the current record has been written and read back in this session. */
  get isProven(): boolean {
    return this.#chains.every((chain) => chain.isOpen);
  }

  /** Makes the record found at mount a proven one. */
  settle(): void {
    if (!this.isProven) this.#openBoth(true);
  }

  /**
   * Writes a record to both chains and reads it back; when this returns, it is the state.
   * @throws {TransportError} store/journal-full when no good block is left for a chain
   */
  append(next: StateRecord): void {
    const isFull = this.#chains.some((chain) => chain.usedPages === this.#plan.pagesPerBlock);
    if (!this.isProven || isFull) this.#openBoth(true);
    // Opening may have retired blocks that the caller's record cannot know of.
    const record = withBadBlocks(next, this.#current.badBlocks);
    this.#sequence += 1n;
    const retired: number[] = [];
    for (const chain of this.#chains) this.#appendTo(chain, record, retired);
    this.#current = record;
    if (retired.length > 0) this.append(withBadBlocks(record, retired));
  }

  #openBoth(isCopy: boolean): void {
    this.#sequence += 1n;
    const retired: number[] = [];
    for (const chain of this.#chains) this.#openFresh(chain, this.#current, isCopy, retired);
    if (retired.length > 0) this.append(withBadBlocks(this.#current, retired));
  }

  #appendTo(chain: Chain, record: StateRecord, retired: number[]): void {
    const head = chain.heads[0];
    const page = { chain: chain.id, sequence: this.#sequence, isCopy: false, record };
    if (head !== undefined && this.#writePage(head.block, chain.usedPages, page)) {
      chain.usedPages += 1;
      chain.newest = page;
      return;
    }
    // The block has failed; its chain goes on in a fresh one. Its first page proves nothing, as a
    // copy does not, so the failed block's proven records are still needed at the next mount.
    if (head !== undefined) retired.push(head.block);
    this.#openFresh(chain, record, true, retired);
  }

  /** Erases a block that nothing needs and begins the chain anew in it. */
  #openFresh(chain: Chain, record: StateRecord, isCopy: boolean, retired: number[]): void {
    const page = { chain: chain.id, sequence: this.#sequence, isCopy, record };
    for (;;) {
      const block = this.#pickBlock(chain, retired);
      for (const any of this.#chains) any.heads = any.heads.filter((head) => head.block !== block);
      if (this.#flash.eraseBlock(block) === "ok" && this.#writePage(block, 0, page)) {
        chain.heads = [{ block, page }, ...chain.heads];
        chain.newest = page;
        chain.usedPages = 1;
        chain.isOpen = true;
        return;
      }
      retired.push(block);
    }
  }

  /**
   * Oldest block of the chain that is not needed, or an unused one while the chain is short. When
   * blocks run out, a chain goes on with the one that it can spare, or with one of the other's.
   */
  #pickBlock(chain: Chain, retired: readonly number[]): number {
    const bad = new Set([...this.#current.badBlocks, ...retired]);
    const spare = (of: Chain, atLeast: number): number | null => {
      const own = of.heads.filter((head) => !bad.has(head.block));
      const needed = this.#neededBlocks(of);
      const oldest = own.findLast((head) => !needed.has(head.block));
      return own.length < atLeast ? null : (oldest?.block ?? null);
    };
    const oldest = spare(chain, BLOCKS_PER_CHAIN);
    if (oldest !== null) return oldest;
    const owned = new Set(this.#chains.flatMap((other) => other.heads.map((head) => head.block)));
    for (let block = 0; block < this.#plan.limits.journalBlocks; block++) {
      if (!bad.has(block) && !owned.has(block)) return block;
    }
    const other = this.#chains.find((candidate) => candidate !== chain);
    const last =
      spare(chain, 1) ??
      (other === undefined ? null : (spare(other, 3) ?? this.#repeatedHead(chain, other, bad)));
    if (last !== null) return last;
    throw new TransportError(
      "store/journal-full",
      `no good block left for journal chain ${chain.id} in the first ${this.#plan.limits.journalBlocks}`,
    );
  }

  /**
   * The newest block of a chain when a session that was cut has left nothing in it but a copy of
   * what the other chain holds as well.
   */
  #repeatedHead(chain: Chain, other: Chain, bad: ReadonlySet<number>): number | null {
    const [head, before] = chain.heads;
    if (head === undefined || before === undefined || chain.isOpen || bad.has(head.block)) {
      return null;
    }
    const isElsewhere = other.newest !== null && other.newest.sequence >= head.page.sequence;
    const isCopyOnly = head.page.isCopy && this.#isBlankPage(head.block, 1);
    return isCopyOnly && isElsewhere ? head.block : null;
  }

  /**
   * Blocks that must survive: where the newest record stands, and the newest block that holds a
   * proven one. A block with nothing but a copy on its first page proves nothing: the session
   * that wrote it may have been cut in the act, so such blocks may be erased again.
   */
  #neededBlocks(chain: Chain): Set<number> {
    const needed = new Set<number>();
    for (const [index, head] of chain.heads.entries()) {
      if (index === 0) needed.add(head.block);
      const isCopyOnly = head.page.isCopy && this.#isBlankPage(head.block, 1);
      if (!isCopyOnly || (index === 0 && chain.isOpen)) {
        needed.add(head.block);
        break;
      }
    }
    return needed;
  }

  #isBlankPage(block: number, pageInBlock: number): boolean {
    const read = this.#flash.readPage(block * this.#plan.pagesPerBlock + pageInBlock);
    return read.status === "ok" && isErased(read.data);
  }

  /** Programs one page and reads it back. */
  #writePage(block: number, pageInBlock: number, page: JournalPage): boolean {
    const bytes = new Uint8Array(this.#plan.pageBytes).fill(0xff);
    bytes.set(encodeRecord(page, this.#plan.limits));
    const address = block * this.#plan.pagesPerBlock + pageInBlock;
    if (this.#flash.programPage(address, bytes) === "failed") return false;
    const read = this.#flash.readPage(address);
    return read.status !== "uncorrectable" && bytesEqual(read.data, bytes);
  }
}

function findChainEnd(
  flash: PagedFlash,
  plan: StorePlan,
  id: number,
  all: readonly BlockHead[],
): Chain {
  const heads = all
    .filter((head) => head.page.chain === id)
    .toSorted((a, b) => (a.page.sequence < b.page.sequence ? 1 : -1));
  const newestBlock = heads[0];
  if (newestBlock === undefined) return { id, heads, newest: null, usedPages: 0, isOpen: false };
  const first = newestBlock.block * plan.pagesPerBlock;
  const usedPages = countUsedPages(flash, first, plan.pagesPerBlock);
  // The last page may be torn; the ones before it were read back when they were written.
  for (let page = usedPages - 1; page > 0; page--) {
    const found = readRecord(flash, plan, first + page);
    if (found !== null && found.chain === id) {
      return { id, heads, newest: found, usedPages, isOpen: false };
    }
  }
  return { id, heads, newest: newestBlock.page, usedPages, isOpen: false };
}

/** Pages are used in ascending order, so the first blank one is found by halving. */
function countUsedPages(flash: PagedFlash, firstPage: number, pagesPerBlock: number): number {
  let used = 1;
  let blank = pagesPerBlock;
  while (used < blank) {
    const middle = Math.floor((used + blank) / 2);
    const read = flash.readPage(firstPage + middle);
    if (read.status === "ok" && isErased(read.data)) blank = middle;
    else used = middle + 1;
  }
  return used;
}

function readRecord(flash: PagedFlash, plan: StorePlan, page: number): JournalPage | null {
  const read = flash.readPage(page);
  return read.status === "uncorrectable" ? null : decodeRecord(read.data, plan.limits);
}

function newer(a: JournalPage | null, b: JournalPage | null): JournalPage | null {
  if (a === null || b === null) return a ?? b;
  return a.sequence >= b.sequence ? a : b;
}

function withBadBlocks(record: StateRecord, retired: readonly number[]): StateRecord {
  return {
    ...record,
    badBlocks: [...new Set([...record.badBlocks, ...retired])].toSorted(ascending),
  };
}

function ascending(a: number, b: number): number {
  return a - b;
}
