// SPDX-License-Identifier: Apache-2.0
// `npx tsx --conditions=source scripts/generate-mcuboot-vectors.ts`: writes what MCUboot's own code
// does to packages/mcuboot/vectors/boots.json. Needs TANDEM_MCUBOOT_REF.
import { writeFileSync } from "node:fs";
import path from "node:path";

import {
  PLAIN_SCENARIO,
  allScenarios,
  coreMatrix,
} from "../packages/mcuboot/src/testing/differential/matrix.js";
import {
  referenceDirectory,
  runReference,
} from "../packages/mcuboot/src/testing/differential/reference.js";
import type { Scenario } from "../packages/mcuboot/src/testing/differential/scenario.js";
import { stepsBefore, stepsOfRun } from "../packages/mcuboot/src/testing/differential/steps.js";
import type { Step } from "../packages/mcuboot/src/testing/differential/steps.js";
import { bootCount, recordText } from "../packages/mcuboot/src/testing/differential/vector-file.js";
import type {
  VectorFile,
  VectorRun,
  VectorScenario,
} from "../packages/mcuboot/src/testing/differential/vector-file.js";

const OUTPUT = path.join(import.meta.dirname, "../packages/mcuboot/vectors/boots.json");

/** Cuts per scenario of the core matrix, and of each of the others that are kept. */
const CORE_CUTS = 5;
const OTHER_CUTS = 1;
/** One in this many scenarios outside the core matrix. */
const OTHER_STRIDE = 13;

/** `count` cuts spread over `points`, elsewhere for each `turn`; 0, no cut, is always one of them. */
function spread(points: number, count: number, turn: number): readonly number[] {
  const shift = (turn * 0.618_034) % 1;
  const cuts = Array.from({ length: count }, (_, i) => Math.floor(((i + shift) / count) * points));
  return [...new Set([0, ...cuts.map((cut) => cut + 1).filter((cut) => cut <= points)])];
}

function vectorsOf(
  directory: string,
  scenario: Scenario,
  count: number,
  turn: number,
): VectorScenario {
  const before = stepsBefore(scenario);
  const ask = (steps: readonly Step[]): readonly string[] =>
    runReference(directory, scenario, [...before, ...steps]).map(recordText);
  const first = before.filter(({ kind }) => kind === "boot").length;
  const undisturbed = ask([{ kind: "boot", cut: 0 }])[first] ?? "";
  const cuts = spread(Number(undisturbed.split(" ")[1]), count, turn);
  const records = ask(cuts.flatMap((cut) => stepsOfRun(scenario, cut)));
  const perRun = (records.length - first) / cuts.length;
  const runs = cuts.map((cut, i): VectorRun => {
    const start = first + i * perRun;
    return { cut, boots: records.slice(start, start + perRun) };
  });
  return { scenario: changes(scenario), before: records.slice(0, first), runs };
}

/** What a scenario says differently from the default. */
function changes(scenario: Scenario): Partial<Scenario> {
  const defaults = new Map<string, unknown>(Object.entries(PLAIN_SCENARIO));
  return Object.fromEntries(
    Object.entries(scenario).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(defaults.get(name)),
    ),
  );
}

const directory = referenceDirectory();
if (directory === null) {
  process.stderr.write("TANDEM_MCUBOOT_REF is not set: see packages/mcuboot/vectors/SOURCE.md\n");
  process.exit(2);
}
const core = coreMatrix();
// A flipped bit can make the C code leave its arrays, which is no reference.
const others = allScenarios()
  .slice(core.length)
  .filter(({ between }) => between !== "flips")
  .filter((_, i) => i % OTHER_STRIDE === 0);
const recorded = [
  ...core.map((scenario, i) => vectorsOf(directory, scenario, CORE_CUTS, i)),
  ...others.map((scenario, i) => vectorsOf(directory, scenario, OTHER_CUTS, i)),
];
/** What the C code does outside of its arrays is no vector. */
const vectors = recorded.filter((vector) => !JSON.stringify(vector).includes('"undefined '));
const head: Omit<VectorFile, "scenarios"> = {
  format: "tandem-mcuboot-boots-1",
  mcuboot: "2.4.0",
  defaults: PLAIN_SCENARIO,
};
// One scenario per line, so that a change shows.
const rows = vectors.map((vector) => JSON.stringify(vector));
writeFileSync(
  OUTPUT,
  `${JSON.stringify(head).slice(0, -1)},"scenarios":[\n${rows.join(",\n")}\n]}\n`,
);
const boots = vectors.reduce((sum, vector) => sum + bootCount(vector), 0);
process.stderr.write(`${vectors.length} scenarios, ${boots} boots\n`);
