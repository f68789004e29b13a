// SPDX-License-Identifier: Apache-2.0
import { SetState, stateName } from "../set-state.js";
import type { StateRecord } from "../state-record.js";
import type {
  InspectedBank,
  InspectedBlock,
  InspectedImage,
  InspectedJournal,
  InspectedUse,
  StoreInspection,
} from "./inspection.js";

/** `error`: something that the device relies on is lost or wrong. */
export type FindingSeverity = "error" | "warning" | "info";

export type StoreFindingCode =
  | "not-formatted"
  | "chain-lost"
  | "journal-unsettled"
  | "journal-conflict"
  | "journal-unseen"
  | "journal-unreadable"
  | "journal-torn"
  | "state-bank"
  | "map-outside"
  | "map-short"
  | "map-sequence"
  | "block-shared"
  | "bad-block-used"
  | "bad-block-list"
  | "bad-blocks-full"
  | "mark-not-recorded"
  | "image-lost"
  | "image-incomplete"
  | "image-digest"
  | "copies-differ"
  | "single-copy"
  | "block-incomplete"
  | "corrected";

/** One thing that is not as it should be, and where. */
export interface StoreFinding {
  readonly code: StoreFindingCode;
  readonly severity: FindingSeverity;
  readonly message: string;
  readonly place: {
    readonly bank?: number;
    readonly image?: number;
    readonly copy?: number;
    readonly chain?: number;
    /** Physical blocks, at most 16 of them. */
    readonly blocks?: readonly number[];
  };
}

/** Blocks that a finding names. */
const MAX_NAMED = 16;

/** Everything that is wrong with a store, worst first. */
export function checkStore(inspection: StoreInspection): readonly StoreFinding[] {
  const { record } = inspection;
  const findings = [
    ...checkJournal(inspection),
    ...(record === null
      ? []
      : [
          ...checkState(record),
          ...checkBadBlocks(inspection, record),
          ...checkOwners(inspection.blocks),
          ...inspection.banks.flatMap((bank) => checkBank(bank, record)),
        ]),
  ];
  const order: readonly FindingSeverity[] = ["error", "warning", "info"];
  return order.flatMap((severity) => findings.filter((found) => found.severity === severity));
}

function checkJournal({ journal, limits, badBlocks }: StoreInspection): StoreFinding[] {
  if (journal.winner === null) {
    const message = `no valid record in the first ${limits.journalBlocks} blocks`;
    return [finding("not-formatted", "error", message)];
  }
  return [
    ...checkChains(journal),
    ...checkHistory(journal, journal.winner.sequence),
    ...checkJournalPages(journal, new Set(badBlocks.map((bad) => bad.block))),
  ];
}

function checkChains({ chains, isSettled }: InspectedJournal): StoreFinding[] {
  const lost = chains.filter((chain) => chain.newest === null);
  if (lost.length > 0) {
    return lost.map(({ chain }) => {
      const message = `journal chain ${chain} has no record: the other one alone holds the state`;
      return finding("chain-lost", "warning", message, { chain });
    });
  }
  if (isSettled) return [];
  const ends = chains.map((chain) => `${chain.chain} in ${chain.newest?.sequence ?? "none"}`);
  const message = `the chains end in different records (${ends.join(", ")}): a write was cut`;
  return [finding("journal-unsettled", "warning", message)];
}

function checkHistory({ history }: InspectedJournal, winner: bigint): StoreFinding[] {
  const findings: StoreFinding[] = [];
  for (const { sequence, isConsistent, places } of history) {
    if (isConsistent) continue;
    const severity = sequence === winner ? "error" : "warning";
    const message = `different records carry sequence ${sequence}`;
    const blocks = named(places.map((place) => place.block));
    findings.push(finding("journal-conflict", severity, message, { blocks }));
  }
  const unseen = history.filter((entry) => entry.sequence > winner);
  if (unseen.length > 0) {
    const message = `records newer than ${winner} where mount does not look: ${unseen.length}`;
    const blocks = named(unseen.flatMap((entry) => entry.places.map((place) => place.block)));
    findings.push(finding("journal-unseen", "warning", message, { blocks }));
  }
  return findings;
}

