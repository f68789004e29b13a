// SPDX-License-Identifier: Apache-2.0
import { setImmediate } from "node:timers/promises";

/** Milliseconds after which signals and messages get their turn. */
const SLICE_MS = 50;

/** Does work to its end, with pauses in which the event loop runs: Ctrl-C is heard. */
export async function inSlices<T>(work: Iterator<unknown, T>): Promise<T> {
  let end = performance.now() + SLICE_MS;
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (performance.now() <= end) continue;
    await setImmediate();
    end = performance.now() + SLICE_MS;
  }
}
