// SPDX-License-Identifier: Apache-2.0
import type { Random } from "@tandem/base";

/** How often and after what delays a request is repeated. */
export interface RetryOptions {
  /** Requests for one fragment without any success, before giving up. Default 8. */
  readonly attempts?: number;
  /** Delay before the first repetition in milliseconds; doubles with each. Default 500. */
  readonly initialDelayMs?: number;
  /** Upper limit of the doubling in milliseconds. Default 30 000. */
  readonly maxDelayMs?: number;
  /** Upper limit in milliseconds of what a server may ask for in Retry-After. Default 120 000. */
  readonly maxRetryAfterMs?: number;
  /** Waits; rejects when the signal aborts. */
  readonly sleep: (delayMs: number, signal: AbortSignal | undefined) => Promise<void>;
  /** Spreads the delays, so that a fleet does not come back all at once. */
  readonly random: Random;
  /** Present time in milliseconds since 1970, for a Retry-After that names a date. */
  readonly now: () => number;
}

/** {@link RetryOptions} with its defaults filled in. */
export type RetryPolicy = Required<RetryOptions>;

const JITTER_STEPS = 1024;

/** Fills in the defaults. */
export function createRetryPolicy(options: RetryOptions): RetryPolicy {
  return {
    attempts: 8,
    initialDelayMs: 500,
    maxDelayMs: 30_000,
    maxRetryAfterMs: 120_000,
    ...options,
  };
}

/**
 * Milliseconds to wait before the next attempt: half of the exponential delay is fixed and half is
 * random; never less than what the server asked for, up to the policy's limit.
 * @param failures attempts that have failed so far, at least 1
 */
export function retryDelayMs(
  policy: RetryPolicy,
  failures: number,
  retryAfterMs: number | undefined,
): number {
  const backOffMs = Math.min(policy.maxDelayMs, policy.initialDelayMs * 2 ** (failures - 1));
  const share = 0.5 + policy.random.below(JITTER_STEPS + 1) / (2 * JITTER_STEPS);
  const asked = Math.min(retryAfterMs ?? 0, policy.maxRetryAfterMs);
  return Math.max(Math.round(backOffMs * share), asked);
}

/**
 * Milliseconds that a Retry-After header asks for; undefined when it is absent or unreadable.
 * @param nowMs present time, milliseconds since 1970
 * @see RFC 9110, section 10.2.3
 */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  // Date.parse takes many texts for dates; HTTP has only this form (RFC 9110, section 5.6.7).
  const date = header.endsWith(" GMT") ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
