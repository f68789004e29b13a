// SPDX-License-Identifier: Apache-2.0
import { FAULT_KINDS, RECORD_STATES, STEPS } from "@tandem/explore";
import type {
  Coverage,
  CoverageCell,
  ExplorationProgress,
  ExplorationReport,
  FaultCounts,
  Finding,
  RandomWalkReport,
} from "@tandem/explore";

import { describeTimeLeft } from "./time-left.js";
import type { TimeLeft } from "./time-left.js";

/** What an exploration went through and found, as lines of text. */
export function describeExploration(report: ExplorationReport): string[] {
  const { states, edges, faults, seconds, edgesPerSecond, violations, complete } = report;
  const { coverage } = report;
  return [
    `${report.profile} ${report.flash}, ${report.mode}, ${report.scenarios.length} stories: ` +
      (complete ? "complete" : "NOT complete"),
    ...(complete ? [] : describeLeft(report)),
    `states ${states}, sessions ${edges}, in ${seconds.toFixed(1)} s ` +
      `(${edgesPerSecond} per second)`,
    describeFaults(faults),
    `devices that came to rest: ${describeResults(coverage)}; ` +
      `at most ${report.mostSessions} sessions without a fault`,
    ...(report.crossChecked === 0
      ? []
      : [`walked through again with nothing left out of states: ${report.crossChecked} sessions`]),
    ...describeCoverage(coverage),
    ...describeViolations(violations),
  ];
}

/** Operations that were cut, a row per record state; where no cut can come stands a dash. */
function describeCoverage({ cells, zeros }: Coverage): string[] {
  return [
    tableRow("cuts", STEPS),
    ...RECORD_STATES.map((state) =>
      tableRow(
        state,
        STEPS.map((step) => cellText(cells[state]?.[step])),
      ),
    ),
    ...(zeros.length === 0 ? [] : [`not hit: ${zeros.join(", ")}`]),
  ];
}

/** What a run that was stopped has not gone through. */
function describeLeft({ scenarios, done, pending }: ExplorationReport): string[] {
  const left = scenarios.filter((name) => !done.includes(name));
  return [
    `stories gone through: ${done.length === 0 ? "none" : done.join(", ")}`,
    `stories left: ${left.join(", ")}; ${pending} states that were found waited`,
  ];
}

/** One line while an exploration runs. */
export function describeProgress(
  { scenario, done, total, states, edges, pending }: ExplorationProgress,
  seconds: number,
  left: TimeLeft,
): string {
  return (
    `${done + 1}/${total} ${scenario}: ${states} states, ${pending} waiting, ` +
    `${Math.round(edges / seconds)} sessions/s, ${describeTimeLeft(left)}`
  );
}

/** What walks at random went through and found, as lines of text. */
export function describeWalks(
  how: {
    readonly profile: string;
    readonly flash: string;
    readonly seed: number;
    readonly seconds: number;
    readonly asked: number;
  },
  report: RandomWalkReport,
): string[] {
  const { profile, flash, seed, seconds, asked } = how;
  const { sessions, faults, updates, mostFaults, complete, coverage, violations } = report;
  return [
    `${profile} ${flash}, random, seed ${seed}: ` +
      (complete ? "complete" : `NOT complete: ${sessions} of ${asked} sessions`),
    `sessions ${sessions}, in ${updates} updates ` +
      `(at most ${mostFaults} faults in one), in ${seconds.toFixed(1)} s`,
    describeFaults(faults),
    `updates that ended: ${describeResults(coverage)}`,
    ...describeCoverage(coverage),
    ...describeViolations(violations),
  ];
}

function describeFaults(faults: FaultCounts): string {
  const counts = FAULT_KINDS.map((kind) => `${kind} ${faults[kind]}`);
  return `faults: ${counts.join(", ")}`;
}

function describeResults({ results }: Coverage): string {
  return Object.entries(results)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}

/** Violations, each with the command that shows it again. */
function describeViolations(violations: readonly Finding[]): string[] {
  return [
    `violations: ${violations.length}`,
    ...violations.flatMap(({ invariant, text, line }) => [
      `  ${invariant}: ${text}`,
      `    tandem explore replay '${line}'`,
    ]),
  ];
}

function tableRow(name: string, texts: readonly (string | number)[]): string {
  return `  ${name.padEnd(10)}${texts.map((text) => String(text).padStart(10)).join("")}`;
}

function cellText(cell: CoverageCell = 0): number | string {
  return typeof cell === "number" ? cell : "-";
}
