// SPDX-License-Identifier: Apache-2.0
// Writes the tables of docs/store-format.md from the layouts in the code:
//   npx tsx --conditions=source scripts/generate-store-format.ts
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { FormatError } from "../packages/base/src/index.js";
import { W25N01GV } from "../packages/flash/src/index.js";
import {
  STATE_MEANINGS,
  SetState,
  describeLayouts,
  formatConstants,
  planStore,
} from "../packages/store/src/index.js";
import { markdownTable } from "./markdown-table.js";
import type { DescribedField, StorePlan } from "../packages/store/src/index.js";

/** The page that this script writes. */
export const STORE_FORMAT_PAGE: string = path.join(import.meta.dirname, "../docs/store-format.md");

/**
 * The page with everything between its markers made anew.
 * @throws {FormatError} docs/markers when a marker names nothing, or a table has no place
 */
export function generateStoreFormat(page: string): string {
  const sections = storeFormatSections();
  const placed = new Set<string>();
  const result = page.replaceAll(
    /(<!-- generated: (\S+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_, open: string, name: string, close: string) => {
      const section = sections.get(name);
      if (section === undefined) throw new FormatError("docs/markers", `no table called ${name}`);
      placed.add(name);
      return `${open}\n${section}\n\n${close}`;
    },
  );
  for (const name of sections.keys()) {
    if (!placed.has(name)) throw new FormatError("docs/markers", `no place for the table ${name}`);
  }
  return result;
}

/** Tables by the name that their markers have. */
function storeFormatSections(): ReadonlyMap<string, string> {
  const plan = planStore(W25N01GV);
  const sections = new Map<string, string>([
    ["constants", constantTable(plan)],
    ["states", stateTable()],
  ]);
  for (const { name, title, size, fields } of describeLayouts(plan)) {
    sections.set(name, `${title}. ${size} bytes.\n\n${fieldTable(fields)}`);
  }
  return sections;
}

function fieldTable(fields: readonly DescribedField[]): string {
  const rows = fields.map(({ name, offset, size, elementType, dimensions, meaning }) => [
    String(offset),
    String(size),
    `\`${elementType}${dimensions.map((length) => `[${length}]`).join("")}\``,
    `\`${name}\``,
    meaning,
  ]);
  return markdownTable(["offset", "bytes", "type", "field", "meaning"], rows);
}

function constantTable(plan: StorePlan): string {
  const rows = formatConstants(plan).map(({ name, value, hexDigits, meaning }) => [
    `\`${name}\``,
    hexDigits === null ? String(value) : `0x${value.toString(16).padStart(hexDigits, "0")}`,
    meaning,
  ]);
  return markdownTable(["name", "value", "meaning"], rows);
}

function stateTable(): string {
  const meanings = new Map(Object.entries(STATE_MEANINGS));
  const rows = Object.entries(SetState).map(([name, value]) => [
    String(value),
    name,
    meanings.get(name) ?? "",
  ]);
  return markdownTable(["number", "state", "what stands on flash"], rows);
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(STORE_FORMAT_PAGE, generateStoreFormat(readFileSync(STORE_FORMAT_PAGE, "utf8")));
}
