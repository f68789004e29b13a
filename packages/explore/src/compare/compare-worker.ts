// SPDX-License-Identifier: Apache-2.0
import { parentPort } from "node:worker_threads";

import { inSlices } from "../slices.js";
import { CompareRunner } from "./compare-job.js";
import type { CompareJob } from "./compare-job.js";
import type { StorySweep } from "./sweep-story.js";

/** A job, and its share of the time. */
export interface Turn {
  readonly job: CompareJob;
  /** Milliseconds; Infinity: until it is done. */
  readonly shareMs: number;
}

/** What a worker is given. */
export interface CompareOrder extends Turn {
  /** One word of memory: not zero tells to stop. */
  readonly stop: SharedArrayBuffer;
}

/** What a worker tells. */
export type CompareMessage =
  /** The story has that many points to run. */
  | { readonly kind: "begun"; readonly planned: number }
  /** That many were run since the last message. */
  | { readonly kind: "progress"; readonly points: number }
  | { readonly kind: "result"; readonly sweep: StorySweep };

/** Between two messages, milliseconds. */
const MESSAGE_MS = 250;

const runner = new CompareRunner();

async function work({ job, shareMs, stop }: CompareOrder): Promise<void> {
  const stopWord = new Int32Array(stop);
  let points = 0;
  const start = performance.now();
  let last = start;
  const tellPoints = (): void => {
    tell({ kind: "progress", points });
    points = 0;
    last = performance.now();
  };
  const run = runner.run(job, {
    isOver: () => Atomics.load(stopWord, 0) !== 0 || performance.now() - start > shareMs,
    onPlan: (planned) => tell({ kind: "begun", planned }),
    onPoint: () => {
      points += 1;
      if (performance.now() - last > MESSAGE_MS) tellPoints();
    },
  });
  const sweep = await inSlices(run);
  tellPoints();
  tell({ kind: "result", sweep });
}

function tell(message: CompareMessage): void {
  // A rule for windows of browsers.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage(message);
}

// Power cuts are thrown; nobody reads where.
Error.stackTraceLimit = 0;
parentPort?.on("message", (order: CompareOrder) => void work(order));
