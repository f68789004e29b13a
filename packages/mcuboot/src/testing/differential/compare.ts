// SPDX-License-Identifier: Apache-2.0
import { askReference, parseBoots } from "./reference.js";
import type { BootRecord, TracedBoot } from "./reference.js";
import { scenarioName } from "./scenario.js";
import type { Scenario } from "./scenario.js";
import { startFlash } from "./start-flash.js";
import { TandemBoard } from "./tandem-board.js";

/** Boots after each cut: the one that recovers, and one that shows what it has left behind. */
export const BOOTS_AFTER_CUT = 2;

/** How a comparison went. */
export interface Comparison {
  readonly boots: number;
  /** The first boot that differed, with both operation logs; null when none did. */
  readonly difference: string | null;
}

/** The boot commands that lead to the boot under test. */
function boots(scenario: Scenario): readonly string[] {
  return scenario.from === "revert" ? ["boot 0", "keep"] : [];
}

/**
 * Boots a scenario with MCUboot's C code and with Tandem's: undisturbed, then cut before every
 * write and erase, each followed by {@link BOOTS_AFTER_CUT} boots. Compares outcome, number of
 * operations and every byte of flash after each boot.
 * @throws {InternalError} mcuboot/reference-failed
 */
export function compareScenario(directory: string, scenario: Scenario): Comparison {
  const flash = startFlash(scenario);
  const answers = askReference(directory, scenario, flash, [
    ...boots(scenario),
    `cuts ${BOOTS_AFTER_CUT} -1 0 0 digest`,
  ]);
  const expected = parseBoots(answers);
  const board = new TandemBoard(scenario, flash);
  const trail: number[] = [];
  let at = 0;
  const boot = (cut: number): string | null => {
    trail.push(cut);
    const found = board.boot(cut);
    const wanted = expected[at++];
    if (wanted !== undefined && isSame(wanted, found)) return null;
    const traced = traceReference(directory, scenario, flash, trail);
    return describe(scenario, trail, traced, found);
  };
  const cutAndRecover = (cut: number): string | null => {
    let difference = boot(cut);
    for (let i = 0; i < BOOTS_AFTER_CUT && difference === null; i++) difference = boot(0);
    return difference;
  };

  let difference: string | null = null;
  if (scenario.from === "revert") {
    difference = boot(0);
    board.keep();
  }
  const beginning = trail.length;
  difference ??= boot(0);
  const points = expected[beginning]?.operations ?? 0;
  for (let cut = 1; cut <= points && difference === null; cut++) {
    board.restore();
    trail.length = beginning;
    difference = cutAndRecover(cut);
  }
  if (difference === null && at !== expected.length) {
    difference = `${scenarioName(scenario)}: ${at} boots, ${expected.length} in the reference`;
  }
  return { boots: at, difference };
}

function isSame(a: BootRecord, b: BootRecord): boolean {
  return a.outcome === b.outcome && a.operations === b.operations && a.digest === b.digest;
}

/** The last of these boots as the reference does it, with its operations. */
function traceReference(
  directory: string,
  scenario: Scenario,
  flash: readonly Uint8Array[],
  trail: readonly number[],
): TracedBoot {
  const commands = trail.map((cut, i) => `${i === trail.length - 1 ? "trace" : "boot"} ${cut}`);
  const last = parseBoots(askReference(directory, scenario, flash, commands)).at(-1);
  return last ?? { outcome: "nothing", operations: 0, digest: "", log: [] };
}

function describe(
  scenario: Scenario,
  trail: readonly number[],
  expected: TracedBoot,
  found: TracedBoot,
): string {
  const lines = [
    `${scenarioName(scenario)}: after boots with cuts ${trail.join(", ")} (0: none)`,
    `  MCUboot: ${expected.outcome}, ${expected.operations} operations, ${expected.digest}`,
    `  Tandem:  ${found.outcome}, ${found.operations} operations, ${found.digest}`,
  ];
  const longest = Math.max(expected.log.length, found.log.length);
  for (let i = 0; i < longest; i++) {
    const [left = "", right = ""] = [expected.log[i], found.log[i]];
    lines.push(`  ${left === right ? " " : "!"} ${left.padEnd(28)}${right}`);
  }
  return lines.join("\n");
}
