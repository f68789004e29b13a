// SPDX-License-Identifier: Apache-2.0
import { Worker } from "node:worker_threads";

import { threadFlags } from "@tandem/base/node";

import { JobRunner } from "./job.js";
import type { Job, JobProgress, JobResult } from "./job.js";
import { inSlices } from "./slices.js";
import type { StateSet } from "./state-set.js";
import type { WorkerOrder, WorkerReport } from "./worker.js";

export interface JobOptions {
  /** Takes the states of the job. */
  readonly seen: StateSet;
  /** True when it is time to stop. */
  readonly isOver: () => boolean;
  readonly onProgress: (progress: readonly JobProgress[]) => void;
}

/** Threads that work off jobs. */
export class Pool implements AsyncDisposable {
  readonly #workers: readonly Worker[];
  readonly #idle: Worker[];

  /** @param count 0: everything is done in this thread */
  constructor(count: number) {
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const file = new URL(`./worker.${extension}`, import.meta.url);
    const execArgv = threadFlags(import.meta.url);
    this.#workers = Array.from({ length: count }, () => new Worker(file, { execArgv }));
    this.#idle = [...this.#workers];
  }

  /** The shares of a job that idle threads did, up to `threads` of them. */
  async run(job: Job, threads: number, options: JobOptions): Promise<readonly JobResult[]> {
    const seen = options.seen.buffer;
    const workers = this.#idle.splice(0, threads);
    const count = workers.length;
    if (count === 0) {
      const runner = new JobRunner(job, { share: { index: 0, count: 1 }, seen });
      return [await inSlices(runHere(runner, options))];
    }
    const stop = new SharedArrayBuffer(4);
    const latest: JobProgress[] = [];
    const results = await Promise.all(
      workers.map((worker, index) =>
        runOn(worker, { job, share: { index, count }, seen, stop }, (progress) => {
          latest[index] = progress;
          options.onProgress(latest.filter((one) => one !== undefined));
          if (options.isOver()) Atomics.store(new Int32Array(stop), 0, 1);
        }),
      ),
    );
    this.#idle.push(...workers);
    return results;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

function* runHere(runner: JobRunner, options: JobOptions): Generator<void, JobResult> {
  while (!options.isOver() && runner.step()) {
    options.onProgress([runner.progress]);
    yield;
  }
  return runner.result;
}

function runOn(
  worker: Worker,
  order: WorkerOrder,
  onProgress: (progress: JobProgress) => void,
): Promise<JobResult> {
  worker.removeAllListeners();
  return new Promise((resolve, reject) => {
    worker.on("error", reject);
    worker.on("message", (report: WorkerReport) => {
      if (report.kind === "progress") onProgress(report.progress);
      else resolve(report.result);
    });
    // A rule for windows of browsers.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    worker.postMessage(order);
  });
}
