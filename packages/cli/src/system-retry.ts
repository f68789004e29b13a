// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";

import type { RetryOptions } from "@tandem/agent";
import { createRandom } from "@tandem/base";

/** Retries in real time, spread by this process's start. */
export function systemRetry(): RetryOptions {
  return {
    sleep: async (ms, signal) => {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    },
    random: createRandom(process.pid ^ Date.now()),
    now: () => Date.now(),
  };
}
