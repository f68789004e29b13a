// SPDX-License-Identifier: Apache-2.0
// A thread of `tandem mcuboot sweep`: runs its share of the points and reports.
import { parentPort, workerData } from "node:worker_threads";

import { nodeCrypto } from "@tandem/base/node";
import { runSweep } from "@tandem/mcuboot";

import { withCachedHashes } from "./cached-hashes.js";
import type { SweepJob, SweepMessage } from "./sweep-job.js";

/** Points between two messages: few enough for a smooth bar, many enough to cost nothing. */
const POINTS_PER_MESSAGE = 64;

// The thread was started with a job by run-sweep.ts, which is the only one to start it.
const { options, index, of }: SweepJob = workerData;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
const post = (message: SweepMessage): void => parentPort?.postMessage(message);

let done = 0;
const start = performance.now();
const counts = runSweep(options, {
  index,
  of,
  crypto: withCachedHashes(nodeCrypto),
  onPoint: () => {
    if (++done % POINTS_PER_MESSAGE === 0) post({ kind: "progress", points: POINTS_PER_MESSAGE });
  },
});
post({ kind: "done", counts, busyMs: performance.now() - start });
