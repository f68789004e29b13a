// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, it } from "vitest";

import { scenarioName } from "./testing/differential/scenario.js";
import type { Scenario } from "./testing/differential/scenario.js";
import { stepsBefore, stepsOfRun } from "./testing/differential/steps.js";
import { TandemBoard } from "./testing/differential/tandem-board.js";
import { bootCount, recordText } from "./testing/differential/vector-file.js";
import type { VectorFile, VectorScenario } from "./testing/differential/vector-file.js";

const file = path.join(import.meta.dirname, "../vectors/boots.json");
const vectors: VectorFile = JSON.parse(readFileSync(file, "utf8"));

/** The same boots as in the file, done by Tandem. */
function replay(scenario: Scenario, vector: VectorScenario): VectorScenario {
  const board = new TandemBoard(scenario);
  return {
    scenario: vector.scenario,
    before: board.run(stepsBefore(scenario)).map(recordText),
    runs: vector.runs.map(({ cut }) => {
      return { cut, boots: board.run(stepsOfRun(scenario, cut)).map(recordText) };
    }),
  };
}

describe("boots of MCUboot's C code, repeated", () => {
  it("are at least two thousand, in every mode", () => {
    const boots = vectors.scenarios.reduce((sum, vector) => sum + bootCount(vector), 0);
    expect(boots).toBeGreaterThanOrEqual(2000);
    const modes = vectors.scenarios.map(({ scenario }) => scenario.mode ?? vectors.defaults.mode);
    expect(new Set(modes).size).toBe(8);
  });

  const scenarios = vectors.scenarios.map((vector) => ({
    vector,
    scenario: { ...vectors.defaults, ...vector.scenario },
  }));
  const modes = [...new Set(scenarios.map(({ scenario }) => scenario.mode))];
  it.each(modes)("%s: decides, writes and erases the same", (mode) => {
    for (const { scenario, vector } of scenarios) {
      if (scenario.mode !== mode) continue;
      expect(replay(scenario, vector), scenarioName(scenario)).toEqual(vector);
    }
  });
});
