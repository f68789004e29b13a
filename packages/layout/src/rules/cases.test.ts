// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { NAND_CASES } from "../testing/cases/nand-cases.js";
import { KNOWN_ISSUE_CASES, OPTION_CASES } from "../testing/cases/option-cases.js";
import { PACKAGE_CASES } from "../testing/cases/package-cases.js";
import { PARTITION_CASES } from "../testing/cases/partition-cases.js";
import { withChanges } from "../testing/cases/rule-case.js";
import type { RuleCase } from "../testing/cases/rule-case.js";
import type { ProjectFiles } from "../testing/base-projects.js";
import { checkFiles } from "../testing/check-files.js";
import { RULES } from "./all-rules.js";

const CASES = [...PARTITION_CASES, ...OPTION_CASES, ...NAND_CASES, ...PACKAGE_CASES];

/** Findings of one rule in changed files. */
function findingsOf(one: RuleCase, files: ProjectFiles, sdk: string | undefined) {
  const { findings, unreadable } = checkFiles(files, {
    ...(sdk === undefined ? {} : { sdk }),
    release: one.release ?? false,
  });
  expect(unreadable).toEqual([]);
  return findings;
}

/** The line that a finding points to, without indentation. */
function lineAt(files: ProjectFiles, place: { file: string; line: number }): string {
  const text = files[place.file];
  return typeof text === "string" ? (text.split("\n")[place.line - 1] ?? "").trim() : "";
}

describe.each(CASES)("$rule finds $name", (one) => {
  it("at its line, and nothing after it is put right", () => {
    const bad = withChanges(one.base, one.bad);
    const found = findingsOf(one, bad, one.sdk).filter(({ rule }) => rule === one.rule);
    expect(found.map(({ place }) => [place.file, lineAt(bad, place)])).toContainEqual([...one.at]);
    const fixed = findingsOf(one, withChanges(one.base, one.fixed ?? {}), one.sdk);
    expect(fixed.filter(({ rule }) => rule === one.rule)).toEqual([]);
    // Known issues of the SDK that a case names are no part of it.
    const own = fixed.filter(({ rule }) => !rule.startsWith("known/"));
    expect(own.filter(({ severity }) => severity !== "note")).toEqual([]);
  });
});

describe.each(KNOWN_ISSUE_CASES)("$rule finds $name", (one) => {
  it("in an affected SDK, and not in another or an unnamed one", () => {
    const files = withChanges(one.base, one.bad);
    const ofRule = (sdk: string | undefined) =>
      findingsOf(one, files, sdk).filter(({ rule }) => rule === one.rule);
    expect(ofRule(one.sdk).map(({ place }) => [place.file, lineAt(files, place)])).toEqual([
      [...one.at],
    ]);
    expect(ofRule(one.unaffected)).toEqual([]);
    expect(ofRule(undefined)).toEqual([]);
  });
});

describe("the cases", () => {
  it("are at least sixty, and cover every rule", () => {
    const all = [...CASES, ...KNOWN_ISSUE_CASES];
    expect(all.length).toBeGreaterThanOrEqual(60);
    const covered = new Set(all.map(({ rule }) => rule));
    expect(RULES.map(({ id }) => id).filter((id) => !covered.has(id))).toEqual([]);
  });
});
