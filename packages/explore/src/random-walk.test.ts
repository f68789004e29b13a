// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { FAULT_KINDS } from "./faults.js";
import type { FaultKind } from "./faults.js";
import { FLASH_KINDS } from "./geometry.js";
import { walkAtRandom } from "./random-walk.js";

describe.each(FLASH_KINDS)("random walks on %s", (flash) => {
  const walk = (seed: number, faults?: FaultKind[]): ReturnType<typeof walkAtRandom> =>
    walkAtRandom({
      ...(faults === undefined ? {} : { faults }),
      profile: "small",
      flash,
      seed,
      sessions: 150,
      isOver: () => false,
    });

  it("find nothing wrong", async () => {
    const { violations, sessions, faults, complete } = await walk(2);
    expect(violations).toEqual([]);
    expect(sessions).toBeGreaterThanOrEqual(150);
    const none = flash === "nor" ? ["decay", "bad-blocks"] : [];
    const missing = FAULT_KINDS.filter((kind) => faults[kind] === 0);
    expect(missing).toEqual(none);
    expect(complete).toBe(true);
  });

  it("tell where power went, when nothing else comes", async () => {
    const { violations, faults, coverage } = await walk(2, ["cuts"]);
    expect(violations).toEqual([]);
    expect(faults.cuts).toBeGreaterThan(70);
    expect(faults.cuts).toBe(Object.values(faults).reduce((sum, count) => sum + count));
    const cells = Object.values(coverage.cells).flatMap((row) => Object.values(row));
    const hits = cells.map((cell) => (typeof cell === "number" ? cell : 0));
    expect(hits.reduce((sum, hit) => sum + hit)).toBe(faults.cuts);
  });

  it("are the same for equal seeds", async () => {
    expect(await walk(3)).toEqual(await walk(3));
  });
});
