// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { compare } from "./compare.js";
import type { CompareOptions, ComparisonReport } from "./compare.js";
import { formatLife, parseLife } from "./cut-line.js";
import { describeRelived, relive } from "./relive.js";
import type { RelivedSession } from "./relive.js";
import { COMPARED_ROWS } from "./rows.js";
import { COMPARED_STORIES } from "./stories.js";

function run(options: Partial<CompareOptions>): Promise<ComparisonReport> {
  return compare({
    sample: 1,
    workers: 0,
    budgetMs: Number.POSITIVE_INFINITY,
    now: () => 0,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...options,
  });
}

/** Points, mixed starts, unbootable, rollback failures and lost updates of each story. */
function countsOf({ rows }: ComparisonReport): Record<string, readonly number[]> {
  const stories = rows.flatMap((row) => row.stories);
  return Object.fromEntries(
    stories.map(({ row, story, points, failures }) => [
      `${row}/${story}`,
      [points, ...Object.values(failures)],
    ]),
  );
}

function endOf(line: string): RelivedSession | undefined {
  return [...relive(parseLife(line))].at(-1);
}

describe("compare", () => {
  it("counts what every cut of a story comes to", async () => {
    const report = await run({
      rows: ["mcuboot-offset", "mcuboot-offset-deps"],
      stories: ["good", "net-refused"],
      sample: Number.POSITIVE_INFINITY,
    });
    expect(report.complete).toBe(true);
    expect(countsOf(report)).toEqual({
      "mcuboot-offset/good": [500, 18, 2, 0, 3],
      "mcuboot-offset/net-refused": [614, 612, 2, 2, 0],
      "mcuboot-offset-deps/good": [500, 0, 0, 0, 3],
      "mcuboot-offset-deps/net-refused": [158, 0, 0, 0, 0],
    });
  });

  it("finds nothing with Tandem, whatever is wrong with the release", async () => {
    const report = await run({ rows: ["tandem-nand", "tandem-nor"], sample: 30 });
    const stories = ["good", "app-crashes", "net-silent", "net-refused", "net-busy"];
    expect(countsOf(report)).toEqual(
      Object.fromEntries(
        ["tandem-nand", "tandem-nor"].flatMap((row) =>
          stories.map((story) => [`${row}/${story}`, [31, 0, 0, 0, 0]]),
        ),
      ),
    );
  });

  it("adds stories up to rows, with an example of each failure", async () => {
    const { rows } = await run({ rows: ["ncs-overwrite"], sample: 2 });
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      points: 15,
      failures: { mixedStarts: 0, unbootable: 9, rollbackFailures: 12, lostUpdates: 0 },
      examples: {
        unbootable: "ncs-overwrite/app-crashes -",
        rollbackFailures: "ncs-overwrite/app-crashes -",
      },
    });
  });

  it("stops when it is told to, and says that it is not complete", async () => {
    const stop = new AbortController();
    const report = await run({
      rows: ["mcuboot-move"],
      sample: 50,
      signal: stop.signal,
      onProgress: ({ points }) => {
        if (points === 10) stop.abort();
      },
    });
    expect(report.complete).toBe(false);
    expect(report.rows[0]?.points).toBe(10);
    expect(report.left).toEqual([
      "mcuboot-move/app-crashes",
      "mcuboot-move/net-silent",
      "mcuboot-move/net-refused",
    ]);
  });

  it("says how many points to expect", async () => {
    const seen: number[] = [];
    await run({
      rows: ["mcuboot-move", "mcuboot-move-deps"],
      sample: 3,
      onProgress: ({ points, expected }) => seen.push(points, expected),
    });
    expect(new Set(seen.filter((_, index) => index % 2 === 1))).toEqual(new Set([32]));
    expect(seen.at(-2)).toBe(32);
  });

  it("takes every row through a story before the next one", async () => {
    const stop = new AbortController();
    const rows = ["mcuboot-move", "tandem-nand"];
    const report = await run({
      rows,
      signal: stop.signal,
      onProgress: ({ done }) => {
        if (done === 2) stop.abort();
      },
    });
    expect(report.rows.map(({ row }) => row)).toEqual(rows);
    expect(report).toMatchObject({ begun: 2, asked: 9, sample: 1, complete: false });
  });

  it("comes to the same whatever number of threads there are", async () => {
    const options = { rows: ["mcuboot-offset", "tandem-nand"], stories: ["good"], sample: 12 };
    const { rows: alone } = await run(options);
    const { rows: threads } = await run({ ...options, workers: 2 });
    expect(threads).toEqual(alone);
  });

  it("takes no more time than its budget", async () => {
    let now = 0;
    const report = await run({
      rows: ["mcuboot-move"],
      sample: 50,
      budgetMs: 40,
      now: () => now,
      onProgress: () => void (now += 1),
    });
    expect(report.complete).toBe(false);
    expect(now).toBeLessThanOrEqual(42);
    // Each story has had its share, and its cuts are spread over all of it.
    const [row] = report.rows;
    expect(row?.stories.map(({ points }) => points > 5)).toEqual([true, true, true, true]);
    const [good] = row?.stories ?? [];
    const outcomes = good?.timeline.flatMap((part) => part.outcomes) ?? [];
    const cut = outcomes.flatMap((outcome, index) => (outcome === "-" ? [] : [index]));
    expect(cut[0]).toBe(0);
    expect(cut.at(-1)).toBeGreaterThan(outcomes.length / 2);
  });
});

