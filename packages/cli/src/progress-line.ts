// SPDX-License-Identifier: Apache-2.0
import type { Context } from "./context.js";

const WIDTH = 30;

/** One progress bar on standard error: redrawn in place on a terminal, silent elsewhere. */
export class ProgressLine {
  readonly #context: Context;
  #shown = "";

  constructor(context: Context) {
    this.#context = context;
  }

  /** @param done in the units of `total` */
  show(label: string, done: number, total: number): void {
    if (!this.#context.interactive) return;
    const share = total === 0 ? 1 : Math.min(1, done / total);
    const filled = Math.round(share * WIDTH);
    const bar = "█".repeat(filled) + "░".repeat(WIDTH - filled);
    const line = `  ${label.padEnd(16)} ${bar} ${Math.floor(share * 100)
      .toString()
      .padStart(3)} %`;
    if (line === this.#shown) return;
    this.#shown = line;
    this.#context.err(`\r${line}`);
  }

  /** Takes the bar away, so that text can follow. */
  clear(): void {
    if (this.#shown === "") return;
    this.#context.err(`\r${" ".repeat(this.#shown.length)}\r`);
    this.#shown = "";
  }
}
