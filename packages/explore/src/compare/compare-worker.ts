// SPDX-License-Identifier: Apache-2.0
import { parentPort } from "node:worker_threads";

import { inSlices } from "../slices.js";
import { CompareRunner } from "./compare-job.js";
import type { CompareJob } from "./compare-job.js";
import type { StorySweep } from "./sweep-story.js";

/** What a worker is given. */
export interface CompareOrder {
  readonly job: CompareJob;
  /** One word of memory: not zero tells to stop. */
  readonly stop: SharedArrayBuffer;
}

/** What a worker tells. */
export type CompareMessage =
  | { readonly kind: "progress"; readonly points: number }
  | { readonly kind: "result"; readonly sweep: StorySweep };

/** Points between two messages. */
const POINTS_PER_MESSAGE = 50;

const runner = new CompareRunner();

async function work({ job, stop }: CompareOrder): Promise<void> {
  const stopWord = new Int32Array(stop);
  let points = 0;
  const run = runner.run(job, {
    isOver: () => Atomics.load(stopWord, 0) !== 0,
    onPoint: () => {
      points += 1;
      if (points % POINTS_PER_MESSAGE === 0) tell({ kind: "progress", points: POINTS_PER_MESSAGE });
    },
  });
  tell({ kind: "result", sweep: await inSlices(run) });
}

function tell(message: CompareMessage): void {
  // A rule for windows of browsers.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage(message);
}

// Power cuts are thrown; nobody reads where.
Error.stackTraceLimit = 0;
parentPort?.on("message", (order: CompareOrder) => void work(order));
