// SPDX-License-Identifier: Apache-2.0
import { availableParallelism } from "node:os";

import { Option } from "@commander-js/extra-typings";
import type { Command } from "@commander-js/extra-typings";
import { UsageError } from "@tandem/base";
import {
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
import type {
  ExplorationProgress,
  ExplorationReport,
  FlashKind,
  ProfileName,
} from "@tandem/explore";

import type { Context } from "../context.js";
import { ExitCode } from "../exit-codes.js";
import { describeExploration, describeViolations } from "../explore/describe-exploration.js";
import { replaceFile } from "../write-file.js";
import { registerExploreCompare } from "./explore-compare.js";
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
      new Option("--mode <mode>", "one cut, several, any number of them, or walks at random")
        .choices([...MODES, "random"] as const)
        .default("linear" as const),
    )
    .addOption(PROFILE_OPTION)
    .addOption(FLASH_OPTION)
    .option("--depth <n>", "cuts on one path, in mode depth", parseWholeNumber(0, 99), 2)
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
        runRandom(context, options);
        return;
      }
      const rate = new RateLine(context);
      const { mode, budget, scenario, profile, flash, depth, workers } = options;
      const report = await explore({
        mode,
        profile,
        flash,
        depth,
        workers,
        ...(scenario === undefined ? {} : { scenario }),
        budgetMs: budget ?? Number.POSITIVE_INFINITY,
        now: () => performance.now(),
        signal: context.signal,
        onProgress: (progress) => rate.show(progress),
      });
      rate.clear();
      if (options.report !== undefined) await writeReport(options.report, report, context);
      if (options.json === true) context.out(`${JSON.stringify(report, null, 2)}\n`);
      else for (const line of describeExploration(report)) context.out(`${line}\n`);
      if (context.signal.aborted) context.setExitCode(ExitCode.Interrupted);
      else if (report.violations.length > 0) context.setExitCode(ExitCode.Negative);
    });
  registerReplay(command, context);
  registerExploreCompare(command, context);
}

/** Cuts per story in the charts of a report: enough to see where outcomes change. */
const CHART_CUTS = { small: 350, full: 60 } as const;

async function writeReport(
  file: string,
  report: ExplorationReport,
  context: Context,
): Promise<void> {
  const { profile, flash, scenarios } = report;
  const outline = outlineStories({
    profile,
    flash,
    scenarios,
    sample: CHART_CUTS[profile],
    isOver: () => context.signal.aborted,
  });
  await replaceFile(file, renderExploration(report, outline));
}

function runRandom(
  context: Context,
  options: {
    readonly profile: ProfileName;
    readonly flash: FlashKind;
    readonly sessions: number;
    readonly seed: number;
    readonly budget?: number | undefined;
    readonly json?: true | undefined;
  },
): void {
  const { profile, flash, sessions, seed, budget } = options;
  const start = performance.now();
  const elapsedMs = (): number => performance.now() - start;
  const isOver = (): boolean => elapsedMs() > (budget ?? Number.POSITIVE_INFINITY);
  const report = walkAtRandom({ profile, flash, sessions, seed, isOver });
  const seconds = elapsedMs() / 1000;
  if (options.json === true) {
    const document = { mode: "random", profile, flash, seed, seconds, ...report };
    context.out(`${JSON.stringify(document, null, 2)}\n`);
  } else {
    context.out(
      `${profile} ${flash}, seed ${seed}: ${report.sessions} sessions, of them ${report.cuts} cut, ` +
        `in ${report.updates} updates (at most ${report.mostCuts} cuts in one), ` +
        `${seconds.toFixed(1)} s\n`,
    );
    for (const line of describeViolations(report.violations)) context.out(`${line}\n`);
  }
  if (report.violations.length > 0) context.setExitCode(ExitCode.Negative);
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

/** Progress with rate, redrawn in place on a terminal, silent elsewhere. */
class RateLine {
  readonly #context: Context;
  readonly #start = performance.now();
  #shown = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  show({ scenario, done, total, states, edges, pending }: ExplorationProgress): void {
    if (!this.#context.interactive) return;
    const seconds = (performance.now() - this.#start) / 1000;
    const line =
      `  ${done + 1}/${total} ${scenario}: ${states} states, ${pending} waiting, ` +
      `${Math.round(edges / seconds)} sessions/s, ${Math.round(seconds)} s`;
    this.#context.err(`\r${line.padEnd(this.#shown)}`);
    this.#shown = line.length;
  }

  clear(): void {
    if (this.#shown > 0) this.#context.err(`\r${" ".repeat(this.#shown)}\r`);
    this.#shown = 0;
  }
}
