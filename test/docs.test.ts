// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { ExitCode } from "../packages/cli/src/exit-codes.js";
import { ReasonCode, ReasonStep } from "../packages/update/src/reason.js";

/** The cells of every table row of a page in docs/, without back-quotes. */
function tableRows(page: string): string[][] {
  const text = readFileSync(new URL(`../docs/${page}`, import.meta.url), "utf8");
  return text
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("`", "")),
    );
}

/** Name and number of the rows whose two columns these are. */
function pairs(rows: readonly string[][], name: number, number: number): string[] {
  return rows
    .filter((row) => /^\d+$/.test(row[number] ?? ""))
    .map((row) => `${row[name]} ${row[number]}`)
    .toSorted();
}

function entries(...tables: readonly Readonly<Record<string, number>>[]): string[] {
  return tables
    .flatMap((table) => Object.entries(table).map(([name, number]) => `${name} ${number}`))
    .toSorted();
}

function membersOf(value: unknown): [string, unknown][] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

/** `name version` of every dependency that a package.json of the workspace asks for. */
function directDependencies(): string[] {
  const root = new URL("../", import.meta.url);
  const folders = readdirSync(new URL("packages/", root)).map((name) => `packages/${name}/`);
  return ["", ...folders].flatMap((folder) => {
    const text = readFileSync(new URL(`${folder}package.json`, root), "utf8");
    const manifest: unknown = JSON.parse(text);
    return ["dependencies", "devDependencies"]
      .flatMap((field) => membersOf(new Map(membersOf(manifest)).get(field)))
      .filter(([name]) => !name.startsWith("@tandem/"))
      .map(([name, version]) => `${name} ${String(version)}`);
  });
}

describe("docs/reasons.md", () => {
  it("has a row for every step and every code, with its number on flash, and for no other", () => {
    expect(pairs(tableRows("reasons.md"), 0, 1)).toEqual(entries(ReasonStep, ReasonCode));
  });
});

describe("docs/exit-codes.md", () => {
  it("has a row for every exit status, and for no other", () => {
    expect(pairs(tableRows("exit-codes.md"), 1, 0)).toEqual(entries(ExitCode));
  });
});

describe("docs/dependencies.md", () => {
  it("has a row with the version of every direct dependency, and of no other", () => {
    const rows = tableRows("dependencies.md").flatMap((row) => {
      const version = row.find((cell) => /^\d+\.\d+\.\d+$/.test(cell));
      return version === undefined ? [] : [`${row[0]} ${version}`];
    });
    expect(rows.toSorted()).toEqual([...new Set(directDependencies())].toSorted());
  });
});
