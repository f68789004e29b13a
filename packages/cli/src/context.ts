// SPDX-License-Identifier: Apache-2.0
import type { ExitCode } from "./exit-codes.js";

/** What a command may touch of the world around it; tests pass their own. */
export interface Context {
  /** Standard output: results only. One document and nothing else under `--json`. */
  readonly out: (text: string) => void;
  /** Standard error: progress, warnings and errors. */
  readonly err: (text: string) => void;
  /** True when standard error is a terminal, so that progress may redraw and colour is welcome. */
  readonly interactive: boolean;
  /** Set when the user presses Ctrl-C. */
  readonly signal: AbortSignal;
  /** The status that the process ends with if nothing is thrown. */
  readonly setExitCode: (code: ExitCode) => void;
}
