// SPDX-License-Identifier: Apache-2.0
import { Worker } from "node:worker_threads";

import { InternalError } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { addSweepCounts, countSweepPoints } from "@tandem/mcuboot";
import type { SweepCounts, SweepOptions } from "@tandem/mcuboot";

import type { SweepJob, SweepMessage } from "./sweep-job.js";

/** How a sweep is spread and watched. */
export interface RunSweepOptions {
  readonly threads: number;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** From sources (tests, `npm run bench`) the thread needs the loader that this one runs under. */
const IS_SOURCE = import.meta.url.endsWith(".ts");
const WORKER = IS_SOURCE
  ? new URL("./sweep-worker.ts", import.meta.url)
  : new URL("./sweep-worker.js", import.meta.url);
const EXEC_ARGV = IS_SOURCE ? ["--import", "tsx", "--conditions=source"] : [];

/**
 * Runs a sweep on several threads.
 * @throws {UsageError} mcuboot/sweep-options before any thread is started
 * @throws the reason of `signal`
 */
export async function runSweepOnThreads(
  options: SweepOptions,
  { threads, signal, onProgress }: RunSweepOptions,
): Promise<SweepCounts> {
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
    return addSweepCounts(await Promise.all(parts));
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
): Promise<SweepCounts> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const worker = new Worker(WORKER, { workerData: job, execArgv: EXEC_ARGV });
    const abort = (): void => {
      reject(signal.reason);
      void worker.terminate();
    };
    signal.addEventListener("abort", abort, { once: true });
    worker.on("message", (message: SweepMessage) => {
      if (message.kind === "progress") onPoints(message.points);
      else resolve(message.counts);
    });
    worker.on("error", reject);
    worker.on("exit", () => {
      signal.removeEventListener("abort", abort);
      reject(new InternalError("cli/sweep-thread", "a thread of the sweep ended without a result"));
    });
  });
}
