// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { formatSdkRange } from "../model/sdk-version.js";
import { RULES } from "./all-rules.js";

const DOCUMENT = readFileSync(new URL("../../../../docs/check.md", import.meta.url), "utf8");
const ROWS = DOCUMENT.split("\n")
  .filter((line) => /^\| `[a-z]+\//.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()));

function plain(text: string): string {
  return text.replaceAll("<", "&lt;");
}

describe("docs/check.md", () => {
  it("has one row per rule, in their order", () => {
    expect(ROWS.map(([, id]) => id)).toEqual(RULES.map(({ id }) => `\`${id}\``));
  });

  it.each(RULES)("says of $id what the rule says", (rule) => {
    const row = ROWS.find(([, id]) => id === `\`${rule.id}\``);
    expect(row?.[2]).toBe(rule.severity);
    expect(row?.[3]).toContain(rule.title);
    expect(row?.slice(4, 7)).toEqual([
      plain(rule.fix),
      formatSdkRange(rule.affects),
      plain(rule.source),
    ]);
  });

  it("has a reason, a source and a fix for every rule", () => {
    for (const { reason, source, fix, title } of RULES) {
      expect(Math.min(reason.length, source.length, fix.length, title.length)).toBeGreaterThan(10);
    }
    expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
  });
});
