// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { explore } from "./exploration.js";
import type { ExplorationOptions, ExplorationReport } from "./exploration.js";
import { FLASH_KINDS } from "./geometry.js";

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
      const report = await run({ flash, scenario: "good" });
      expect(report.violations).toEqual([]);
      expect(report.complete).toBe(true);
      expect(Object.keys(report.results)).toEqual(["accepted"]);
      expect(report.cuts).toBeGreaterThan(800);
      expect(report.mostSessions).toBeLessThan(12);
    },
  );

  it("cuts whatever is written in each state of a rolled-back update", async () => {
    const { violations, coverage, results } = await run({ scenario: "self-test-fails" });
    expect(violations).toEqual([]);
    expect(Object.keys(results)).toEqual(["rolled-back"]);
    expect(Object.keys(coverage)).toEqual(
      expect.arrayContaining([
        "WRITING/bank",
        "STAGED/journal",
        "INSTALLING/app",
        "INSTALLING/net",
        "INSTALLING/marker",
        "TRIAL/journal",
        "REJECTED/journal",
      ]),
    );
  });

  it("says that something is left when its time is over", async () => {
    const report = await run({ mode: "closure", scenario: "good", budgetMs: 20 });
    expect(report.complete).toBe(false);
    expect(report.states).toBeGreaterThan(0);
  });
});
