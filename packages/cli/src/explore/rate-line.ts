// SPDX-License-Identifier: Apache-2.0
import type { Context } from "../context.js";

/** Milliseconds between two drawings. */
const DRAW_MS = 200;

/** One line of progress on standard error: redrawn in place on a terminal, silent elsewhere. */
export class RateLine {
  readonly #context: Context;
  readonly #now: () => number;
  readonly #start: number;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #shown = 0;

  /** @param now milliseconds, from any moment on */
  constructor(context: Context, now: () => number = () => performance.now()) {
    this.#context = context;
    this.#now = now;
    this.#start = now();
  }

  /** @param line what to show, made only if it is shown; told the seconds since the beginning */
  show(line: (seconds: number) => string): void {
    const now = this.#now();
    if (!this.#context.interactive || now - this.#drawnAt < DRAW_MS) return;
    this.#drawnAt = now;
    const text = `  ${line((now - this.#start) / 1000)}`;
    this.#context.err(`\r${text.padEnd(this.#shown)}`);
    this.#shown = text.length;
  }

  /** Takes the line away, so that text can follow. */
  clear(): void {
    if (this.#shown > 0) this.#context.err(`\r${" ".repeat(this.#shown)}\r`);
    this.#shown = 0;
  }
}
