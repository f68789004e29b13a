// SPDX-License-Identifier: Apache-2.0
import { availableParallelism } from "node:os";

import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { Command } from "@commander-js/extra-typings";
import { UsageError } from "@tandem/base";
import {
  DEFAULT_FAULTS,
  FAULT_KINDS,
  FLASH_KINDS,
  MODES,
  PROFILE_NAMES,
  createWorld,
  describeSession,
  explore,
  outlineStories,
  parseLine,
  renderExploration,
  replay,
  walkAtRandom,
} from "@tandem/explore";
import type { ExplorationReport, FaultKind, FlashKind, ProfileName } from "@tandem/explore";

import type { Context } from "../context.js";
import { ExitCode } from "../exit-codes.js";
import {
  describeExploration,
  describeProgress,
  describeWalks,
} from "../explore/describe-exploration.js";
import { RateLine } from "../explore/rate-line.js";
import { ExplorationClock, describeTimeLeft, restOf } from "../explore/time-left.js";
import { replaceFile } from "../write-file.js";
import { registerExploreCompare } from "./explore-compare.js";
import { registerExploreVectors } from "./explore-vectors.js";
import { parseDuration, parseWholeNumber } from "../option-parsers.js";

const PROFILE_OPTION = new Option("--profile <name>", "tiny chips, or those of a product")
  .choices(PROFILE_NAMES)
  .default("small" as const);
const FLASH_OPTION = new Option("--flash <kind>", "chip that holds the store")
  .choices(FLASH_KINDS)
  .default("nand-1bit" as const);

/** `tandem explore`: checks an update in every state that loss of power can lead to. */
export function registerExploreCommand(program: Command, context: Context): void {
  const command = program
    .command("explore")
    .description("Check the invariants of an update in every state that faults can lead to")
    .addOption(
      new Option("--mode <mode>", "one fault, several, any number of cuts, or walks at random")
        .choices([...MODES, "random"] as const)
        .default("linear" as const),
    )
    .addOption(PROFILE_OPTION)
    .addOption(FLASH_OPTION)
    .option("--depth <n>", "faults on one path, in mode depth", parseWholeNumber(0, 99), 2)
    .option(
      "--faults <kinds>",
      `kinds of fault, of ${FAULT_KINDS.join(",")}; default: ` +
        `${DEFAULT_FAULTS.depth.join(",")} in mode depth, ` +
        `${DEFAULT_FAULTS.closure.join(",")} in mode closure, otherwise all; ` +
        "but no decay and bad-blocks with full chips, except in mode random",
      parseFaultKinds,
    )
    .option("--scenario <name>", "only this story; default: all")
    .option("--budget <time>", "stop after this time, e.g. 90s or 10m", parseDuration)
    .option(
      "--workers <n>",
      "threads; 0: none but this one",
      parseWholeNumber(0, 64),
      availableParallelism(),
    )
    .option("--sessions <n>", "in mode random", parseWholeNumber(1, 1e9), 10_000)
    .option("--seed <n>", "in mode random", parseWholeNumber(0, 0xffff_ffff), 1)
    .option("--report <file>", "write a page for a browser; not in mode random")
    .option("--json", "print one JSON document on standard output")
    .addHelpText("after", "\nExit status: 0 no violation, 1 violations, 130 interrupted.")
    .action(async (options) => {
      if (options.mode === "random") {
        if (options.report !== undefined) {
          throw new UsageError("cli/report", "--report with --mode random, expected another mode");
        }
        await runRandom(context, options);
        return;
      }
      const progressLine = new RateLine(context);
      const { mode, scenario, profile, flash, depth, workers, faults } = options;
      const { budget = Number.POSITIVE_INFINITY } = options;
      const clock = new ExplorationClock(mode);
      const start = performance.now();
      const report = await explore({
        mode,
        profile,
        flash,
        depth,
        workers,
        ...(faults === undefined ? {} : { faults }),
        ...(scenario === undefined ? {} : { scenario }),
        budgetMs: options.report === undefined ? budget : budget * SEARCH_SHARE,
        now: () => performance.now(),
        signal: context.signal,
        onProgress: (progress) =>
          progressLine.show((seconds) => {
            const work = clock.workLeft(progress, seconds);
            const budgetSeconds = budget / 1000 - seconds;
            return describeProgress(progress, seconds, { ...work, budgetSeconds });
          }),
      });
      progressLine.clear();
      if (options.report !== undefined) {
        const isOver = (): boolean => context.signal.aborted || performance.now() - start > budget;
        await writeReport(options.report, report, isOver);
      }
      if (options.json === true) context.out(`${JSON.stringify(report, null, 2)}\n`);
      else for (const line of describeExploration(report)) context.out(`${line}\n`);
      setStatus(context, report.violations);
    });
  registerReplay(command, context);
  registerExploreCompare(command, context);
  registerExploreVectors(command, context);
}

