// SPDX-License-Identifier: Apache-2.0
import { Worker } from "node:worker_threads";

import { InternalError } from "@tandem/base";
import { threadFlags } from "@tandem/base/node";

import { CompareRunner, compareJobs } from "./compare-job.js";
import type { CompareJob } from "./compare-job.js";
import type { CompareMessage, CompareOrder, Turn } from "./compare-worker.js";
import { inSlices } from "../slices.js";
import { MOST_BOOTS } from "./life.js";
import { COMPARED_ROWS } from "./rows.js";
import { COMPARED_STORIES } from "./stories.js";
import { FAILURES } from "./sweep-story.js";
import type { Failure, FailureCounts, StorySweep } from "./sweep-story.js";

export interface CompareOptions {
  /** Names of rows; default: all. */
  readonly rows?: readonly string[];
  /** Names of stories; default: all. */
  readonly stories?: readonly string[];
  /** Cuts per story and row at most, evenly spread; Infinity: all. */
  readonly sample: number;
  /** Threads; 0: everything is done in this one. */
  readonly workers: number;
  /** Milliseconds after which to stop; Infinity: never. */
  readonly budgetMs: number;
  /** Milliseconds, from any moment on. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: CompareProgress) => void;
}

/** How far a comparison is. */
export interface CompareProgress {
  /** Stories that are done, and all of them. */
  readonly done: number;
  readonly total: number;
  readonly points: number;
  /** Points that all stories are expected to have, going by those that were begun; 0: unknown. */
  readonly expected: number;
}

/** One row of the table: the sums of its stories. */
export interface ComparedRowResult {
  readonly row: string;
  readonly title: string;
  readonly isBaseline: boolean;
  readonly points: number;
  readonly possible: number;
  readonly failures: FailureCounts;
  readonly examples: Readonly<Partial<Record<Failure, string>>>;
  readonly stories: readonly StorySweep[];
}

export interface ComparisonReport {
  readonly rows: readonly ComparedRowResult[];
  /** What the stories tell, by name. */
  readonly stories: Readonly<Record<string, string>>;
  /** Cuts per story and row at most; null: all. */
  readonly sample: number | null;
  /** Stories of rows that were begun, and all that were asked for. */
  readonly begun: number;
  readonly asked: number;
  /** Those that were not begun, as row/story. */
  readonly left: readonly string[];
  /** Boots without a fault that each device got after its last fault. */
  readonly boots: number;
  readonly seconds: number;
  /** Every story of every row was begun and, but for the sample, ended. */
  readonly complete: boolean;
}

/** Stories that were not begun, each with the number of its rows. */
export function describeLeft({ left }: Pick<ComparisonReport, "left">): string {
  const rows = new Map<string, number>();
  for (const one of left) {
    const story = one.slice(one.indexOf("/") + 1);
    rows.set(story, (rows.get(story) ?? 0) + 1);
  }
  return [...rows]
    .map(([story, count]) => `${story} in ${count} row${count === 1 ? "" : "s"}`)
    .join(", ");
}

/** Updates both cores in every way that is compared, with the same faults. */
export async function compare(options: CompareOptions): Promise<ComparisonReport> {
  const { now, signal, sample, workers } = options;
  const begin = now();
  const isOver = (): boolean => signal.aborted || now() - begin > options.budgetMs;
  const {
    rows = COMPARED_ROWS.map(({ name }) => name),
    stories = COMPARED_STORIES.map(({ name }) => name),
  } = options;
  const jobs = compareJobs({ rows, stories, sample });
  const known = { stories: 0, planned: 0, points: 0 };
  const sweeps: StorySweep[] = [];
  const plan = (planned: number): void => {
    known.stories += 1;
    known.planned += planned;
  };
  const tell = (more: number): void => {
    known.points += more;
    const { points, stories: begun, planned } = known;
    const expected = begun === 0 ? 0 : Math.round((planned / begun) * jobs.length);
    options.onProgress({ done: sweeps.length, total: jobs.length, points, expected });
  };
  const queue = [...jobs];
  const take = (): Turn | undefined => {
    // What earlier stories have left of their shares of the budget goes to the later ones.
    const shareMs = ((begin + options.budgetMs - now()) * Math.max(1, workers)) / queue.length;
    const job = isOver() ? undefined : queue.shift();
    return job === undefined ? undefined : { job, shareMs };
  };
  const keep = (sweep: StorySweep): void => {
    sweeps.push(sweep);
    tell(0);
  };
  if (workers === 0) {
    const runner = new CompareRunner();
    for (let turn = take(); turn !== undefined; turn = take()) {
      const { job, shareMs } = turn;
      const start = now();
      const isTurnOver = (): boolean => isOver() || now() - start > shareMs;
      const how = { isOver: isTurnOver, onPlan: plan, onPoint: () => tell(1) };
      keep(await inSlices(runner.run(job, how)));
    }
  } else {
    await Promise.all(
      Array.from({ length: workers }, () => runThread({ isOver, take, keep, plan, tell })),
    );
  }
  const isWhole = sweeps.every((sweep) => sweep.points > Math.min(sample, sweep.possible - 1));
  return {
    rows: rowsOf(jobs, sweeps),
    stories: Object.fromEntries(COMPARED_STORIES.map(({ name, title }) => [name, title])),
    sample: Number.isFinite(sample) ? sample : null,
    begun: sweeps.length,
    asked: jobs.length,
    left: queue.map(({ row, story }) => `${row}/${story}`),
    boots: MOST_BOOTS,
    seconds: (now() - begin) / 1000,
    complete: sweeps.length === jobs.length && isWhole,
  };
}

interface Thread {
  readonly isOver: () => boolean;
  readonly take: () => Turn | undefined;
  readonly keep: (sweep: StorySweep) => void;
  readonly plan: (points: number) => void;
  readonly tell: (points: number) => void;
}

/** One thread that takes job after job until none is left. */
async function runThread({ isOver, take, keep, plan, tell }: Thread): Promise<void> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(new URL(`./compare-worker.${extension}`, import.meta.url), {
    execArgv: threadFlags(import.meta.url),
  });
  const stop = new SharedArrayBuffer(4);
  try {
    for (let turn = take(); turn !== undefined; turn = take()) {
      const order: CompareOrder = { ...turn, stop };
      const sweep = await runOn(worker, order, (message) => {
        if (message.kind === "begun") plan(message.planned);
        else tell(message.points);
        if (isOver()) Atomics.store(new Int32Array(stop), 0, 1);
      });
      keep(sweep);
    }
  } finally {
    await worker.terminate();
  }
}

