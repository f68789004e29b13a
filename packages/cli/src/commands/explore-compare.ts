// SPDX-License-Identifier: Apache-2.0
import { availableParallelism } from "node:os";

import type { Command } from "@commander-js/extra-typings";
import { Option } from "@commander-js/extra-typings";
import {
  COMPARED_ROWS,
  FAILURES,
  FAILURE_NAMES,
  compare,
  describeLeft,
  describeRelived,
  parseLife,
  relive,
  renderComparison,
} from "@tandem/explore";
import type { CompareProgress, ComparedRowResult, ComparisonReport } from "@tandem/explore";

import type { Context } from "../context.js";
import { ExitCode } from "../exit-codes.js";
import { RateLine } from "../explore/rate-line.js";
import { describeTimeLeft, restOf } from "../explore/time-left.js";
import { parseDuration, parseWholeNumber } from "../option-parsers.js";
import { replaceFile } from "../write-file.js";

/** Cuts per story by default: all that most stories have. */
const DEFAULT_SAMPLE = 1000;

/** `tandem explore compare`: the same update and faults with stock MCUboot and with Tandem. */
export function registerExploreCompare(
  parent: ReturnType<Command["command"]>,
  context: Context,
): void {
  // Options behind `compare` are its own, although `explore` has some of the same names.
  const command = parent
    .enablePositionalOptions()
    .command("compare")
    .description("Update both cores with stock MCUboot and with Tandem, under the same faults")
    .addOption(
      new Option("--row <name...>", "only these rows; default: all").choices(
        COMPARED_ROWS.map(({ name }) => name),
      ),
    )
    .option(
      "--sample <n>",
      "cuts per story at most, evenly spread",
      parseWholeNumber(1, 1e9),
      DEFAULT_SAMPLE,
    )
    .option("--all", "every cut of every story")
    .option("--budget <time>", "stop after this time, e.g. 90s or 10m", parseDuration)
    .option(
      "--workers <n>",
      "threads; 0: none but this one",
      parseWholeNumber(0, 64),
      availableParallelism(),
    )
    .option("--report <file>", "write a page for a browser")
    .option("--json", "print one JSON document on standard output")
    .addHelpText(
      "after",
      "\nExit status: 0 nothing fails with Tandem, 1 something does, 130 interrupted.",
    )
    .action(async (options) => {
      const line = new RateLine(context);
      const { budget = Number.POSITIVE_INFINITY } = options;
      const report = await compare({
        ...(options.row === undefined ? {} : { rows: options.row }),
        sample: options.all === true ? Number.POSITIVE_INFINITY : options.sample,
        workers: options.workers,
        budgetMs: budget,
        now: () => performance.now(),
        signal: context.signal,
        onProgress: (progress) =>
          line.show((seconds) => describeProgress(progress, seconds, budget)),
      });
      line.clear();
      if (options.report !== undefined) await replaceFile(options.report, renderComparison(report));
      if (options.json === true) context.out(`${JSON.stringify(report, null, 2)}\n`);
      else for (const text of describeComparison(report)) context.out(`${text}\n`);
      if (context.signal.aborted) context.setExitCode(ExitCode.Interrupted);
      else if (failsWithTandem(report)) context.setExitCode(ExitCode.Negative);
    });
  command
    .command("replay")
    .description("Run one line of the comparison again, session by session")
    .argument("<line>", "what `tandem explore compare` printed, in quotes")
    .addHelpText("after", "\nExit status: 0 no failure, 1 a failure is shown, 2 bad line.")
    .action((text) => {
      let number = 0;
      for (const relived of relive(parseLife(text))) {
        context.out(`${describeRelived(relived, number).join("\n")}\n`);
        number += 1;
        if ((relived.failures ?? []).length > 0) context.setExitCode(ExitCode.Negative);
      }
    });
}

function failsWithTandem({ rows }: ComparisonReport): boolean {
  return rows.some(
    ({ isBaseline, failures }) => !isBaseline && FAILURES.some((failure) => failures[failure] > 0),
  );
}

function describeComparison(report: ComparisonReport): string[] {
  const { rows, seconds, boots, complete, begun, asked, left } = report;
  const names = rows.map(({ title }) => title.length);
  const width = Math.max(0, ...names);
  const headings = FAILURES.map((failure) => FAILURE_NAMES[failure]);
  const points = rows.reduce((sum, row) => sum + row.points, 0);
  const possible = rows.reduce((sum, row) => sum + row.possible, 0);
  return [
    `${"".padEnd(width)}${cell("points", "points")}${headings.map((text) => `  ${text}`).join("")}`,
    ...rows.map(
      (row) =>
        row.title.padEnd(width) +
        cell(row.points, "points") +
        FAILURES.map((failure) => cell(row.failures[failure], FAILURE_NAMES[failure])).join(""),
    ),
    "",
    `${points} of ${possible} points in ${begun} of ${asked} stories, up to ${boots} boots each, in ${seconds.toFixed(1)} s` +
      (complete ? "" : "; NOT complete"),
    ...(left.length === 0 ? [] : [`not begun: ${describeLeft(report)}`]),
    ...rows.flatMap(describeExamples),
  ];
}

/** A number below its heading, two columns apart. */
function cell(text: string | number, heading: string): string {
  return String(text).padStart(heading.length + 2);
}

function describeExamples({ title, examples }: ComparedRowResult): string[] {
  const lines = FAILURES.flatMap((failure) => {
    const line = examples[failure];
    return line === undefined
      ? []
      : [`    ${FAILURE_NAMES[failure]}: tandem explore compare replay '${line}'`];
  });
  return lines.length === 0 ? [] : [`  ${title}`, ...lines];
}

/** One line while a comparison runs. */
function describeProgress(
  { done, total, points, expected }: CompareProgress,
  seconds: number,
  budgetMs: number,
): string {
  const workSeconds = expected === 0 ? null : restOf(seconds, points, expected);
  const budgetSeconds = budgetMs / 1000 - seconds;
  return (
    `${done}/${total} stories, ${points}/${expected} points, ${Math.round(points / seconds)} per second, ` +
    describeTimeLeft({ workSeconds, isLeast: false, budgetSeconds })
  );
}
