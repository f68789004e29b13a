// SPDX-License-Identifier: Apache-2.0
import type { ModelClock } from "@tandem/flash";

import { McuReset } from "./signals.js";

/** Model time of the device, with the watchdog that counts in it. */
export class DeviceClock implements ModelClock {
  #nowUs: number;
  #deadlineUs: number | null;
  /** A healthy application feeds the watchdog in time, whatever it does. */
  #isFed = false;
  readonly #timeoutUs: number;
  /** Model time at which a run that never ends is given up. */
  limitUs: number = Number.POSITIVE_INFINITY;

  constructor(options: { timeoutMs: number; nowUs?: number; deadlineUs?: number | null }) {
    this.#timeoutUs = options.timeoutMs * 1000;
    this.#nowUs = options.nowUs ?? 0;
    this.#deadlineUs = options.deadlineUs ?? null;
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  /** When the watchdog will bite; null while it does not run. */
  get deadlineUs(): number | null {
    return this.#deadlineUs;
  }

  /**
   * @throws {McuReset} watchdog, when its deadline passes meanwhile
   * @throws {RangeError} when time has run past `limitUs`: nothing on the device catches that
   */
  elapse(us: number): void {
    this.#nowUs += us;
    if (this.#nowUs > this.limitUs) throw new RangeError(`no end after ${this.limitUs} us`);
    if (this.#isFed) this.feedWatchdog();
    if (this.#deadlineUs !== null && this.#nowUs > this.#deadlineUs) {
      this.#nowUs = this.#deadlineUs;
      this.#deadlineUs = null;
      throw new McuReset("watchdog");
    }
  }

  /** Starts the watchdog. It runs across soft resets; power-on and its own reset stop it. */
  startWatchdog(): void {
    this.#deadlineUs = this.#nowUs + this.#timeoutUs;
  }

  /** No effect while the watchdog does not run. */
  feedWatchdog(): void {
    if (this.#deadlineUs !== null) this.#deadlineUs = this.#nowUs + this.#timeoutUs;
  }

  stopWatchdog(): void {
    this.#deadlineUs = null;
    this.#isFed = false;
  }

  /** Whether an application is up that feeds the watchdog from now on. */
  setFed(isFed: boolean): void {
    this.#isFed = isFed;
    this.feedWatchdog();
  }

  /** Lets the watchdog bite now: what happens to a program that hangs. */
  waitForWatchdog(): void {
    if (this.#deadlineUs !== null) this.elapse(this.#deadlineUs - this.#nowUs + 1);
  }
}