function checkJournalPages(journal: InspectedJournal, bad: ReadonlySet<number>): StoreFinding[] {
  const findings: StoreFinding[] = [];
  // What bad blocks hold, marks and failed programs, is nobody's concern.
  const blocks = journal.blocks.filter((block) => !bad.has(block.block));
  const unreadable = blocks.filter((block) => block.unreadablePages.length > 0);
  if (unreadable.length > 0) {
    const pages = unreadable.reduce((sum, block) => sum + block.unreadablePages.length, 0);
    const message = `journal pages that cannot be read: ${pages}`;
    const place = { blocks: named(unreadable.map((block) => block.block)) };
    findings.push(finding("journal-unreadable", "warning", message, place));
  }
  const torn = blocks.filter((block) => block.tornPages.length > 0);
  if (torn.length > 0) {
    const pages = torn.reduce((sum, block) => sum + block.tornPages.length, 0);
    const message = `journal pages that hold no whole record: ${pages}`;
    const place = { blocks: named(torn.map((block) => block.block)) };
    findings.push(finding("journal-torn", "info", message, place));
  }
  return findings;
}

/** States that name a bank must find a release in it. */
function checkState(record: StateRecord): StoreFinding[] {
  const needed: readonly (readonly [string, number | null, readonly SetState[] | null])[] = [
    ["accepted", record.acceptedBank, null],
    ["previous", record.previousBank, null],
    ["candidate", record.candidateBank, CANDIDATE_STATES],
    ["target", record.targetBank, [SetState.INSTALLING]],
  ];
  return needed.flatMap(([role, bank, states]) => {
    if (bank === null) {
      if (states?.includes(record.state) !== true) return [];
      return finding("state-bank", "error", `state ${stateName(record.state)} without a ${role}`);
    }
    const held = record.banks[bank];
    if (held !== undefined && held.images.length > 0) return [];
    const why = held === undefined ? "does not exist" : "holds nothing";
    return finding("state-bank", "error", `${role} bank ${bank} ${why}`, { bank });
  });
}

const CANDIDATE_STATES: readonly SetState[] = [
  SetState.WRITING,
  SetState.CANDIDATE,
  SetState.STAGED,
  SetState.TRIAL,
];

function checkBadBlocks(
  { badBlocks, blocks, geometry, limits }: StoreInspection,
  record: StateRecord,
): StoreFinding[] {
  const findings: StoreFinding[] = [];
  const used = blocks.filter(
    (block) => block.use === "data" && (block.isMarked || block.isRecordedBad),
  );
  if (used.length > 0) {
    const message = `bad blocks that a bank uses: ${used.length}`;
    const place = { blocks: named(used.map((block) => block.block)) };
    findings.push(finding("bad-block-used", "error", message, place));
  }
  const forgotten = badBlocks.filter((bad) => bad.isMarked && !bad.isRecorded);
  if (forgotten.length > 0) {
    const message = `marked blocks that the record does not list: ${forgotten.length}`;
    const place = { blocks: named(forgotten.map((bad) => bad.block)) };
    findings.push(finding("mark-not-recorded", "warning", message, place));
  }
  const { badBlocks: list } = record;
  if (list.some((block) => block >= geometry.blockCount) || new Set(list).size < list.length) {
    const message = "the list of bad blocks has blocks twice, or behind the end of the chip";
    findings.push(finding("bad-block-list", "error", message));
  }
  if (list.length >= limits.badBlocks) {
    const message = `the list of bad blocks is full: ${list.length}`;
    findings.push(finding("bad-blocks-full", "warning", message));
  }
  return findings;
}

function checkOwners(blocks: readonly InspectedUse[]): StoreFinding[] {
  const shared = blocks.filter((block) => block.owners.length > 1).map((block) => block.block);
  if (shared.length === 0) return [];
  const message = `blocks that belong to more than one place: ${shared.length}`;
  return [finding("block-shared", "error", message, { blocks: named(shared) })];
}

function checkBank(bank: InspectedBank, record: StateRecord): StoreFinding[] {
  return bank.images.flatMap((image) => [
    ...checkMap(bank, image, record),
    ...checkContents(bank, image),
    ...image.copies.flatMap((blocks, copy) => checkCopy(bank, image, copy, blocks)),
  ]);
}

