// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from "@tandem/base";
import type { PagedFlash } from "@tandem/flash";

import type { StateRecord } from "../state-record.js";
import { planStore } from "../store-plan.js";
import type { StoreLimits, StorePlan } from "../store-plan.js";
import { BlockScanner } from "./block-scanner.js";
import { inspectBanks } from "./inspect-banks.js";
import { inspectJournal } from "./inspect-journal.js";
import type {
  BlockOwner,
  BlockState,
  InspectedBadBlock,
  InspectedBank,
  InspectedJournal,
  InspectedUse,
  StoreInspection,
} from "./inspection.js";

/** Owners that are named of one block: two are one too many, the rest adds nothing. */
const MAX_OWNERS = 4;

/** What a chip is read with. */
export interface InspectOptions {
  /** Default: `DEFAULT_LIMITS`. They are part of the format: those of the store that wrote it. */
  readonly limits?: StoreLimits;
  /** For the digests of the images; without it they are not checked. */
  readonly crypto?: Crypto;
}

/**
 * Reads everything that a chip or a dump shows of its store. Writes nothing, and believes nothing:
 * bytes of any kind give an inspection, within time and memory that the size of the chip bounds.
 * @throws {UsageError} store/plan when limits and geometry do not fit each other
 */
export function inspectStore(flash: PagedFlash, options: InspectOptions = {}): StoreInspection {
  const plan = planStore(flash.geometry, options.limits);
  const { journal, record } = inspectJournal(flash, plan);
  const scanner = new BlockScanner(flash, plan);
  const context = { flash, plan, scanner, crypto: options.crypto ?? null };
  const banks = record === null ? [] : inspectBanks(context, record);
  const marked = markedBlocks(flash, plan);
  const recorded = new Set(record?.badBlocks);
  const blocks = usesOf({ plan, scanner, journal, banks, marked, recorded });
  return {
    geometry: {
      pageBytes: plan.pageBytes,
      pagesPerBlock: plan.pagesPerBlock,
      blockCount: plan.blockCount,
    },
    limits: plan.limits,
    journal,
    record,
    banks,
    badBlocks: badBlocksOf(record, marked, recorded),
    blocks,
    freeBlocks: blocks.filter(
      ({ use, isMarked, isRecordedBad }) => use === "free" && !isMarked && !isRecordedBad,
    ).length,
  };
}

function markedBlocks(flash: PagedFlash, plan: StorePlan): ReadonlySet<number> {
  const marked = new Set<number>();
  for (let block = 0; block < plan.blockCount; block++) {
    if (flash.isMarkedBad(block)) marked.add(block);
  }
  return marked;
}

function badBlocksOf(
  record: StateRecord | null,
  marked: ReadonlySet<number>,
  recorded: ReadonlySet<number>,
): InspectedBadBlock[] {
  return [...new Set([...marked, ...(record?.badBlocks ?? [])])]
    .toSorted((a, b) => a - b)
    .map((block) => ({ block, isMarked: marked.has(block), isRecorded: recorded.has(block) }));
}

interface UseContext {
  readonly plan: StorePlan;
  readonly scanner: BlockScanner;
  readonly journal: InspectedJournal;
  readonly banks: readonly InspectedBank[];
  readonly marked: ReadonlySet<number>;
  readonly recorded: ReadonlySet<number>;
}

function usesOf(context: UseContext): InspectedUse[] {
  const { plan, journal, marked, recorded } = context;
  const owned = ownersOf(context.banks);
  const newest = new Set(journal.chains.map((chain) => chain.newest?.block));
  return Array.from({ length: plan.blockCount }, (_, block) => {
    const common = {
      block,
      isMarked: marked.has(block),
      isRecordedBad: recorded.has(block),
      chain: journal.blocks[block]?.chain ?? null,
      isNewest: newest.has(block),
    };
    const owner = owned.get(block);
    const isJournal = block < plan.limits.journalBlocks;
    if (owner !== undefined && !isJournal) {
      return { ...common, use: "data", ...owner, leftover: "none" };
    }
    return {
      ...common,
      use: isJournal ? "journal" : "free",
      owners: owner?.owners ?? [],
      state: null,
      leftover: isJournal ? "none" : context.scanner.leftover(block),
    };
  });
}

interface Owned {
  readonly owners: BlockOwner[];
  readonly state: BlockState;
}

function ownersOf(banks: readonly InspectedBank[]): Map<number, Owned> {
  const owned = new Map<number, Owned>();
  for (const { bank, images } of banks) {
    for (const { image, copies } of images) {
      for (const [copy, blocks] of copies.entries()) {
        for (const { block, logicalBlock, state } of blocks) {
          const known = owned.get(block) ?? { owners: [], state };
          if (known.owners.length < MAX_OWNERS) {
            known.owners.push({ bank, image, copy, logicalBlock });
          }
          owned.set(block, known);
        }
      }
    }
  }
  return owned;
}
