// SPDX-License-Identifier: Apache-2.0
import { IMAGE_VERSION_LAYOUT, formatVersion } from "@tandem/image";
import { STATE_MEANINGS, stateName } from "@tandem/store";
import type {
  HistoryEntry,
  InspectedBank,
  InspectedBlock,
  InspectedImage,
  InspectedJournal,
  RecordedReason,
  StateRecord,
  StoreFinding,
  StoreInspection,
} from "@tandem/store";
import { describeReason } from "@tandem/update";

/** Bad blocks and states that one line names before it only counts. */
const MAX_NAMED = 24;

/**
 * A dump explained: state, what failed, banks, journal, history, bad blocks, findings.
 * @param historyLines newest records to show
 */
export function describeStore(
  file: string,
  inspection: StoreInspection,
  findings: readonly StoreFinding[],
  historyLines: number,
): string[] {
  const { record, journal, banks, freeBlocks } = inspection;
  return [
    ...(record === null ? [`${file}: no store`] : stateLines(file, record, journal)),
    ...(banks.some((bank) => bank.images.length > 0) ? ["", "banks"] : []),
    ...banks.filter((bank) => bank.images.length > 0).flatMap(bankLines),
    "",
    "journal",
    ...journalLines(journal, new Set(inspection.badBlocks.map((bad) => bad.block))),
    ...historyOf(journal.history, historyLines),
    "",
    "blocks",
    `  free         ${freeBlocks} of ${inspection.geometry.blockCount - inspection.limits.journalBlocks}`,
    ...badBlockLines(inspection),
    "",
    "findings",
    ...describeFindings(findings),
  ];
}

/** One line for each finding. */
export function describeFindings(findings: readonly StoreFinding[]): string[] {
  if (findings.length === 0) return ["  none"];
  return findings.map(({ code, severity, message, place }) => {
    const blocks = place.blocks === undefined ? "" : ` (block ${place.blocks.join(", ")})`;
    return `  ${severity.padEnd(8)} ${message}${blocks} [${code}]`;
  });
}

/** A reason in one line. */
function reasonText(recorded: RecordedReason): string {
  const { step, image, code, message } = describeReason(recorded);
  return `${step}: ${image === null ? "the set" : `image ${image}`}: ${message} [${code}]`;
}

function stateLines(file: string, record: StateRecord, journal: InspectedJournal): string[] {
  const state = stateName(record.state);
  const chains = journal.isSettled ? "both journal chains" : "one journal chain only";
  const roles: readonly (readonly [string, number | null])[] = [
    ["accepted", record.acceptedBank],
    ["previous", record.previousBank],
    ["candidate", record.candidateBank],
    ["target", record.targetBank],
  ];
  return [
    `${file}: ${state}, record ${journal.winner?.sequence ?? 0} in ${chains}`,
    `  ${state}: ${STATE_MEANINGS[state]}`,
    ...roles.map(([role, bank]) => `  ${role.padEnd(12)} ${bankText(record, bank)}`),
    ...(record.isLimp ? ["  stopgap      the accepted release was started untested"] : []),
    ...(record.state === 8 ? [`  attempts     ${record.attempts} begun`] : []),
    ...(record.trials > 0 ? [`  trials       ${record.trials} boots left`] : []),
    `  last update  ${record.reason === null ? "no reason recorded" : reasonText(record.reason)}`,
  ];
}

function bankText(record: StateRecord, bank: number | null): string {
  if (bank === null) return "none";
  const [app] = record.banks[bank]?.images ?? [];
  return `bank ${bank}, ${app === undefined ? "which is empty" : `release ${versionText(app.version)}`}`;
}

function versionText(version: Uint8Array): string {
  return formatVersion(IMAGE_VERSION_LAYOUT.parse(version));
}

function bankLines({ bank, roles, securityCounter, images }: InspectedBank): string[] {
  const role = roles.length === 0 ? "not in use" : roles.join(", ");
  return [
    `  bank ${bank}: ${role}; security counter ${securityCounter}`,
    ...images.flatMap(imageLines),
  ];
}

function imageLines(image: InspectedImage): string[] {
  const { copies, neededBlocks } = image;
  const lines = [
    `    image ${image.image}: version ${versionText(image.version)}, ${image.sizeBytes} bytes, ${neededBlocks} blocks a copy; ${verdict(image)}`,
    ...copies.map((blocks, copy) => `      copy ${copy}: ${copyText(blocks)}`),
  ];
  const [lost] = image.lost;
  if (lost !== undefined && image.receivedBytes === image.sizeBytes) {
    lines.push(
      `      lost in both copies: ${image.lost.length} ranges from byte ${lost.offsetBytes}`,
    );
  }
  return lines;
}

function verdict({ digest, receivedBytes, sizeBytes, lost }: InspectedImage): string {
  switch (digest) {
    case "match":
      return "whole, digest as recorded";
    case "mismatch":
      return "readable, but its digest is not the recorded one";
    case "not-checked":
      return "whole, digest not checked";
    case "lost": {
      const missing = lost.reduce((sum, range) => sum + range.lengthBytes, 0);
      return receivedBytes < sizeBytes
        ? `${receivedBytes} bytes received, ${missing} missing`
        : `${missing} bytes lost`;
    }
    default:
      return digest satisfies never;
  }
}