function checkMap(
  { bank }: InspectedBank,
  { image, copies, neededBlocks }: InspectedImage,
  record: StateRecord,
): StoreFinding[] {
  return copies.flatMap((blocks, copy) => {
    const place = { bank, image, copy };
    const findings: StoreFinding[] = [];
    const outside = blocks.filter((block) => block.state === "outside");
    if (outside.length > 0) {
      const message = `${name(bank, image, copy)}: blocks outside the data area: ${outside.length}`;
      findings.push(finding("map-outside", "error", message, { ...place, ...blocksOf(outside) }));
    }
    if (blocks.length < neededBlocks) {
      const message = `${name(bank, image, copy)}: the map has ${blocks.length} blocks, the image needs ${neededBlocks}`;
      findings.push(finding("map-short", "error", message, place));
    }
    // Sequences go round at 2^32: the next one is ahead of all that were given, never behind.
    const early = blocks.filter(
      (block) => (record.nextAllocation - block.sequence - 1) >>> 0 >= 0x8000_0000,
    );
    if (early.length > 0) {
      const message = `${name(bank, image, copy)}: sequences that were not given yet: ${early.length}`;
      findings.push(finding("map-sequence", "error", message, { ...place, ...blocksOf(early) }));
    }
    return findings;
  });
}

function checkContents(bank: InspectedBank, image: InspectedImage): StoreFinding[] {
  const place = { bank: bank.bank, image: image.image };
  const what = name(bank.bank, image.image);
  const findings: StoreFinding[] = [];
  const [firstLost] = image.lost;
  if (firstLost !== undefined) {
    const bytes = image.lost.reduce((sum, range) => sum + range.lengthBytes, 0);
    const { offsetBytes: from, lengthBytes } = firstLost;
    const range = `first 0x${from.toString(16)} to 0x${(from + lengthBytes).toString(16)}`;
    findings.push(
      bank.mustBeComplete
        ? finding(
            "image-lost",
            "error",
            `${what}: ${bytes} bytes are in neither copy, ${range}`,
            place,
          )
        : finding(
            "image-incomplete",
            "info",
            `${what}: ${image.receivedBytes} of ${image.sizeBytes} bytes received`,
            place,
          ),
    );
  }
  if (image.digest === "mismatch") {
    const severity = bank.mustBeComplete ? "error" : "warning";
    const message = `${what}: the SHA-256 is not the recorded one`;
    findings.push(finding("image-digest", severity, message, place));
  }
  if (image.differingBlocks.length > 0) {
    const message = `${what}: logical blocks whose copies differ: ${named(image.differingBlocks).join(", ")}`;
    findings.push(finding("copies-differ", "error", message, place));
  }
  if (image.singleCopyPages > 0) {
    const message = `${what}: pages that one copy alone holds: ${image.singleCopyPages}`;
    findings.push(finding("single-copy", "warning", message, place));
  }
  return findings;
}

function checkCopy(
  { bank, mustBeComplete }: InspectedBank,
  { image }: InspectedImage,
  copy: number,
  blocks: readonly InspectedBlock[],
): StoreFinding[] {
  const findings: StoreFinding[] = [];
  const bad = blocks.filter((block) => block.state !== "complete" && block.state !== "outside");
  if (bad.length > 0 && mustBeComplete) {
    const states = [...new Set(bad.map((block) => block.state))].join(", ");
    const message = `${name(bank, image, copy)}: blocks that are not complete: ${bad.length} (${states})`;
    const place = { bank, image, copy, ...blocksOf(bad) };
    findings.push(finding("block-incomplete", "warning", message, place));
  }
  const weak = blocks.filter((block) => block.correctedPages.length > 0);
  if (weak.length > 0) {
    const pages = weak.reduce((sum, block) => sum + block.correctedPages.length, 0);
    const message = `${name(bank, image, copy)}: pages that needed correction: ${pages}`;
    findings.push(finding("corrected", "info", message, { bank, image, copy, ...blocksOf(weak) }));
  }
  return findings;
}

function finding(
  code: StoreFindingCode,
  severity: FindingSeverity,
  message: string,
  place: StoreFinding["place"] = {},
): StoreFinding {
  return { code, severity, message, place };
}

function name(bank: number, image: number, copy?: number): string {
  return `bank ${bank}, image ${image}${copy === undefined ? "" : `, copy ${copy}`}`;
}

function named(blocks: readonly number[]): number[] {
  return [...new Set(blocks)].slice(0, MAX_NAMED);
}

function blocksOf(blocks: readonly InspectedBlock[]): { readonly blocks: readonly number[] } {
  return { blocks: named(blocks.map((block) => block.block)) };
}
