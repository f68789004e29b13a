// SPDX-License-Identifier: Apache-2.0
// `npx tsx --conditions=source scripts/generate-mcuboot-vectors.ts`: writes what MCUboot's own code
// does to packages/mcuboot/vectors/boots.json. Needs TANDEM_MCUBOOT_REF.
import { writeFileSync } from "node:fs";
import path from "node:path";

import { BOOTS_AFTER_CUT } from "../packages/mcuboot/src/testing/differential/compare.js";
import {
  PLAIN_SCENARIO,
  allScenarios,
  coreMatrix,
} from "../packages/mcuboot/src/testing/differential/matrix.js";
import {
  askReference,
  parseBoots,
  referenceDirectory,
} from "../packages/mcuboot/src/testing/differential/reference.js";
import type { Scenario } from "../packages/mcuboot/src/testing/differential/scenario.js";
import { startFlash } from "../packages/mcuboot/src/testing/differential/start-flash.js";
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
const OTHER_STRIDE = 11;

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
  const flash = startFlash(scenario);
  const before = scenario.from === "revert" ? ["boot 0", "keep"] : [];
  const ask = (commands: readonly string[]): readonly string[] =>
    parseBoots(askReference(directory, scenario, flash, [...before, ...commands])).map(recordText);
  const undisturbed = ask(["boot 0"]).at(-1) ?? "";
  const cuts = spread(Number(undisturbed.split(" ")[1]), count, turn);
  const after = Array.from({ length: BOOTS_AFTER_CUT }, () => "boot 0");
  const records = ask(cuts.flatMap((cut) => ["restore", `boot ${cut}`, ...after]));
  const first = records.length - cuts.length * (1 + BOOTS_AFTER_CUT);
  const runs = cuts.map((cut, i): VectorRun => {
    const start = first + i * (1 + BOOTS_AFTER_CUT);
    return { cut, boots: records.slice(start, start + 1 + BOOTS_AFTER_CUT) };
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
const others = allScenarios()
  .slice(core.length)
  .filter((_, i) => i % OTHER_STRIDE === 0);
const vectors = [
  ...core.map((scenario, i) => vectorsOf(directory, scenario, CORE_CUTS, i)),
  ...others.map((scenario, i) => vectorsOf(directory, scenario, OTHER_CUTS, i)),
];
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
