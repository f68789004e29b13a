// SPDX-License-Identifier: Apache-2.0
import type { InspectedUse, StoreInspection } from "@tandem/store";

/** Blocks in a row of the map. */
const COLUMNS = 64;
/** Side of a block in the picture. */
const CELL = 10;
/** Space for block numbers left of the picture, and for one line of its legend. */
const MARGIN = 44;
const LINE = 18;

/** What a block is drawn as. */
interface Kind {
  readonly symbol: string;
  readonly meaning: string;
  /** SGR code of the terminal. */
  readonly sgr: number;
  readonly fill: string;
}

const BANK_SGR: readonly number[] = [32, 36, 34, 35];
const BANK_FILL: readonly string[] = ["#4c9f70", "#3f7cac", "#8e6bbf", "#c97b3d"];

const KINDS = {
  unused: { symbol: "-", meaning: "journal, unused", sgr: 90, fill: "#e8e2cf" },
  old: { symbol: "j", meaning: "journal, older records", sgr: 33, fill: "#e3c567" },
  newest: { symbol: "J", meaning: "journal, newest record", sgr: 93, fill: "#d99a00" },
  partial: { symbol: "o", meaning: "in a bank, not complete", sgr: 33, fill: "#f0a868" },
  broken: { symbol: "!", meaning: "in a bank, damaged", sgr: 91, fill: "#e05050" },
  free: { symbol: ".", meaning: "free, erased", sgr: 90, fill: "#f4f4f4" },
  leftover: { symbol: ":", meaning: "free, old contents", sgr: 90, fill: "#d8d8d8" },
  retired: { symbol: "x", meaning: "bad, retired in use", sgr: 31, fill: "#7a2a2a" },
  marked: { symbol: "X", meaning: "bad, marked by the factory", sgr: 31, fill: "#222222" },
} as const satisfies Readonly<Record<string, Kind>>;

/** One character for every block, with a legend of those that occur. */
export function drawMap(inspection: StoreInspection, inColour: boolean): string[] {
  const { blocks } = inspection;
  const paint = ({ symbol, sgr }: Kind): string =>
    inColour ? `\u001B[${sgr}m${symbol}\u001B[0m` : symbol;
  const kinds = blocks.map(kindOf);
  const lines: string[] = [];
  for (let first = 0; first < kinds.length; first += COLUMNS) {
    const row = kinds.slice(first, first + COLUMNS).map(paint);
    lines.push(`${String(first).padStart(6)}  ${row.join("")}`);
  }
  const legend = legendOf(kinds).map(
    ({ kind, count }) => `        ${paint(kind)}  ${kind.meaning}: ${count}`,
  );
  return [...lines, "", ...legend];
}

/** The same as a picture; hovering over a block tells what it holds. */
export function drawSvg(title: string, inspection: StoreInspection): string {
  const kinds = inspection.blocks.map(kindOf);
  const legend = legendOf(kinds);
  const rows = Math.ceil(kinds.length / COLUMNS);
  const width = MARGIN + COLUMNS * CELL + 10;
  const top = 30;
  const legendTop = top + rows * CELL + 14;
  const height = legendTop + legend.length * LINE + 6;
  const cells = kinds.map((kind, block) => {
    const x = MARGIN + (block % COLUMNS) * CELL;
    const y = top + Math.floor(block / COLUMNS) * CELL;
    const use = inspection.blocks[block];
    const text = use === undefined ? "" : describeUse(use, kind);
    return `<rect x="${x}" y="${y}" width="${CELL - 1}" height="${CELL - 1}" fill="${kind.fill}"><title>${text}</title></rect>`;
  });
  const numbers = Array.from({ length: rows }, (_, row) => {
    const y = top + row * CELL + CELL - 2;
    return `<text x="${MARGIN - 6}" y="${y}" text-anchor="end">${row * COLUMNS}</text>`;
  });
  const keys = legend.map(({ kind, count }, index) => {
    const y = legendTop + index * LINE;
    return `<rect x="${MARGIN}" y="${y}" width="${CELL}" height="${CELL}" fill="${kind.fill}" stroke="#888" stroke-width="0.5"/><text x="${MARGIN + 18}" y="${y + 9}">${kind.meaning}: ${count}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="9">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${MARGIN}" y="18" font-size="12">${escapeXml(title)}</text>`,
    ...numbers,
    ...cells,
    ...keys,
    "</svg>",
    "",
  ].join("\n");
}

function kindOf(block: InspectedUse): Kind {
  if (block.isMarked) return KINDS.marked;
  if (block.isRecordedBad) return KINDS.retired;
  if (block.use === "journal") {
    if (block.isNewest) return KINDS.newest;
    return block.chain === null ? KINDS.unused : KINDS.old;
  }
  if (block.use === "free") return block.leftover === "none" ? KINDS.free : KINDS.leftover;
  switch (block.state) {
    case "complete":
      return bankKind(block.owners[0]?.bank ?? 0);
    case "damaged":
    case "torn":
    case "unreadable":
    case "outside":
      return KINDS.broken;
    case "open":
    case "header-only":
    case "blank":
    case "stale":
    case null:
      return KINDS.partial;
    default:
      return block.state satisfies never;
  }
}

function bankKind(bank: number): Kind {
  return {
    symbol: String(bank % 10),
    meaning: `bank ${bank}, complete`,
    sgr: BANK_SGR[bank % BANK_SGR.length] ?? 32,
    fill: BANK_FILL[bank % BANK_FILL.length] ?? "#4c9f70",
  };
}

function legendOf(kinds: readonly Kind[]): { readonly kind: Kind; readonly count: number }[] {
  const found = new Map<string, { readonly kind: Kind; count: number }>();
  for (const kind of kinds) {
    const entry = found.get(kind.meaning) ?? { kind, count: 0 };
    entry.count += 1;
    found.set(kind.meaning, entry);
  }
  return [...found.values()];
}

function describeUse({ block, owners, chain }: InspectedUse, kind: Kind): string {
  const places = owners.map(
    ({ bank, image, copy, logicalBlock }) =>
      `bank ${bank}, image ${image}, copy ${copy}, block ${logicalBlock}`,
  );
  const facts = [kind.meaning, ...(chain === null ? [] : [`chain ${chain}`]), ...places];
  return `block ${block}: ${facts.join("; ")}`;
}

function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replace(/\p{Cc}/gu, "?");
}
