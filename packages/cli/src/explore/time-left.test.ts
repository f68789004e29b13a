// SPDX-License-Identifier: Apache-2.0
import type { ExplorationProgress } from "@tandem/explore";
import { describe, expect, it } from "vitest";

import { ExplorationClock, describeTimeLeft, restOf } from "./time-left.js";

const NO_BUDGET = Number.POSITIVE_INFINITY;

function say(workSeconds: number | null, budgetSeconds: number, isLeast = false): string {
  return describeTimeLeft({ workSeconds, isLeast, budgetSeconds });
}

function at(scenario: string, done: number, states: number, pending: number): ExplorationProgress {
  return { scenario, done, total: 4, states, edges: 9 * states, pending };
}

describe("describeTimeLeft", () => {
  it("says what it knows, and no more", () => {
    expect(say(40, NO_BUDGET)).toBe("about 40 s left");
    expect(say(40, NO_BUDGET, true)).toBe("at least 40 s left");
    expect(say(40, 600, true)).toBe("at least 40 s left");
    expect(say(9000, 600, true)).toBe("budget ends in 10 min");
    expect(say(9000, NO_BUDGET)).toBe("about 2.5 h left");
    expect(say(null, 30)).toBe("at most 30 s left");
    expect(say(null, NO_BUDGET)).toBe("time left unknown");
    expect(say(5, -1)).toBe("budget ends in 0 s");
  });
});

describe("ExplorationClock", () => {
  it("goes by the stories that are done and by the states that wait", () => {
    const clock = new ExplorationClock("linear");
    expect(clock.workLeft(at("a", 0, 10, 10), 1)).toEqual({ workSeconds: null, isLeast: false });
    // Half of the first of four stories.
    expect(clock.workLeft(at("a", 0, 100, 50), 2).workSeconds).toBe(14);
    clock.workLeft(at("a", 0, 100, 0), 4);
    // The second one has 40 states so far, of which 30 wait: a quarter.
    expect(clock.workLeft(at("b", 1, 140, 30), 5).workSeconds).toBeCloseTo(11);
  });

  it("knows only the least where states lead to others", () => {
    const left = new ExplorationClock("closure").workLeft(at("a", 2, 100, 50), 5);
    expect(left).toEqual({ workSeconds: 3, isLeast: true });
  });
});

describe("restOf", () => {
  it("is unknown until something is done, and nothing when all is", () => {
    expect(restOf(3, 0, 10)).toBeNull();
    expect(restOf(3, 1, 10)).toBe(27);
    expect(restOf(3, 12, 10)).toBe(0);
  });
});
