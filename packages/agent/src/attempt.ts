// SPDX-License-Identifier: Apache-2.0
import type { TandemError } from "@tandem/base";

import type { RetryPolicy } from "./retry.js";
import { retryDelayMs } from "./retry.js";

/** Outcome of one request. What can never succeed by repeating it is thrown instead. */
export type Attempt<T> =
  | { readonly kind: "done"; readonly value: T }
  | {
      /** No connection, or none any more; a deadline that passed counts as that. */
      readonly kind: "lost";
      /** True when a connection had been established, so that there was one to drop. */
      readonly connected: boolean;
      readonly error: TandemError;
    }
  | {
      /** The server asks to come back later: 408, 429 and 5xx. */
      readonly kind: "busy";
      readonly error: TandemError;
      readonly retryAfterMs: number | undefined;
    };

/** A request that failed and will be repeated. */
export interface RetryNotice {
  readonly url: string;
  /** Requests made so far without success. */
  readonly attempt: number;
  readonly delayMs: number;
  readonly reason: TandemError;
}

/** The value of the first attempt that succeeded, and what it took. */
export interface Persisted<T> {
  readonly value: T;
  /** Attempts that ended because an established connection was lost. */
  readonly droppedConnections: number;
}

/**
 * Repeats an attempt until it succeeds or the policy's number of attempts is used up.
 * @throws {TandemError} the last attempt's error; whatever `attempt` and `sleep` throw
 */
export async function persist<T>(
  attempt: () => Promise<Attempt<T>>,
  options: {
    readonly url: string;
    readonly policy: RetryPolicy;
    readonly signal: AbortSignal | undefined;
    readonly onRetry: (notice: RetryNotice) => void;
  },
): Promise<Persisted<T>> {
  const { policy, signal } = options;
  let droppedConnections = 0;
  for (let failures = 1; ; failures++) {
    const outcome = await attempt();
    if (outcome.kind === "done") return { value: outcome.value, droppedConnections };
    if (failures >= policy.attempts) throw outcome.error;
    if (outcome.kind === "lost" && outcome.connected) droppedConnections++;
    const retryAfterMs = outcome.kind === "busy" ? outcome.retryAfterMs : undefined;
    const delayMs = retryDelayMs(policy, failures, retryAfterMs);
    options.onRetry({ url: options.url, attempt: failures, delayMs, reason: outcome.error });
    await policy.sleep(delayMs, signal);
    signal?.throwIfAborted();
  }
}
