// SPDX-License-Identifier: Apache-2.0
import { parentPort } from "node:worker_threads";

import { compare } from "../../compare/compare.js";
import type { ComparisonReport } from "../../compare/compare.js";
import { explore } from "../../exploration.js";
import type { ExplorationReport } from "../../exploration.js";
import { renderComparison } from "../../report/comparison-page.js";
import { renderExploration } from "../../report/exploration-page.js";
import { outlineStories } from "../../report/story-outline.js";

/** What a comparison and an exploration say of one story, and their pages. */
export interface PlantedReports {
  readonly comparison: ComparisonReport;
  readonly exploration: ExplorationReport;
  readonly pages: { readonly comparison: string; readonly exploration: string };
}

const HOW = {
  workers: 0,
  budgetMs: Number.POSITIVE_INFINITY,
  now: () => 0,
  signal: new AbortController().signal,
  onProgress: () => undefined,
} as const;
const CHIPS = { profile: "small", flash: "nand-1bit" } as const;
const SCENARIO = "app-crashes-at-once";

async function makeReports(): Promise<PlantedReports> {
  const rows = { rows: ["tandem-nand"], stories: ["app-crashes"] };
  const comparison = await compare({ ...HOW, ...rows, sample: 5 });
  const story = { ...CHIPS, scenario: SCENARIO };
  const exploration = await explore({ ...HOW, ...story, mode: "depth", depth: 0 });
  const cut = { sample: 5, isOver: () => false };
  const outline = await outlineStories({ ...CHIPS, ...cut, scenarios: [SCENARIO] });
  const pages = {
    comparison: renderComparison(comparison),
    exploration: renderExploration(exploration, outline),
  };
  return { comparison, exploration, pages };
}

// Power cuts are thrown; nobody reads where.
Error.stackTraceLimit = 0;
// A rule for windows of browsers.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
void makeReports().then((reports) => parentPort?.postMessage(reports));
