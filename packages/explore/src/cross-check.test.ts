// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { crossCheck } from "./cross-check.js";
import type { CrossCheck } from "./cross-check.js";
import { JobRunner } from "./job.js";
import { StateSet } from "./state-set.js";
import { createWorld } from "./world.js";
import type { WorldName } from "./world.js";

/** One cut leads to every state of the first; the second counts attempts. */
const DAMAGED = { profile: "small", flash: "nand-1bit", scenario: "damaged" } as const;
const REFUSED = { ...DAMAGED, scenario: "net-refused-by-b0n" } as const;
const MAX_STATES = 1000;

/** Every state that so many cuts on a path lead to. */
function close(world: WorldName, depth: number): StateSet {
  const seen = new StateSet(MAX_STATES);
  const job = {
    world,
    depth,
    tears: "distinct",
    maxUnstable: 1,
    precision: "closed",
  } as const;
  const runner = new JobRunner(job, { share: { index: 0, count: 1 }, seen: seen.buffer });
  expect(runner.run(() => false)).toBe(false);
  expect(runner.result.found).toEqual([]);
  return seen;
}

function walk(world: WorldName, seen: StateSet): CrossCheck {
  const walks = crossCheck(createWorld(world), seen, { seed: 1, sessions: 200 });
  for (;;) {
    const { done, value } = walks.next();
    if (done === true) return value;
  }
}

describe("a closure", () => {
  it("holds every state that walks with real cuts come to", () => {
    const seen = close(DAMAGED, Number.POSITIVE_INFINITY);
    expect(walk(DAMAGED, seen)).toEqual({ sessions: 200, missed: null });
  });

  it("that leaves states out is found out, with the way to one of them", () => {
    const { sessions, missed } = walk(REFUSED, close(REFUSED, 1));
    expect(sessions).toBeLessThan(200);
    expect(missed?.invariant).toBe("coverage");
    expect(missed?.edges.filter(({ cut }) => cut !== null).length).toBeGreaterThan(1);
  });
});

describe("a set of states", () => {
  it("has what was added, in either word of the key, and nothing else", () => {
    const seen = new StateSet(10);
    seen.add(1, 2);
    seen.add(0, 0);
    expect([seen.has(1, 2), seen.has(0, 0)]).toEqual([true, true]);
    expect([seen.has(2, 1), seen.has(1, 3), seen.has(3, 2)]).toEqual([false, false, false]);
  });
});
