// SPDX-License-Identifier: Apache-2.0
import { availableParallelism } from "node:os";

import { Option } from "@commander-js/extra-typings";
import type { Command } from "@commander-js/extra-typings";
import { SWEEP_MODES, explainBoot } from "@tandem/mcuboot";
import type { SweepOptions } from "@tandem/mcuboot";

import type { Context } from "../context.js";
import { ExitCode } from "../exit-codes.js";
import { describeExplanation } from "../mcuboot/describe-explanation.js";
import { collectDump, loadBoard } from "../mcuboot/load-board.js";
import { bootOnce, describeBoot, writeDumps } from "../mcuboot/run-boot.js";
import { runSweepOnThreads } from "../mcuboot/run-sweep.js";
import type { SweepRun } from "../mcuboot/run-sweep.js";
import { describeSweep, parseFlip, parseImageCount } from "../mcuboot/sweep-arguments.js";
import { parseWholeNumber } from "../option-parsers.js";
import { ProgressLine } from "../progress-line.js";

const JSON_OPTION = ["--json", "print one JSON document on standard output"] as const;
const CONFIG_OPTION = ["--config <file>", "build of MCUboot and its flash, JSON"] as const;
const FLASH_OPTION = ["--flash <device=dump>", "raw dump of a device; repeat for more"] as const;
const MAX_BYTES = 1 << 28;
/** What runs shorter needs no bar. */
const QUIET_MS = 1000;

/** `tandem mcuboot`: what MCUboot does with flash, on dumps and at every cut. */
export function registerMcubootCommands(program: Command, context: Context): void {
  const mcuboot = program
    .command("mcuboot")
    .description("MCUboot's boot logic on raw flash dumps: run it, explain it, cut its power")
    .addHelpText("after", "\nThe configuration file is described in docs/mcuboot.md.");
  registerBoot(mcuboot, context);
  registerExplain(mcuboot, context);
  registerSweep(mcuboot, context);
}

function registerBoot(mcuboot: Command, context: Context): void {
  mcuboot
    .command("boot")
    .description("Run one boot on dumps and write the dumps that it leaves")
    .requiredOption(...CONFIG_OPTION)
    .requiredOption(...FLASH_OPTION, collectDump)
    .requiredOption("--out <dir>", "where the dumps go, as DEVICE.bin; replaces what is there")
    .option(
      "--cut <n>",
      "power goes before the nth write or erase, counted from 1",
      parseWholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nExit status: 0 an image starts, or power was cut as asked; 1 nothing starts.",
    )
    .action(async ({ config, flash, out, cut, json }) => {
      const board = loadBoard(config, flash);
      const report = bootOnce(board, cut);
      const files = await writeDumps(board, out);
      if (report.starts === null && report.cut === null) context.setExitCode(ExitCode.Negative);
      if (json === true) printJson(context, { ...report, files });
      else print(context, [...describeBoot(report), `wrote ${files.join(", ")}`]);
    });
}

function registerExplain(mcuboot: Command, context: Context): void {
  mcuboot
    .command("explain")
    .description("Tell what the next two boots do with dumps, why, and what to change")
    .requiredOption(...CONFIG_OPTION)
    .requiredOption(...FLASH_OPTION, collectDump)
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nWrites nothing. Reasons and advice are listed in docs/explain.md.\n" +
        "Exit status: 0 the next boot starts an image, 1 it starts nothing.",
    )
    .action(({ config, flash, json }) => {
      const explanation = explainBoot(loadBoard(config, flash));
      if (explanation.boots[0].starts === null) context.setExitCode(ExitCode.Negative);
      if (json === true) printJson(context, explanation);
      else print(context, describeExplanation(explanation));
    });
}

function registerSweep(mcuboot: Command, context: Context): void {
  const size = parseWholeNumber(1, MAX_BYTES);
  mcuboot
    .command("sweep")
    .description("Cut power before every flash operation of an update and boot again")
    .addOption(
      new Option("--mode <mode>", "how MCUboot updates").choices(SWEEP_MODES).makeOptionMandatory(),
    )
    .option("--images <n>", "images, 1 or 2", parseImageCount, 2)
    .option("--size <bytes>", "payload of each image", size, 100_000)
    .option("--slot-size <bytes>", "size of each slot", size, 0x20000)
    .option("--sector-size <bytes>", "erase unit", size, 4096)
    .option("--align <bytes>", "smallest write", size, 4)
    .addOption(
      new Option("--deps <which>", "dependencies of the new images")
        .choices(["none", "mutual"])
        .default("none"),
    )
    .addOption(
      new Option("--pending <how>", "how the new images are marked")
        .choices(["test", "permanent", "first-only"])
        .default("test"),
    )
    .addOption(
      new Option("--from <boot>", "the boot that is cut")
        .choices(["install", "revert"])
        .default("install"),
    )
    .addOption(
      new Option("--then <what>", "after the cut: none, or flip:IMAGE:OFFSET")
        .argParser(parseFlip)
        .default(null, "none"),
    )
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExit status: 0 the sweep ended, whatever it found; 2 no such sweep.")
    .action(async ({ json, then: flip, ...rest }) => {
      const options = { ...rest, flip };
      const run = await sweep(options, context);
      if (json === true) printJson(context, run.counts);
      else print(context, describeSweep(options, run));
    });
}

async function sweep(options: SweepOptions, context: Context): Promise<SweepRun> {
  const bar = new ProgressLine(context);
  const start = performance.now();
  try {
    return await runSweepOnThreads(options, {
      threads: availableParallelism(),
      signal: context.signal,
      onProgress: (done, total) => {
        if (performance.now() - start >= QUIET_MS) bar.show(`sweep ${options.mode}`, done, total);
      },
    });
  } finally {
    bar.clear();
  }
}

function printJson(context: Context, document: unknown): void {
  context.out(`${JSON.stringify(document)}\n`);
}

function print(context: Context, lines: readonly string[]): void {
  for (const line of lines) context.out(`${line}\n`);
}
