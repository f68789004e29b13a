// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";

import type { Command } from "@commander-js/extra-typings";
import { Option } from "@commander-js/extra-typings";
import { UsageError } from "@tandem/base";
import { FLASH_KINDS, PROFILE_NAMES, checkVectors, makeVectors } from "@tandem/explore";
import type { FlashKind, ProfileName } from "@tandem/explore";

import type { Context } from "../context.js";
import { ExitCode } from "../exit-codes.js";
import { parseWholeNumber } from "../option-parsers.js";
import { replaceFile } from "../write-file.js";

const TEXT_FILE = "boots.txt";
const PAGES_FILE = "pages.bin";

/** `tandem explore vectors`: boots of the coordinator, for other implementations of it. */
export function registerExploreVectors(
  parent: ReturnType<Command["command"]>,
  context: Context,
): void {
  parent
    .command("vectors")
    .description("Write down boots of the coordinator, operation by operation, or check some")
    .option("--out <dir>", "write vectors there")
    .option("--check <dir>", "run the coordinator against the vectors there")
    .addOption(
      new Option("--profile <name>", "tiny chips, or those of a product")
        .choices(PROFILE_NAMES)
        .default("small" as const),
    )
    .addOption(
      new Option("--flash <kind>", "chip that holds the store")
        .choices(FLASH_KINDS)
        .default("nand-1bit" as const),
    )
    .option("--scenario <name>", "only this story; default: all")
    .option("--count <n>", "boots at most", parseWholeNumber(1, 1e6), 400)
    .option("--seed <n>", "decides which states are taken", parseWholeNumber(0, 0xffff_ffff), 1)
    .addHelpText(
      "after",
      "\nExit status: 0 done, or every boot as written; 1 a boot goes otherwise; 2 no vectors.",
    )
    .action(async (options) => {
      const { out, check } = options;
      if ((out === undefined) === (check === undefined)) {
        throw new UsageError("cli/vectors", "expected either --out or --check, with a directory");
      }
      if (out !== undefined) await writeTo(context, out, options);
      if (check !== undefined) checkIn(context, check);
    });
}

async function writeTo(
  context: Context,
  directory: string,
  options: {
    readonly profile: ProfileName;
    readonly flash: FlashKind;
    readonly scenario?: string | undefined;
    readonly count: number;
    readonly seed: number;
  },
): Promise<void> {
  const { profile, flash, scenario, count, seed } = options;
  const made = await makeVectors({
    profile,
    flash,
    count,
    seed,
    ...(scenario === undefined ? {} : { scenario }),
    isOver: () => context.signal.aborted,
  });
  await mkdir(directory, { recursive: true });
  await replaceFile(path.join(directory, PAGES_FILE), made.pages);
  await replaceFile(path.join(directory, TEXT_FILE), made.text);
  const { boots, groups, leftOut } = made;
  context.out(`${boots} boots from ${groups - leftOut.length} of ${groups} kinds of states\n`);
  if (leftOut.length > 0) context.out(`left out: ${leftOut.join(", ")}\n`);
  if (context.signal.aborted) context.setExitCode(ExitCode.Interrupted);
}

function checkIn(context: Context, directory: string): void {
  const { boots, difference } = checkVectors({
    text: readFileSync(path.join(directory, TEXT_FILE), "latin1"),
    pages: readFileSync(path.join(directory, PAGES_FILE)),
  });
  if (difference === null) {
    context.out(`${boots} boots: all go as written\n`);
    return;
  }
  const { line, boot, name, action, text } = difference;
  const where = action === null ? "at its end" : `action ${action}`;
  context.out(`${TEXT_FILE}:${line}: boot ${boot} (${name}), ${where}: ${text}\n`);
  context.setExitCode(ExitCode.Negative);
}
