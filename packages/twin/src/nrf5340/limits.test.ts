// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { damaged, live } from "../testing/lost-pages.js";
import type { Limit } from "../testing/lost-pages.js";

const WHEN = ["before", "inside", "after"] as const;

const NOTHING = { runs: "nothing", givenUp: ["I3", "I4"] } as const;
const WITHOUT_JOURNAL = { runs: "nothing", givenUp: ["I9", "I3", "I4"] } as const;
const OLD = { runs: "1.0.0", givenUp: [] } as const;
const NEW = { runs: "1.1.0", givenUp: [] } as const;
const STOPGAP = { runs: "1.1.0", givenUp: ["I6"] } as const;
const BACK = { runs: "1.0.0", givenUp: ["I5"] } as const;

const LIMITS: readonly Limit[] = [
  { situation: "at rest", lost: ["accepted"], ...OLD },
  { situation: "at rest", lost: ["marker torn"], ...OLD },
  { situation: "at rest", lost: ["journal"], runs: "1.0.0", givenUp: ["I9"] },
  { situation: "at rest", lost: ["accepted", "application slot"], ...NOTHING },
  { situation: "at rest", lost: ["accepted", "marker torn"], ...NOTHING },
  { situation: "at rest", lost: ["journal", "application slot"], ...WITHOUT_JOURNAL },
  { situation: "at rest", lost: ["journal", "marker torn"], ...WITHOUT_JOURNAL },

  { situation: "staged", lost: ["candidate"], ...OLD },
  { situation: "staged", lost: ["accepted"], ...OLD },
  { situation: "staged", lost: ["accepted", "candidate"], ...OLD },
  { situation: "staged", lost: ["marker torn"], ...NEW },
  { situation: "staged", lost: ["newest record"], runs: "1.0.0", givenUp: ["I9"] },
  { situation: "staged", lost: ["journal"], runs: "1.0.0", givenUp: ["I9"] },
  { situation: "staged", lost: ["accepted", "application slot"], ...STOPGAP },
  { situation: "staged", lost: ["accepted", "marker torn"], ...STOPGAP },
  { situation: "staged", lost: ["accepted", "candidate", "marker torn"], ...NOTHING },

  ...(["network core half written", "application core half written"] as const).flatMap(
    (situation): Limit[] => [
      { situation, lost: ["candidate"], ...OLD },
      { situation, lost: ["accepted"], ...NEW },
      { situation, lost: ["accepted"], isBad: true, ...STOPGAP },
      { situation, lost: ["marker torn"], ...NEW },
      { situation, lost: ["accepted", "marker torn"], isBad: true, ...STOPGAP },
      { situation, lost: ["newest record"], runs: "1.1.0", givenUp: ["I9"] },
      { situation, lost: ["accepted", "candidate"], ...NOTHING },
      { situation, lost: ["journal"], ...WITHOUT_JOURNAL },
      { situation, lost: ["journal", "marker erased"], ...WITHOUT_JOURNAL },
    ],
  ),

  { situation: "on trial", lost: ["candidate"], ...NEW },
  { situation: "on trial", lost: ["accepted"], ...NEW },
  { situation: "on trial", lost: ["accepted"], isBad: true, ...STOPGAP },
  { situation: "on trial", lost: ["marker torn"], ...OLD },
  { situation: "on trial", lost: ["newest record"], runs: "1.1.0", givenUp: ["I9"] },
  { situation: "on trial", lost: ["accepted", "marker torn"], ...STOPGAP },
  { situation: "on trial", lost: ["accepted", "candidate"], isBad: true, ...NOTHING },
  { situation: "on trial", lost: ["journal"], ...WITHOUT_JOURNAL },

  { situation: "updated", lost: ["previous"], ...NEW },
  { situation: "updated", lost: ["accepted"], ...NEW },
  { situation: "updated", lost: ["newest record"], runs: "1.1.0", givenUp: ["I9"] },
  { situation: "updated", lost: ["accepted", "application slot"], ...BACK },
  { situation: "updated", lost: ["accepted", "marker torn"], ...BACK },
  { situation: "updated", lost: ["accepted", "previous", "application slot"], ...NOTHING },

  {
    situation: "at rest",
    adopts: true,
    lost: ["journal", "marker erased"],
    runs: "1.0.0",
    givenUp: ["I9"],
  },
  {
    situation: "application core half written",
    adopts: true,
    lost: ["journal", "marker erased"],
    ...WITHOUT_JOURNAL,
  },
  {
    situation: "network core half written",
    adopts: true,
    lost: ["journal", "marker erased"],
    runs: "1.0.0",
    givenUp: ["I9", "I2"],
  },
];

/** Cuts per row: at each operation of the boots that follow, or at this many spread over them. */
const MAX_CUTS = 16;

function nameOf({ situation, lost, isBad, adopts }: Limit): string {
  const release = isBad === true ? ", bad release" : "";
  return `${situation}${release}${adopts === true ? ", allowAdoption" : ""} | ${lost.join(", ")}`;
}

describe("a device that has lost more than one copy of a page", () => {
  it.each(LIMITS.map((limit) => [nameOf(limit), limit] as const))("%s", (_, limit) => {
    const { runs, givenUp: broken } = limit;
    const damage = damaged(limit);
    expect(live(damage)).toEqual({ runs, givenUp: broken });
    const { operations } = damage.device.twin.power;
    const step = Math.ceil(operations / MAX_CUTS);
    for (let at = 0; at < operations; at += step) {
      const again = damaged(limit);
      const when = WHEN[(at / step) % WHEN.length] ?? "inside";
      again.device.twin.power.planCut({ when, matches: () => true, skip: at });
      const what = `cut ${when} operation ${at} of ${operations}`;
      expect(live(again), what).toEqual({ runs, givenUp: broken });
    }
  });

  it("stands still only when nothing whole is left that could be found", () => {
    const early = LIMITS.filter(({ givenUp }) => givenUp.includes("I4") && !givenUp.includes("I3"));
    expect(early).toEqual([]);
  });

  it("is described row by row in docs/limits.md", () => {
    const page = new URL("../../../../docs/limits.md", import.meta.url);
    const rows = readFileSync(page, "utf8")
      .split("\n")
      .filter((line) => line.startsWith("| "))
      .map((line) =>
        line
          .split("|")
          .slice(1, 5)
          .map((cell) => cell.trim())
          .join(" | "),
      );
    for (const limit of LIMITS) {
      expect(rows).toContain(`${nameOf(limit)} | ${limit.runs} | ${limit.givenUp.join(", ")}`);
    }
  });
});
