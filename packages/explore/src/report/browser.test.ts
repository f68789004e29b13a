// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { afterAll, describe, expect, it } from "vitest";

import { compare } from "../compare/compare.js";
import { renderComparison } from "./comparison-page.js";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "tandem-page-"));
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

async function findBrowser(): Promise<string | null> {
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    const found = await run(name, ["--version"]).catch(() => null);
    if (found !== null) return name;
  }
  return null;
}
const browser = await findBrowser();

/** What a browser makes of a page: its elements, and what it tells its console. */
async function open(html: string): Promise<{ readonly dom: string; readonly console: string[] }> {
  const file = join(folder, "page.html");
  writeFileSync(file, html);
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"];
  const profile = `--user-data-dir=${join(folder, "profile")}`;
  const page = pathToFileURL(file).href;
  const { stdout, stderr } = await run(browser ?? "", [...flags, profile, "--dump-dom", page], {
    maxBuffer: 1 << 26,
  });
  return { dom: stdout, console: stderr.split("\n").filter((line) => line.includes("CONSOLE")) };
}

function count(text: string, element: string): number {
  return text.split(`<${element}`).length - 1;
}

/** One point for each row and story that is named. */
async function pageOf(rows: readonly string[], stories: readonly string[]): Promise<string> {
  const report = await compare({
    rows,
    stories,
    sample: 1,
    workers: 0,
    budgetMs: Number.POSITIVE_INFINITY,
    now: () => 0,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  return renderComparison(report);
}

describe.skipIf(browser === null)("page of a comparison, in a browser", () => {
  it("stands as it was written, and the browser has nothing to say against it", async () => {
    const page = await pageOf(["ncs-overwrite", "tandem-nand"], ["good", "net-refused"]);
    const { dom, console } = await open(page);
    expect(console).toEqual([]);
    for (const element of ["svg", "rect", "title", "details", "tr", "dd"]) {
      expect(count(dom, element), element).toBe(count(page, element));
    }
  }, 60_000);

  it("would not load anything, and the browser would say so", async () => {
    const page = await pageOf([], []);
    const { console } = await open(page.replace("</body>", '<img src="page.png" /></body>'));
    expect(console.join()).toContain("Content Security Policy");
  }, 60_000);
});
