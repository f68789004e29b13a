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

  it("find nothing wrong", () => {
    const { violations, sessions, cuts } = walk(2);
    expect(violations).toEqual([]);
    expect(sessions).toBeGreaterThanOrEqual(150);
    expect(cuts).toBeGreaterThan(70);
  });

  it("are the same for equal seeds", () => {
    expect(walk(3)).toEqual(walk(3));
  });
});
