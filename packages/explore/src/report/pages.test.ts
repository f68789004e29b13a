// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import type { ComparisonReport } from "../compare/compare.js";
import type { StorySweep } from "../compare/sweep-story.js";
import type { ExplorationReport } from "../exploration.js";
import { renderComparison } from "./comparison-page.js";
import { renderExploration } from "./exploration-page.js";
import { outlineStories } from "./story-outline.js";

/** Ends an attribute and begins an element wherever it is not escaped. */
const HOSTILE = `"'><img src=x onerror=alert(1)>`;

const SWEEP: StorySweep = {
  row: HOSTILE,
  story: HOSTILE,
  points: 5,
  possible: 9,
  failures: { mixedStarts: 1, unbootable: 2, rollbackFailures: 0, lostUpdates: 0 },
  examples: { mixedStarts: HOSTILE },
  timeline: [
    { session: 0, device: HOSTILE, outcomes: ["old", "old", "mixedStarts", "-"] },
    { session: 1, device: "app-flash", outcomes: ["unbootable", "new"] },
  ],
};

const COMPARISON: ComparisonReport = {
  rows: [
    {
      row: HOSTILE,
      title: HOSTILE,
      isBaseline: true,
      points: 5,
      possible: 9,
      failures: SWEEP.failures,
      examples: SWEEP.examples,
      stories: [SWEEP],
    },
  ],
  stories: { [HOSTILE]: HOSTILE },
  sample: 4,
  begun: 1,
  asked: 2,
  left: [`row/${HOSTILE}`],
  boots: 32,
  seconds: 1,
  complete: true,
};

const EXPLORATION: ExplorationReport = {
  mode: "linear",
  profile: "small",
  flash: "nor",
  scenarios: [HOSTILE],
  states: 1,
  edges: 2,
  cuts: 3,
  sessions: 4,
  faults: { cuts: 3, resets: 0, decay: 0, "bad-blocks": 0, transport: 0 },
  seconds: 5,
  edgesPerSecond: 6,
  complete: false,
  done: [],
  pending: 3,
  crossChecked: 0,
  mostSessions: 7,
  coverage: {
    cells: { STAGED: { journal: 8, bank: { impossible: HOSTILE } } },
    results: { [HOSTILE]: 1 },
    zeros: [HOSTILE],
  },
  violations: [{ invariant: HOSTILE, text: HOSTILE, line: HOSTILE }],
};

/** Tags of elements that were opened and not closed, or closed and not opened. */
function unbalanced(page: string): string[] {
  const open: string[] = [];
  for (const [tag, slash, name = ""] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)[^<>]*>/gi)) {
    if (["meta", "br"].includes(name) || tag.endsWith("/>")) continue;
    if (slash === "") open.push(name);
    else if (open.pop() !== name) return [tag];
  }
  return open;
}

describe.each([
  ["comparison", renderComparison(COMPARISON)],
  [
    "exploration",
    renderExploration(EXPLORATION, {
      sweeps: [SWEEP],
      transitions: [{ from: "READY", to: HOSTILE, stories: 1 }],
    }),
  ],
])("page of a %s", (_, page) => {
  it("escapes what it is told", () => {
    expect(page).not.toContain("<img");
    expect(page).not.toContain(HOSTILE);
    expect(page).toContain("&quot;&#39;&gt;&lt;img src=x onerror=alert(1)&gt;");
  });

  it("needs nothing but itself", () => {
    expect(page).not.toMatch(
      /<script|<link|<iframe|src=(?!x onerror)|href=|url\((?!#)|@import|https?:/,
    );
    expect(page).toContain("default-src 'none'");
  });

  it("closes every element", () => {
    expect(unbalanced(page)).toEqual([]);
  });

  it("draws equal outcomes in one piece, each with its meaning", () => {
    expect(page).toContain("<title>operations 0 to 1: old release on both cores</title>");
    expect(page).toContain("<title>operation 4: nothing comes up any more</title>");
  });
});

describe("outlineStories", () => {
  it("follows record states and cuts of a story to its end", async () => {
    const options = { profile: "small", flash: "nor", scenarios: ["damaged"], sample: 6 } as const;
    const outline = await outlineStories({ ...options, isOver: () => false });
    expect(outline.transitions).toEqual([
      { from: "READY", to: "WRITING", stories: 1 },
      { from: "WRITING", to: "FAILED", stories: 1 },
    ]);
    expect(outline.sweeps).toHaveLength(1);
    expect(outline.sweeps[0]).toMatchObject({
      points: 7,
      failures: { mixedStarts: 0, unbootable: 0, rollbackFailures: 0, lostUpdates: 0 },
    });
  });
});
