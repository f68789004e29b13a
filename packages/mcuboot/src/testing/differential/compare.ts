// SPDX-License-Identifier: Apache-2.0
import { runReference } from "./reference.js";
import type { BootRecord, TracedBoot } from "./reference.js";
import { scenarioName } from "./scenario.js";
import type { Scenario } from "./scenario.js";
import { stepsBefore, stepsOfRun } from "./steps.js";
import type { Step } from "./steps.js";
import { TandemBoard } from "./tandem-board.js";

/** How a comparison went. */
export interface Comparison {
  readonly boots: number;
  /** Runs not compared to their end: the C code read outside of its arrays, or did not end. */
  readonly undefinedRuns: number;
  /** The first boot that differed, with both operation logs; null when none did. */
  readonly difference: string | null;
}

/** Outcome of a boot in which the behaviour of the C code is undefined. */
const UNDEFINED = "undefined";

interface Run {
  readonly steps: readonly Step[];
  readonly boots: readonly TracedBoot[];
}

/**
 * Boots a scenario with MCUboot's C code and with Tandem's: undisturbed, then cut before every
 * write and erase, each followed by two boots. Compares outcome, number of operations and every
 * byte of flash after each boot.
 * @throws {InternalError} mcuboot/reference-failed
 */
export function compareScenario(directory: string, scenario: Scenario): Comparison {
  const runs = runAllCuts(scenario);
  const expected = runReference(
    directory,
    scenario,
    runs.flatMap(({ steps }) => steps),
  );
  let [at, boots, undefinedRuns] = [0, 0, 0];
  for (const { steps, boots: found } of runs) {
    const wantedOfRun = expected.slice(at, (at += found.length));
    for (const [i, boot] of found.entries()) {
      const wanted = wantedOfRun[i];
      if (wanted?.outcome === UNDEFINED) {
        undefinedRuns++;
        break;
      }
      boots++;
      if (wanted !== undefined && isSame(wanted, boot)) continue;
      const trail = [...(runs[0]?.steps ?? []), ...upToBoot(steps, i)];
      const traced = runReference(directory, scenario, trail, "traced").at(-1);
      return {
        boots,
        undefinedRuns,
        difference: describe(scenario, upToBoot(steps, i), traced, boot),
      };
    }
  }
  return { boots, undefinedRuns, difference: null };
}

/** What Tandem does in a scenario: the boots before, the undisturbed run, then every cut. */
function runAllCuts(scenario: Scenario): readonly Run[] {
  const board = new TandemBoard(scenario);
  const run = (steps: readonly Step[]): Run => ({ steps, boots: board.run(steps) });
  const before = run(stepsBefore(scenario));
  const undisturbed = run(stepsOfRun(scenario, 0));
  const points = undisturbed.boots[0]?.operations ?? 0;
  const cuts = Array.from({ length: points }, (_, i) => run(stepsOfRun(scenario, i + 1)));
  return [before, undisturbed, ...cuts];
}

function isSame(a: BootRecord, b: BootRecord): boolean {
  return a.outcome === b.outcome && a.operations === b.operations && a.digest === b.digest;
}

/** The steps up to boot number `boot`, counted from 0. */
function upToBoot(steps: readonly Step[], boot: number): readonly Step[] {
  const boots = steps.flatMap(({ kind }, i) => (kind === "boot" ? [i] : []));
  return steps.slice(0, (boots[boot] ?? steps.length) + 1);
}

function describe(
  scenario: Scenario,
  trail: readonly Step[],
  expected: TracedBoot | undefined,
  found: TracedBoot,
): string {
  const lines = [
    scenarioName(scenario),
    `  steps:   ${JSON.stringify(trail)}`,
    `  MCUboot: ${expected?.outcome}, ${expected?.operations} operations, ${expected?.digest}`,
    `  Tandem:  ${found.outcome}, ${found.operations} operations, ${found.digest}`,
  ];
  const wanted = expected?.log ?? [];
  for (let i = 0; i < Math.max(wanted.length, found.log.length); i++) {
    const [left = "", right = ""] = [wanted[i], found.log[i]];
    lines.push(`  ${left === right ? " " : "!"} ${left.padEnd(28)}${right}`);
  }
  return lines.join("\n");
}
