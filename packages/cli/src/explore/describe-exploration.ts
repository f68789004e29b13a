// SPDX-License-Identifier: Apache-2.0
import { RECORD_STATES, STEPS } from "@tandem/explore";
import type { Coverage, CoverageCell, ExplorationReport, Finding } from "@tandem/explore";

/** What an exploration went through and found, as lines of text. */
export function describeExploration(report: ExplorationReport): string[] {
  const { states, edges, cuts, seconds, edgesPerSecond, violations, complete } = report;
  const { coverage } = report;
  const results = Object.entries(coverage.results).map(([name, count]) => `${name} ${count}`);
  return [
    `${report.profile} ${report.flash}, ${report.mode}, ${report.scenarios.length} stories: ` +
      (complete ? "complete" : "NOT complete"),
    `states ${states}, sessions ${edges}, of them cut ${cuts}, in ${seconds.toFixed(1)} s ` +
      `(${edgesPerSecond} per second)`,
    `devices that came to rest: ${results.join(", ")}; ` +
      `at most ${report.mostSessions} sessions without a fault`,
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

/** Violations, each with the command that shows it again. */
export function describeViolations(violations: readonly Finding[]): string[] {
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
