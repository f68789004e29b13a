// SPDX-License-Identifier: Apache-2.0
import type { ExplorationProgress, Mode } from "@tandem/explore";

/** What is known about the time that is left, in seconds. */
export interface TimeLeft {
  /** From what has been done so far; null: nothing has. */
  readonly workSeconds: number | null;
  /** The work may grow while it is done. */
  readonly isLeast: boolean;
  /** Until the budget is used up; Infinity: there is none. */
  readonly budgetSeconds: number;
}

/** The time left, the shorter one of work and budget, e.g. `at least 40 s left`. */
export function describeTimeLeft({ workSeconds, isLeast, budgetSeconds }: TimeLeft): string {
  const budget = Math.max(0, budgetSeconds);
  if (workSeconds !== null && workSeconds <= budget) {
    return `${isLeast ? "at least" : "about"} ${duration(workSeconds)} left`;
  }
  if (budget === Number.POSITIVE_INFINITY) return "time left unknown";
  return workSeconds === null
    ? `at most ${duration(budget)} left`
    : `budget ends in ${duration(budget)}`;
}

/** Seconds as people say them. */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 120) return `${whole} s`;
  return whole < 7200 ? `${Math.ceil(whole / 60)} min` : `${(whole / 3600).toFixed(1)} h`;
}

/** Time for the rest when a share of equal pieces is done; null: none is. */
export function restOf(seconds: number, done: number, total: number): number | null {
  return done > 0 ? (seconds / done) * Math.max(0, total - done) : null;
}

/** Tells how far an exploration is, and how long it takes, from one progress report to the next. */
export class ExplorationClock {
  readonly #mode: Mode;
  #story = "";
  /** States of the stories before this one. */
  #statesBefore = 0;
  #latestStates = 0;

  constructor(mode: Mode) {
    this.#mode = mode;
  }

  /**
   * Stories are taken to be alike, and states that are known to be all of their story. With one cut
   * this holds well enough; with more of them each state leads to others, and what is known is the
   * least.
   */
  workLeft(progress: ExplorationProgress, seconds: number): Omit<TimeLeft, "budgetSeconds"> {
    const { scenario, done, total, states, pending } = progress;
    if (scenario !== this.#story) this.#statesBefore = this.#latestStates;
    this.#story = scenario;
    this.#latestStates = states;
    const known = states - this.#statesBefore;
    const share = known <= 0 ? 0 : Math.max(0, known - pending) / known;
    return { workSeconds: restOf(seconds, done + share, total), isLeast: this.#mode !== "linear" };
  }
}
