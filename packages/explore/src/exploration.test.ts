// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import type { Coverage } from "./coverage.js";
import { explore } from "./exploration.js";
import type { ExplorationOptions, ExplorationReport } from "./exploration.js";
import { FLASH_KINDS } from "./geometry.js";
import { JobRunner } from "./job.js";
import { StateSet } from "./state-set.js";

function run(changes: Partial<ExplorationOptions>): Promise<ExplorationReport> {
  let now = 0;
  return explore({
    mode: "linear",
    profile: "small",
    flash: "nand-1bit",
    depth: 1,
    workers: 0,
    budgetMs: Number.POSITIVE_INFINITY,
    now: () => now++,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...changes,
  });
}

describe("explore", () => {
  it.each(FLASH_KINDS)(
    "finds nothing wrong with one cut in an accepted update on %s",
    async (flash) => {
      const report = await run({ flash, scenario: "good", faults: ["cuts"] });
      // A page of the slot that reads well once and badly later costs the update, no invariant.
      expect(report.violations.filter(({ invariant }) => invariant !== "result")).toEqual([]);
      expect(report.complete).toBe(true);
      expect(report.coverage.results["accepted"]).toBeGreaterThan(0);
      expect(report.cuts).toBeGreaterThan(700);
      expect(report.mostSessions).toBeLessThan(12);
    },
  );

  it("comes to every cell of the grid and to every result with one cut", async () => {
    const { violations, coverage, complete } = await run({ faults: ["cuts"] });
    expect(violations).toEqual([]);
    expect(complete).toBe(true);
    expect(coverage.zeros).toEqual([]);
    expect(zerosOf(coverage)).toEqual([]);
  }, 240_000);

  it("shows what one story leaves out, and that it is rolled back only", async () => {
    const { violations, coverage } = await run({ scenario: "self-test-fails", faults: ["cuts"] });
    expect(violations).toEqual([]);
    expect(coverage.results["rolled-back"]).toBeGreaterThan(0);
    const zeros = [
      "WRITING × marker",
      "CANDIDATE × marker",
      "UPDATED × journal",
      "UPDATED × marker",
      "accepted",
      "refused",
      "switched-back",
    ];
    expect(coverage.zeros).toEqual(zeros);
    expect(zerosOf(coverage)).toEqual(zeros);
  });

  it("gives each story its share of the time", async () => {
    const begun = new Set<string>();
    const report = await run({
      mode: "closure",
      budgetMs: 60,
      onProgress: ({ scenario }) => begun.add(scenario),
    });
    expect(report.complete).toBe(false);
    expect([...begun]).toEqual(report.scenarios);
  });

  it("says that something is left when its time is over", async () => {
    const report = await run({ mode: "closure", scenario: "good", budgetMs: 20 });
    expect(report.complete).toBe(false);
    expect(report.states).toBeGreaterThan(0);
  });
});

describe("a state set that is shared", () => {
  it("leaves nothing out: two shares together go through what one goes through", () => {
    const world = { profile: "small", flash: "nand-1bit", scenario: "app-hangs" } as const;
    const job = {
      world,
      depth: 1,
      tears: "distinct",
      maxUnstable: 9,
      precision: "exact",
    } as const;
    const alone = new JobRunner(job, { share: { index: 0, count: 1 }, seen: memory() });
    alone.run(() => false);
    const seen = memory();
    const both = [0, 1].map((index) => new JobRunner(job, { share: { index, count: 2 }, seen }));
    for (const runner of both) runner.run(() => false);
    const states = both.reduce((total, { progress }) => total + progress.figures.states, 0);
    expect(states).toBe(alone.progress.figures.states);
  });
});

/** Names of all that is zero, found by looking at each cell. */
function zerosOf({ cells, results }: Coverage): string[] {
  const inCells = Object.entries(cells).flatMap(([state, row]) =>
    Object.entries(row).flatMap(([step, cell]) => (cell === 0 ? [`${state} × ${step}`] : [])),
  );
  return [...inCells, ...Object.keys(results).filter((name) => results[name] === 0)];
}

function memory(): SharedArrayBuffer {
  return new StateSet(10_000).buffer;
}
