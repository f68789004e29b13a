// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { runCommand } from "../testing/run-command.js";
import type { CommandResult } from "../testing/run-command.js";

let folder = "";
let written: CommandResult;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tandem-vectors-"));
  const options = ["--scenario", "good", "--count", "20", "--seed", "3", "--out"];
  written = await runCommand(["explore", "vectors", ...options, folder]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Changes the text file for the time of one check. */
async function checkChanged(change: (text: string) => string): Promise<CommandResult> {
  const file = join(folder, "boots.txt");
  const text = readFileSync(file, "latin1");
  writeFileSync(file, change(text));
  try {
    return await runCommand(["explore", "vectors", "--check", folder]);
  } finally {
    writeFileSync(file, text);
  }
}

describe("tandem explore vectors", () => {
  it("says how many boots it wrote, and what they leave out", () => {
    expect(written.status).toBe(0);
    expect(written.out).toMatch(/^20 boots from 20 of \d+ kinds of states\nleft out: /);
  });

  it("checks what it wrote", async () => {
    const { status, out } = await runCommand(["explore", "vectors", "--check", folder]);
    expect({ status, out }).toEqual({ status: 0, out: "20 boots: all go as written\n" });
  });

  it("names file, line, boot and action of a difference", async () => {
    const { status, out } = await checkChanged((text) =>
      text.replace(/^do store-erase \d+$/m, "do store-erase 9"),
    );
    expect(status).toBe(1);
    expect(out).toMatch(
      /^boots\.txt:\d+: boot \d+ \([\w -]+\), action \d+: store-erase block \d+, expected store-erase block 9\n$/,
    );
  });

  it("refuses files that are no vectors, and says where", async () => {
    const { status, err } = await checkChanged((text) => text.replace(/^do seal$/m, "do nothing"));
    expect(status).toBe(2);
    expect(err).toMatch(/^tandem: boots\.txt:\d+: "nothing", expected .* \[explore\/vectors\]\n$/);
  });

  it("refuses a directory without vectors, both options, and a story that there is not", async () => {
    const missing = await runCommand(["explore", "vectors", "--check", join(folder, "none")]);
    expect(missing.status).toBe(3);
    const both = await runCommand(["explore", "vectors", "--check", folder, "--out", folder]);
    expect(both.status).toBe(2);
    const neither = await runCommand(["explore", "vectors"]);
    expect(neither.err).toContain("cli/vectors");
    const other = await runCommand(["explore", "vectors", "--scenario", "x", "--out", folder]);
    expect(other.err).toContain("explore/scenario");
  });
});
