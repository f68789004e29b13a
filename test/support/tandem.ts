// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import path from "node:path";

import { runCommand } from "../../packages/cli/src/testing/run-command.js";

export { runCommand as tandem };

/** Runs one command line and demands that it ends well. */
export async function tandemOk(...argv: readonly string[]): Promise<string> {
  const result = await runCommand(argv);
  if (result.status !== 0) throw new Error(`tandem ${argv.join(" ")}: ${result.err}`);
  return result.out;
}

/** Starts one command line as a process of its own, which can be killed. */
export function spawnTandem(
  argv: readonly string[],
  options: { readonly isTerminal?: boolean } = {},
): ChildProcess {
  const script = path.join(import.meta.dirname, "run-tandem.ts");
  const flags = ["--import", "tsx", "--conditions=source"];
  return spawn(process.execPath, [...flags, script, ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      ...(options.isTerminal === true ? { TANDEM_TEST_TERMINAL: "1" } : {}),
    },
  });
}
