// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import path from "node:path";

import { runProgram } from "../../packages/cli/src/program.js";

/** What a command printed, and the status that it ended with. */
export interface CommandResult {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line in this process. */
export async function tandem(
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

/** Runs one command line and demands that it ends well. */
export async function tandemOk(...argv: readonly string[]): Promise<string> {
  const result = await tandem(argv);
  if (result.status !== 0) throw new Error(`tandem ${argv.join(" ")}: ${result.err}`);
  return result.out;
}

/** Starts one command line as a process of its own, which can be killed. */
export function spawnTandem(argv: readonly string[]): ChildProcess {
  const script = path.join(import.meta.dirname, "run-tandem.ts");
  const flags = ["--import", "tsx", "--conditions=source"];
  return spawn(process.execPath, [...flags, script, ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
  });
}
