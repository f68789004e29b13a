// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { describe, expect, it } from "vitest";

import { createRetryPolicy, parseRetryAfter, retryDelayMs } from "./retry.js";

const BASE = { sleep: async () => await Promise.resolve(), now: () => 0 };
const policyWith = (below: (bound: number) => number): ReturnType<typeof createRetryPolicy> =>
  createRetryPolicy({ ...BASE, random: { ...createRandom(1), below } });

describe("retryDelayMs", () => {
  it("doubles up to its limit, at most with all of the jitter", () => {
    const policy = policyWith((bound) => bound - 1);
    const delays = [1, 2, 3, 7, 8, 60].map((failures) => retryDelayMs(policy, failures, undefined));
    expect(delays).toEqual([500, 1000, 2000, 30_000, 30_000, 30_000]);
  });

  it("never waits less than half of that", () => {
    const policy = policyWith(() => 0);
    const delays = [1, 2, 3, 60].map((failures) => retryDelayMs(policy, failures, undefined));
    expect(delays).toEqual([250, 500, 1000, 15_000]);
  });

  it("waits as long as the server asks, within the limit", () => {
    const policy = policyWith(() => 0);
    expect(retryDelayMs(policy, 1, 100)).toBe(250);
    expect(retryDelayMs(policy, 1, 60_000)).toBe(60_000);
    expect(retryDelayMs(policy, 1, 10 ** 9)).toBe(120_000);
  });
});

describe("parseRetryAfter", () => {
  const now = Date.parse("2026-11-01T12:00:00Z");
  it.each([
    ["5", 5000],
    ["0", 0],
    ["Sun, 01 Nov 2026 12:01:00 GMT", 60_000],
    ["Sun, 01 Nov 2026 11:00:00 GMT", 0],
    ["-5", undefined],
    ["soon", undefined],
    [undefined, undefined],
  ])("reads %s as %s ms", (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });
});