function copyText(blocks: readonly InspectedBlock[]): string {
  const count = new Map<string, number>();
  for (const { state } of blocks) count.set(state, (count.get(state) ?? 0) + 1);
  const states = [...count].map(([state, times]) => `${times} ${state}`).join(", ");
  const sum = (name: "crcErrorPages" | "unreadablePages" | "correctedPages"): number =>
    blocks.reduce((total, block) => total + block[name].length, 0);
  const troubles = [
    [sum("unreadablePages"), "unreadable"],
    [sum("crcErrorPages"), "with a wrong CRC"],
    [sum("correctedPages"), "corrected"],
  ].filter(([pages]) => pages !== 0);
  const pages = troubles.map(([number, what]) => `${number} pages ${what}`).join(", ");
  const where = ranges(blocks.map((block) => block.block));
  return `${states || "no blocks"}${pages === "" ? "" : `; ${pages}`}; at ${where || "none"}`;
}

/** Block numbers, runs of them together. */
function ranges(blocks: readonly number[]): string {
  const runs: { first: number; last: number }[] = [];
  for (const block of blocks) {
    const run = runs[runs.length - 1];
    if (run !== undefined && block === run.last + 1) run.last = block;
    else runs.push({ first: block, last: block });
  }
  const shown = runs
    .slice(0, MAX_NAMED)
    .map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
  return shown.join(", ") + (runs.length > MAX_NAMED ? ", …" : "");
}

function journalLines({ chains, blocks }: InspectedJournal, bad: ReadonlySet<number>): string[] {
  const lines = chains.map(({ chain, blocks: own, newest }) =>
    newest === null
      ? `  chain ${chain}      no record`
      : `  chain ${chain}      record ${newest.sequence} in block ${newest.block}, page ${newest.pageInBlock}; blocks ${own.slice(0, MAX_NAMED).join(", ")}`,
  );
  for (const { block, tornPages, unreadablePages, correctedPages } of blocks) {
    if (bad.has(block)) continue;
    const troubles = [
      ...(tornPages.length === 0 ? [] : [`no whole record on page ${ranges(tornPages)}`]),
      ...(unreadablePages.length === 0 ? [] : [`unreadable page ${ranges(unreadablePages)}`]),
      ...(correctedPages.length === 0 ? [] : [`corrected page ${ranges(correctedPages)}`]),
    ];
    if (troubles.length > 0)
      lines.push(`  block ${String(block).padEnd(6)} ${troubles.join("; ")}`);
  }
  return lines;
}

function historyOf(history: readonly HistoryEntry[], limit: number): string[] {
  if (history.length === 0 || limit === 0) return [];
  const shown = history.slice(-limit);
  const hidden = history.length - shown.length;
  return [
    "",
    `history, oldest first${hidden === 0 ? "" : ` (${hidden} older records: --history ${history.length})`}`,
    ...shown.map((entry, index) => historyLine(entry, shown[index - 1]?.reason ?? null)),
  ];
}

/** A reason stays in the records that follow: it is told where it appears. */
function historyLine(entry: HistoryEntry, before: RecordedReason | null): string {
  const { acceptedBank, candidateBank, targetBank, places } = entry;
  const reason = entry.reason === null ? null : reasonText(entry.reason);
  const isNew = reason !== null && (before === null || reasonText(before) !== reason);
  const banks = [
    ["accepted", acceptedBank],
    ["candidate", candidateBank],
    ["target", targetBank],
  ].flatMap(([role, bank]) => (bank === null ? [] : [`${role} ${bank}`]));
  const facts = [
    ...banks,
    ...(entry.state === "INSTALLING" ? [`attempts ${entry.attempts}`] : []),
    ...(entry.state === "TRIAL" ? [`trials ${entry.trials}`] : []),
    ...(entry.isCopy ? ["repeated"] : []),
    ...(places.length < 2 ? [`chain ${places[0]?.chain ?? 0} only`] : []),
    ...(entry.isConsistent ? [] : ["CONFLICTING RECORDS"]),
    ...(isNew ? [reason] : []),
  ];
  return `  ${String(entry.sequence).padStart(6)}  ${entry.state.padEnd(10)} ${facts.join(", ")}`.trimEnd();
}

function badBlockLines({ badBlocks, limits }: StoreInspection): string[] {
  const list = (wanted: (bad: (typeof badBlocks)[number]) => boolean): string =>
    ranges(badBlocks.filter(wanted).map((bad) => bad.block));
  const rows: readonly (readonly [string, string])[] = [
    ["marked", list((bad) => bad.isMarked && bad.isRecorded)],
    ["retired", list((bad) => !bad.isMarked && bad.isRecorded)],
    ["not listed", list((bad) => bad.isMarked && !bad.isRecorded)],
  ];
  return [
    `  bad          ${badBlocks.length}, a record holds ${limits.badBlocks}`,
    ...rows
      .filter(([, text]) => text !== "")
      .map(([what, text]) => `    ${what.padEnd(10)} ${text}`),
  ];
}
