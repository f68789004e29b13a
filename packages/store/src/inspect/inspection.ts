// SPDX-License-Identifier: Apache-2.0
import type { BlockIdentity } from "../data-block.js";
import type { SetStateName } from "../set-state.js";
import type { RecordedReason, StateRecord } from "../state-record.js";
import type { StoreLimits } from "../store-plan.js";

/**
 * Everything that reading a chip shows of its store. Plain data, and never more of it than a small
 * multiple of the chip's pages, whatever the chip holds.
 */
export interface StoreInspection {
  readonly geometry: {
    readonly pageBytes: number;
    readonly pagesPerBlock: number;
    readonly blockCount: number;
  };
  readonly limits: StoreLimits;
  readonly journal: InspectedJournal;
  /** The state; null when mount finds no record. */
  readonly record: StateRecord | null;
  readonly banks: readonly InspectedBank[];
  readonly badBlocks: readonly InspectedBadBlock[];
  /** By physical block. */
  readonly blocks: readonly InspectedUse[];
  readonly freeBlocks: number;
}

export interface InspectedJournal {
  /** The record that mount takes. */
  readonly winner: JournalPlace | null;
  /** True when both chains end in the winner. */
  readonly isSettled: boolean;
  readonly chains: readonly [InspectedChain, InspectedChain];
  readonly blocks: readonly InspectedJournalBlock[];
  /** Every record found anywhere in the journal blocks, ascending by sequence. */
  readonly history: readonly HistoryEntry[];
}

/** Where a record stands. */
export interface JournalPlace {
  readonly chain: number;
  readonly block: number;
  readonly pageInBlock: number;
  readonly sequence: bigint;
}

/** One chain, as mount sees it. */
export interface InspectedChain {
  readonly chain: number;
  /** Blocks that begin with a record of this chain, newest first. */
  readonly blocks: readonly number[];
  readonly newest: JournalPlace | null;
  /** Used pages of the newest block. */
  readonly usedPages: number;
}

export interface InspectedJournalBlock {
  readonly block: number;
  /** Chain of the record on the first page; null when there is none. */
  readonly chain: number | null;
  readonly records: number;
  readonly blankPages: number;
  /** Pages that can be read, are not blank and hold no record: torn, or something else. */
  readonly tornPages: readonly number[];
  readonly unreadablePages: readonly number[];
  readonly correctedPages: readonly number[];
}

/** One sequence number of the journal. */
export interface HistoryEntry {
  readonly sequence: bigint;
  readonly isCopy: boolean;
  readonly state: SetStateName;
  readonly attempts: number;
  readonly trials: number;
  readonly acceptedBank: number | null;
  readonly previousBank: number | null;
  readonly candidateBank: number | null;
  readonly targetBank: number | null;
  readonly isLimp: boolean;
  readonly reason: RecordedReason | null;
  readonly badBlocks: number;
  readonly places: readonly JournalPlace[];
  /** False when the places hold different records under one sequence. */
  readonly isConsistent: boolean;
}

export interface InspectedBank {
  readonly bank: number;
  readonly roles: readonly BankRole[];
  /** True when the state relies on every byte of it. */
  readonly mustBeComplete: boolean;
  readonly securityCounter: number;
  readonly images: readonly InspectedImage[];
}

export type BankRole = "accepted" | "previous" | "candidate" | "target";

export interface InspectedImage {
  readonly image: number;
  readonly sizeBytes: number;
  readonly version: Uint8Array;
  readonly fileDigest: Uint8Array;
  readonly imageHash: Uint8Array;
  /** Blocks that one copy takes. */
  readonly neededBlocks: number;
  /** Mapped blocks of each copy, in logical order. */
  readonly copies: readonly [readonly InspectedBlock[], readonly InspectedBlock[]];
  /** Bytes of whole blocks from the start that are complete in both copies. */
  readonly receivedBytes: number;
  /** Bytes that neither copy holds. */
  readonly lost: readonly { readonly offsetBytes: number; readonly lengthBytes: number }[];
  /** Pages that one copy alone holds. */
  readonly singleCopyPages: number;
  /** Logical blocks whose copies are both closed, but over different data. */
  readonly differingBlocks: readonly number[];
  /** SHA-256 of what can be read against the recorded one. */
  readonly digest: "match" | "mismatch" | "lost" | "not-checked";
}

/**
 * - `complete`: closed by its summary, and every page has its CRC
 * - `damaged`: closed, but pages are lost
 * - `open`: header and pages, no summary yet
 * - `header-only`: erased and claimed, nothing written
 * - `blank`: erased
 * - `stale`: what it holds was written for another place or an earlier allocation
 * - `torn`: no header, no summary, and not blank
 * - `unreadable`: neither header nor summary can be read
 * - `outside`: the map points into the journal or behind the chip
 */
export type BlockState =
  | "complete"
  | "damaged"
  | "open"
  | "header-only"
  | "blank"
  | "stale"
  | "torn"
  | "unreadable"
  | "outside";

/** One block of one copy. Page numbers are those in the block. */
export interface InspectedBlock {
  readonly logicalBlock: number;
  readonly block: number;
  /** Sequence in the map. */
  readonly sequence: number;
  readonly state: BlockState;
  readonly goodPages: number;
  readonly dataPages: number;
  readonly crcErrorPages: readonly number[];
  readonly unreadablePages: readonly number[];
  readonly correctedPages: readonly number[];
  /** What the block says it holds. */
  readonly found: BlockIdentity | null;
}

export interface InspectedBadBlock {
  readonly block: number;
  /** Carries a mark on the chip. */
  readonly isMarked: boolean;
  /** Stands in the record. */
  readonly isRecorded: boolean;
}

/** Place in a bank. */
export interface BlockOwner {
  readonly bank: number;
  readonly image: number;
  readonly copy: number;
  readonly logicalBlock: number;
}

/** What one physical block is used for. */
export interface InspectedUse {
  readonly block: number;
  readonly use: "journal" | "data" | "free";
  readonly isMarked: boolean;
  readonly isRecordedBad: boolean;
  /** Journal blocks: chain and whether it is the one in use. */
  readonly chain: number | null;
  readonly isNewest: boolean;
  /** Data blocks: the first owners that the map names. */
  readonly owners: readonly BlockOwner[];
  readonly state: BlockState | null;
  /** Free blocks: what their first page still says. */
  readonly leftover: "none" | "data" | "other";
}
