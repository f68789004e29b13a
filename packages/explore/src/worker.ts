// SPDX-License-Identifier: Apache-2.0
import { parentPort } from "node:worker_threads";

import { JobRunner } from "./job.js";
import type { Job, JobProgress, JobResult, JobShare } from "./job.js";

/** What the pool gives a worker. */
export interface WorkerOrder extends JobShare {
  readonly job: Job;
  /** One word of memory: not zero tells to stop. */
  readonly stop: SharedArrayBuffer;
}

/** What a worker tells the pool. */
export type WorkerReport =
  | { readonly kind: "progress"; readonly progress: JobProgress }
  | { readonly kind: "result"; readonly result: JobResult };

const SLICE_MS = 250;

function work(order: WorkerOrder): void {
  const stop = new Int32Array(order.stop);
  const runner = new JobRunner(order.job, order);
  for (;;) {
    const end = performance.now() + SLICE_MS;
    const isLeft = runner.run(() => performance.now() > end || Atomics.load(stop, 0) !== 0);
    if (!isLeft || Atomics.load(stop, 0) !== 0) break;
    report({ kind: "progress", progress: runner.progress });
  }
  report({ kind: "result", result: runner.result });
}

function report(message: WorkerReport): void {
  // A rule for windows of browsers.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage(message);
}

// Power cuts are thrown; nobody reads where.
Error.stackTraceLimit = 0;
parentPort?.on("message", work);
