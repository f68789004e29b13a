// SPDX-License-Identifier: Apache-2.0
import { Worker } from "node:worker_threads";

import { InternalError } from "@tandem/base";
import { nodeCrypto, threadFlags } from "@tandem/base/node";
import { addSweepCounts, countSweepPoints } from "@tandem/mcuboot";
import type { SweepCounts, SweepOptions } from "@tandem/mcuboot";

import type { SweepJob, SweepMessage } from "./sweep-job.js";

/** How a sweep is spread and watched. */
export interface RunSweepOptions {
  readonly threads: number;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

const WORKER = import.meta.url.endsWith(".ts")
  ? new URL("./sweep-worker.ts", import.meta.url)
  : new URL("./sweep-worker.js", import.meta.url);

/** A sweep that has ended. */
export interface SweepRun {
  readonly counts: SweepCounts;
  /** What the slowest thread took, without the start of threads. */
  readonly busyMs: number;
}

/**
 * Runs a sweep on several threads.
 * @throws {UsageError} mcuboot/sweep-options before any thread is started
 * @throws the reason of `signal`
 */
export async function runSweepOnThreads(
  options: SweepOptions,
  { threads, signal, onProgress }: RunSweepOptions,
): Promise<SweepRun> {
  const total = countSweepPoints(options, nodeCrypto);
  const stop = new AbortController();
  const ends = AbortSignal.any([signal, stop.signal]);
  let done = 0;
  const parts = Array.from({ length: threads }, (_, index) =>
    runThread({ options, index, of: threads }, ends, (points) => {
      done += points;
      onProgress(done, total);
    }),
  );
  try {
    const runs = await Promise.all(parts);
    return {
      counts: addSweepCounts(runs.map(({ counts }) => counts)),
      busyMs: Math.max(...runs.map(({ busyMs }) => busyMs)),
    };
  } catch (error) {
    // One thread has failed or all were told to stop: none is left behind.
    stop.abort();
    await Promise.allSettled(parts);
    throw error;
  }
}

function runThread(
  job: SweepJob,
  signal: AbortSignal,
  onPoints: (points: number) => void,
): Promise<SweepRun> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const worker = new Worker(WORKER, { workerData: job, execArgv: threadFlags(import.meta.url) });
    const abort = (): void => {
      reject(signal.reason);
      void worker.terminate();
    };
    signal.addEventListener("abort", abort, { once: true });
    worker.on("message", (message: SweepMessage) => {
      if (message.kind === "progress") onPoints(message.points);
      else resolve(message);
    });
    worker.on("error", reject);
    worker.on("exit", () => {
      signal.removeEventListener("abort", abort);
      reject(new InternalError("cli/sweep-thread", "a thread of the sweep ended without a result"));
    });
  });
}