describe("docs/compare.md", () => {
  const page = readFileSync(new URL("../../../../docs/compare.md", import.meta.url), "utf8");
  const named = (cells: RegExp): string[] =>
    [...page.matchAll(cells)].map(([, name = ""]) => name).toSorted();

  it("has each row and each story", () => {
    const rows = COMPARED_ROWS.map(({ name }) => name).toSorted();
    expect(named(/^\| \**`([^`]+)`: .*\d \|$/gm)).toEqual(rows);
    const stories = COMPARED_STORIES.map(({ name }) => name).toSorted();
    expect(named(/^\| `([a-z-]+)` +\| (?:nothing|its|b0n)/gm)).toEqual(stories);
  });

  it("says what each field of the document holds", async () => {
    const report = await run({ rows: ["mcuboot-move"], stories: ["good"] });
    const [row] = report.rows;
    const [story] = row?.stories ?? [];
    const [part] = story?.timeline ?? [];
    const fields = [report, row, story, part].flatMap((one) => Object.keys(one ?? {}));
    const described = page.slice(page.indexOf("## The document"));
    for (const field of fields) expect(described).toMatch(new RegExp(`[\`.]${field}[\`\\[]`));
  });
});

describe("relive", () => {
  it.each([
    ["ncs-overwrite/net-refused -", ["unbootable", "rollbackFailures"]],
    ["ncs-overwrite-app-first/good -", ["mixedStarts"]],
    ["ncs-move/app-crashes -", ["mixedStarts", "rollbackFailures"]],
    ["ncs-move-documented/app-crashes -", ["mixedStarts", "rollbackFailures"]],
    ["ncs-overwrite-store/net-silent -", []],
    ["ncs-overwrite-store/net-refused -", ["unbootable", "rollbackFailures"]],
    ["ncs-move-store/good 0@20i:some-bits", []],
    ["ncs-move-store/app-crashes -", ["mixedStarts"]],
    ["ncs-move-store/net-silent -", ["mixedStarts"]],
    ["ncs-move-v3.2/good -", ["unbootable"]],
    ["mcuboot-move/net-refused -", ["mixedStarts"]],
    ["mcuboot-move-deps/net-refused -", []],
    ["tandem-nand/net-refused -", []],
  ])("shows %s again", (line, failures) => {
    expect(endOf(line)?.failures).toEqual(failures);
  });

  it("shows each example of a comparison again", async () => {
    const { rows } = await run({ rows: ["mcuboot-scratch", "ncs-move"], sample: 40 });
    const examples = rows.flatMap((row) => Object.entries(row.examples));
    expect(examples.length).toBeGreaterThan(3);
    for (const [failure, line] of examples) expect(endOf(line)?.failures, line).toContain(failure);
  });

  it("has the real store and service in front of MCUboot", () => {
    const [first] = relive(parseLife("ncs-move-store/good -"));
    const devices = new Set(first?.session.operations.map(({ device }) => device));
    expect([...devices]).toEqual(["nand", "ext-flash"]);
    expect(first?.session.events).toContain("the store is CANDIDATE");
  });

  it("leaves RAM in the network core where a revert is as documented", () => {
    expect(endOf("ncs-move/net-silent -")?.session.cores).toEqual(["old", "new"]);
    expect(endOf("ncs-move-documented/net-silent -")?.session.cores).toEqual(["old", null]);
  });

  it("cuts where the line says", () => {
    const sessions = [...relive(parseLife("tandem-nand/good 1@3i:some-bits"))];
    expect(sessions.map(({ session }) => session.end).slice(0, 2)).toEqual(["reset", "power-lost"]);
    expect(sessions[1]?.session.operations).toHaveLength(4);
    const [, cut] = sessions.map((session, number) => describeRelived(session, number).join("\n"));
    expect(cut).toMatch(/^session 1: 4 flash operations \(nand 4\)$/m);
    expect(cut).toMatch(
      /^ {2}power-lost inside (program|erase) of nand 0x[0-9a-f]+ \(some-bits\)/m,
    );
    expect(sessions[1]?.session.cores).toEqual(["old", "old"]);
    expect(sessions.at(-1)?.session.cores).toEqual(["new", "new"]);
  });
});

describe("lines", () => {
  it("say what was cut", () => {
    const line = "ncs-move/good 1@14i:some-bits";
    const { row, story, placed } = parseLife(line);
    expect(placed).toEqual({
      session: 1,
      cut: { operation: 14, when: "inside", tear: "some-bits" },
    });
    expect(formatLife(row.name, story.name, placed)).toBe(line);
    expect(parseLife(" ncs-move/good  - ").placed).toBeNull();
  });

  it.each([
    "",
    "good -",
    "ncs-move/none -",
    "none/good -",
    "ncs-move/good",
    "ncs-move/good 1@x",
    "ncs-move/good @1b",
    "ncs-move/good 1@2i:never",
    "ncs-move/good 1- -",
  ])("are refused: %j", (line) => {
    expect(() => parseLife(line)).toThrow(expect.objectContaining({ code: "explore/line" }));
  });
});