function runOn(
  worker: Worker,
  order: CompareOrder,
  onProgress: (message: Exclude<CompareMessage, { readonly kind: "result" }>) => void,
): Promise<StorySweep> {
  worker.removeAllListeners();
  return new Promise((resolve, reject) => {
    worker.on("error", reject);
    worker.on("exit", () =>
      reject(new InternalError("explore/compare", "a thread ended without a result")),
    );
    worker.on("message", (message: CompareMessage) => {
      if (message.kind === "result") resolve(message.sweep);
      else onProgress(message);
    });
    // A rule for windows of browsers.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    worker.postMessage(order);
  });
}

function rowsOf(
  jobs: readonly CompareJob[],
  sweeps: readonly StorySweep[],
): readonly ComparedRowResult[] {
  return COMPARED_ROWS.flatMap(({ name, title, isBaseline }) => {
    const stories = jobs
      .filter(({ row }) => row === name)
      .map(({ story }) => sweeps.find((sweep) => sweep.row === name && sweep.story === story))
      .filter((sweep) => sweep !== undefined);
    if (stories.length === 0) return [];
    const sum = (pick: (sweep: StorySweep) => number): number =>
      stories.reduce((total, sweep) => total + pick(sweep), 0);
    const failures: FailureCounts = {
      mixedStarts: sum((sweep) => sweep.failures.mixedStarts),
      unbootable: sum((sweep) => sweep.failures.unbootable),
      rollbackFailures: sum((sweep) => sweep.failures.rollbackFailures),
      lostUpdates: sum((sweep) => sweep.failures.lostUpdates),
    };
    const examples: Partial<Record<Failure, string>> = {};
    for (const failure of FAILURES) {
      const line = stories.map((sweep) => sweep.examples[failure]).find((one) => one !== undefined);
      if (line !== undefined) examples[failure] = line;
    }
    const points = sum((sweep) => sweep.points);
    const possible = sum((sweep) => sweep.possible);
    return [{ row: name, title, isBaseline, points, possible, failures, examples, stories }];
  });
}
