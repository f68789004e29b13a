// SPDX-License-Identifier: Apache-2.0
import { runProgram } from "./program.js";

/** Entry of the executable: binds the program to this process. */
export async function runMain(): Promise<void> {
  const abort = new AbortController();
  const onSignal = (): void => abort.abort();
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  // A reader that has seen enough (`| head`) closes the pipe: there is nobody left to tell.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit();
    });
  }
  process.exitCode = await runProgram(process.argv.slice(2), {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    interactive: process.stderr.isTTY,
    signal: abort.signal,
  });
}
