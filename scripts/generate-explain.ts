// SPDX-License-Identifier: Apache-2.0
// Writes the table of docs/explain.md from the situations that the tests hold explanations against:
//   npx tsx --conditions=source scripts/generate-explain.ts
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { FormatError } from "../packages/base/src/index.js";
import type { Situation } from "../packages/cli/src/testing/mcuboot/situation.js";
import { SITUATIONS } from "../packages/cli/src/testing/mcuboot/situations.js";
import { explainBoot } from "../packages/mcuboot/src/index.js";
import { markdownTable } from "./markdown-table.js";

/** The page that this script writes. */
export const EXPLAIN_PAGE: string = path.join(import.meta.dirname, "../docs/explain.md");

const HEAD = ["id", "situation", "what MCUboot does", "why", "what to change"];
const MARKERS = /(<!-- generated: situations -->\n)[\s\S]*?(<!-- end -->)/;

/**
 * The page with its table made anew: what the tool itself says of each situation.
 * @throws {FormatError} docs/markers when the table has no place
 */
export function generateExplain(page: string): string {
  if (!MARKERS.test(page)) throw new FormatError("docs/markers", "no place for the situations");
  const table = markdownTable(HEAD, SITUATIONS.map(row));
  return page.replace(MARKERS, (_, open: string, close: string) => `${open}\n${table}\n\n${close}`);
}

function row({ id, title, board, findings }: Situation): string[] {
  const { boots, outlook } = explainBoot(board());
  const all = [...boots[0].findings, ...outlook];
  const main = all.find((finding) => finding.id === findings[0]);
  if (main === undefined) {
    throw new FormatError("docs/situation", `${id}: no finding ${findings[0]}`);
  }
  const [first, second] = boots.map(({ starts }) => starts?.version ?? "nothing");
  const starts = first === second ? `starts ${first}` : `starts ${first}, then ${second}`;
  return [`\`${id}\``, title, `${main.does}; ${starts}`, main.why, main.change ?? "–"];
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(EXPLAIN_PAGE, generateExplain(readFileSync(EXPLAIN_PAGE, "utf8")));
}
