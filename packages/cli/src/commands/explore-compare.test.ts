// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { runCommand } from "../testing/run-command.js";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-compare-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const COMPARE = ["explore", "compare", "--workers", "0"];

describe("tandem explore compare", () => {
  it("prints one document, and succeeds when nothing fails with Tandem", async () => {
    const { status, out } = await runCommand([
      ...COMPARE,
      "--row",
      "ncs-overwrite",
      "tandem-nor",
      "--sample",
      "2",
      "--json",
    ]);
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      complete: true,
      rows: [
        { row: "ncs-overwrite", points: 15, failures: { unbootable: 9, rollbackFailures: 12 } },
        { row: "tandem-nor", points: 15, failures: { unbootable: 0, rollbackFailures: 0 } },
      ],
    });
  });

  it("prints a table with lines that show each failure again", async () => {
    const { status, out } = await runCommand([
      ...COMPARE,
      "--row",
      "ncs-move-v3.2",
      "--sample",
      "1",
    ]);
    expect(status).toBe(0);
    expect(out).toMatch(/^NCS v3.2.1, swap using move +10 +0 +10 +8 +0$/m);
    expect(out).toContain("10 of 4190 points in 5 of 5 stories");
    const [, line = ""] = /compare replay '(ncs-move-v3\.2\/good [^']+)'/.exec(out) ?? [];
    const replayed = await runCommand(["explore", "compare", "replay", line]);
    expect(replayed.status).toBe(1);
    expect(replayed.out).toContain("FAILURE: unbootable");
  });

  it("writes a page", async () => {
    const report = join(folder, "page.html");
    const options = ["--row", "tandem-nor", "--sample", "1", "--report", report];
    const { status } = await runCommand([...COMPARE, ...options]);
    expect(status).toBe(0);
    const page = readFileSync(report, "utf8");
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain("Tandem under its hook, NOR");
  });

  it("says what it has when it is interrupted", async () => {
    const { status, out } = await runCommand([...COMPARE, "--row", "ncs-move"], {
      signal: AbortSignal.abort(),
    });
    expect(status).toBe(130);
    expect(out).toContain("NOT complete");
  });

  it("refuses lines and rows that there are not", async () => {
    const line = await runCommand(["explore", "compare", "replay", "ncs-move/good 1@2i:never"]);
    expect(line.status).toBe(2);
    const row = await runCommand([...COMPARE, "--row", "none"]);
    expect(row.status).toBe(2);
  });
});

describe("tandem explore --report", () => {
  it("writes a page beside the document", async () => {
    const report = join(folder, "page.html");
    const options = "--scenario damaged --flash nor --workers 0 --json --report".split(" ");
    const { status, out } = await runCommand(["explore", ...options, report]);
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ violations: [], scenarios: ["damaged"] });
    expect(readFileSync(report, "utf8")).toContain("Exploration: small, nor, linear");
  });

  it("is refused where there is no such page", async () => {
    const { status, err } = await runCommand(["explore", "--mode", "random", "--report", "page"]);
    expect(status).toBe(2);
    expect(err).toContain("cli/report");
  });
});
