// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { FLASH_KINDS } from "./geometry.js";
import { walkAtRandom } from "./random-walk.js";

describe.each(FLASH_KINDS)("random walks on %s", (flash) => {
  const walk = (seed: number): ReturnType<typeof walkAtRandom> =>
    walkAtRandom({
      profile: "small",
      flash,
      seed,
      sessions: 150,
      isOver: () => false,
    });

  it("find nothing wrong", async () => {
    const { violations, sessions, cuts, coverage, complete } = await walk(2);
    expect(violations).toEqual([]);
    expect(sessions).toBeGreaterThanOrEqual(150);
    expect(cuts).toBeGreaterThan(70);
    expect(complete).toBe(true);
    const cells = Object.values(coverage.cells).flatMap((row) => Object.values(row));
    const hits = cells.map((cell) => (typeof cell === "number" ? cell : 0));
    expect(hits.reduce((sum, hit) => sum + hit)).toBe(cuts);
  });

  it("are the same for equal seeds", async () => {
    expect(await walk(3)).toEqual(await walk(3));
  });
});
