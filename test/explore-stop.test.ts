// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";

import { describe, expect, it, onTestFinished } from "vitest";

import { spawnTandem } from "./support/tandem.js";

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
  /** From the signal, or from the start when there was none, to the end. */
  readonly seconds: number;
}

/** Runs a command as a process; presses Ctrl-C when its progress says this. */
async function run(argv: readonly string[], stopAt: RegExp | null): Promise<Ended> {
  const child = spawnTandem(argv, { isTerminal: stopAt !== null });
  onTestFinished(() => void child.kill("SIGKILL"));
  let [out, err] = ["", ""];
  let start = performance.now();
  child.stdout?.on("data", (data) => (out += String(data)));
  child.stderr?.on("data", (data) => {
    const before = err;
    err += String(data);
    if (stopAt?.test(err) !== true || stopAt.test(before)) return;
    start = performance.now();
    child.kill("SIGINT");
  });
  await once(child, "close");
  return { status: child.exitCode, out, err, seconds: (performance.now() - start) / 1000 };
}

/** What is under way is brought to its end, and no more. */
const MOST_SECONDS = 20;

/** Written in the first session of every story. */
const FIRST_CELL = ["READY × journal"];

describe.each<[string, string[], RegExp, string[]]>([
  ["closure, two threads", ["closure", "--workers", "2"], /at least \d.* left/, FIRST_CELL],
  ["closure, one thread", ["closure", "--workers", "0"], /at least \d.* left/, FIRST_CELL],
  ["depth", ["depth", "--depth", "3", "--workers", "1"], /at least \d.* left/, FIRST_CELL],
  ["linear", ["linear", "--flash", "nor", "--workers", "0"], /about \d.* left/, FIRST_CELL],
  // Counts walks to which nothing but cuts has come, and there may be none yet.
  ["random", ["random", "--sessions", "100000000"], /about [\d.]+ h left/, []],
])("tandem explore, %s", (_, options, progress, hit) => {
  it("tells how long it takes, and what it has when Ctrl-C is pressed", async () => {
    const argv = ["explore", "--json", "--mode", ...options];
    const { status, out, seconds } = await run(argv, progress);
    expect(status).toBe(130);
    expect(seconds).toBeLessThan(MOST_SECONDS);
    const document = JSON.parse(out);
    expect(document).toMatchObject({ complete: false, coverage: { zeros: expect.any(Array) } });
    expect(document.faults.cuts).toBeGreaterThan(0);
    for (const cell of hit) expect(document.coverage.zeros).not.toContain(cell);
  });
});

describe.each([
  ["two threads", "2"],
  ["one thread", "0"],
])("tandem explore compare, %s", (_, workers) => {
  it("says what it has when Ctrl-C is pressed", async () => {
    const argv = ["explore", "compare", "--all", "--workers", workers];
    const { status, out, seconds } = await run(argv, /[1-9]\d* points, \d+ per second/);
    expect(status).toBe(130);
    expect(seconds).toBeLessThan(MOST_SECONDS);
    expect(out).toMatch(/^[1-9]\d* of \d+ points in [1-9]\d* of \d+ stories.*; NOT complete$/m);
  });
});

describe("a budget", () => {
  it.each([
    [["--mode", "closure", "--workers", "2"], /stories left: .*any-firmware.*; \d+ states/],
    [["--mode", "random", "--sessions", "9999999"], /NOT complete: \d+ of 9999999 sessions/],
  ])("ends %j in time, with what was left out", async (options, left) => {
    const { status, out, seconds } = await run(["explore", ...options, "--budget", "3s"], null);
    expect(status).toBe(0);
    expect(seconds).toBeGreaterThan(3);
    expect(seconds).toBeLessThan(3 + MOST_SECONDS);
    expect(out).toContain("NOT complete");
    expect(out).toMatch(left);
    expect(out).toContain("not hit: ");
    expect(out).toContain("violations: 0");
  });
});
