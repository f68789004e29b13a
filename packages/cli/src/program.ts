// SPDX-License-Identifier: Apache-2.0
import { TandemError } from "@tandem/base";
import { Command, CommanderError } from "@commander-js/extra-typings";

import { registerCheckCommand } from "./commands/check.js";
import { registerServeCommand } from "./commands/serve.js";
import { registerDemoCommand } from "./commands/demo.js";
import { registerTwinCommands } from "./commands/twin.js";
import { registerStoreCommands } from "./commands/store.js";
import { registerLayoutCommands } from "./commands/layout.js";
import { registerMcubootCommands } from "./commands/mcuboot.js";
import { registerExploreCommand } from "./commands/explore.js";
import { registerImageCommands } from "./commands/image.js";
import { registerReleaseCommands } from "./commands/release.js";
import type { Context } from "./context.js";
import { ExitCode, exitCodeOf } from "./exit-codes.js";

/** Runs one command line (without node and script) and returns the exit status. */
export async function runProgram(
  argv: readonly string[],
  context: Omit<Context, "setExitCode">,
): Promise<ExitCode> {
  let exitCode: ExitCode = ExitCode.Ok;
  const program = createProgram({
    ...context,
    setExitCode: (code) => {
      exitCode = code;
    },
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    // Commander has already printed its own message.
    if (!(error instanceof CommanderError)) context.err(`${describe(error)}\n`);
    return exitCodeOf(error);
  }
}

function createProgram(context: Context): Command {
  const program = new Command("tandem")
    .description("Firmware updates that treat all images of a microcontroller as one transaction")
    .exitOverride()
    // So that `explore` can do the same: commands under it have options of the same names.
    .enablePositionalOptions()
    .configureOutput({ writeOut: context.out, writeErr: context.err });
  registerServeCommand(program, context);
  registerDemoCommand(program, context);
  registerTwinCommands(program, context);
  registerImageCommands(program, context);
  registerReleaseCommands(program, context);
  registerStoreCommands(program, context);
  registerExploreCommand(program, context);
  registerMcubootCommands(program, context);
  registerCheckCommand(program, context);
  registerLayoutCommands(program, context);
  return program;
}

/** One line for people; a bug in Tandem keeps its stack. */
function describe(error: unknown): string {
  if (error instanceof TandemError) return `tandem: ${error.message} [${error.code}]`;
  if (error instanceof Error && exitCodeOf(error) !== ExitCode.Bug)
    return `tandem: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
