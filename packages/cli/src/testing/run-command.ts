// SPDX-License-Identifier: Apache-2.0
import { runProgram } from "../program.js";

/** What a command printed, and the status that it ended with. */
export interface CommandResult {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line in this process. */
export async function runCommand(
  argv: readonly string[],
  options: {
    readonly signal?: AbortSignal;
    /** Sees each piece of standard output as it comes. */
    readonly onOut?: (text: string) => void;
  } = {},
): Promise<CommandResult> {
  let out = "";
  let err = "";
  const status = await runProgram(argv, {
    out: (text) => {
      out += text;
      options.onOut?.(text);
    },
    err: (text) => void (err += text),
    interactive: false,
    signal: options.signal ?? new AbortController().signal,
  });
  return { status, out, err };
}