/** Cuts per story in the charts of a report: enough to see where outcomes change. */
const CHART_CUTS = { small: 350, full: 60 } as const;

/** Share of the budget for the search itself when a report with charts is to follow. */
const SEARCH_SHARE = 0.8;

async function writeReport(
  file: string,
  report: ExplorationReport,
  isOver: () => boolean,
): Promise<void> {
  const { profile, flash, scenarios } = report;
  const outline = await outlineStories({
    profile,
    flash,
    scenarios,
    sample: CHART_CUTS[profile],
    isOver,
  });
  await replaceFile(file, renderExploration(report, outline));
}

interface RandomOptions {
  readonly profile: ProfileName;
  readonly flash: FlashKind;
  readonly sessions: number;
  readonly seed: number;
  readonly scenario?: string | undefined;
  readonly faults?: readonly FaultKind[] | undefined;
  readonly budget?: number | undefined;
  readonly json?: true | undefined;
}

/** Walks at random; the options of the other modes that have no meaning here are left alone. */
async function runRandom(context: Context, options: RandomOptions): Promise<void> {
  const { profile, flash, sessions, seed, scenario, faults } = options;
  const { budget = Number.POSITIVE_INFINITY } = options;
  const start = performance.now();
  const elapsedMs = (): number => performance.now() - start;
  const line = new RateLine(context);
  const report = await walkAtRandom({
    profile,
    flash,
    sessions,
    seed,
    ...(faults === undefined ? {} : { faults }),
    ...(scenario === undefined ? {} : { scenario }),
    isOver: () => context.signal.aborted || elapsedMs() > budget,
    onProgress: (progress) =>
      line.show((seconds) => {
        const workSeconds = restOf(seconds, progress.sessions, sessions);
        const budgetSeconds = budget / 1000 - seconds;
        return (
          `${progress.sessions} of ${sessions} sessions, ${progress.updates} updates, ` +
          `${Math.round(progress.sessions / seconds)} sessions/s, ` +
          describeTimeLeft({ workSeconds, isLeast: false, budgetSeconds })
        );
      }),
  });
  line.clear();
  const walks = { mode: "random", profile, flash, seed, seconds: elapsedMs() / 1000 } as const;
  if (options.json === true) {
    context.out(`${JSON.stringify({ ...walks, ...report }, null, 2)}\n`);
  } else {
    for (const text of describeWalks({ ...walks, asked: sessions }, report))
      context.out(`${text}\n`);
  }
  setStatus(context, report.violations);
}

/**
 * Kinds of fault, with commas between them.
 * @throws {InvalidArgumentError} for anything else
 */
function parseFaultKinds(text: string): readonly FaultKind[] {
  return text.split(",").map((name) => {
    const kind = FAULT_KINDS.find((known) => known === name);
    if (kind !== undefined) return kind;
    throw new InvalidArgumentError(`${name}: expected some of ${FAULT_KINDS.join(",")}.`);
  });
}

/** An answer that is not whole is none: interrupted comes before violations. */
function setStatus(context: Context, violations: readonly unknown[]): void {
  if (context.signal.aborted) context.setExitCode(ExitCode.Interrupted);
  else if (violations.length > 0) context.setExitCode(ExitCode.Negative);
}

function registerReplay(command: ReturnType<Command["command"]>, context: Context): void {
  command
    .command("replay")
    .description("Run the sessions of a finding again, step by step")
    .argument("<line>", "what `tandem explore` printed, in quotes")
    .addHelpText("after", "\nExit status: 0 no violation, 1 a violation is shown, 2 bad line.")
    .action((line) => {
      const { world: name, edges } = parseLine(line);
      const world = createWorld(name);
      let number = 0;
      for (const replayed of replay(world, edges)) {
        number += 1;
        context.out(`${describeSession(world, replayed, number).join("\n")}\n`);
        if (replayed.violations.length > 0) context.setExitCode(ExitCode.Negative);
      }
    });
}
