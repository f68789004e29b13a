// SPDX-License-Identifier: Apache-2.0
import { FormatError } from "@tandem/base";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { checkFiles } from "../testing/check-files.js";
import { PM_PROJECT, DT_PROJECT } from "../testing/base-projects.js";

/** Long enough for a slow machine, far below what anything quadratic would take. */
const MAX_MS = 5000;

const FILES = ["pm_static.yml", "partitions.yml", "app.overlay", "prj.conf", "dfu_application.zip"];

/** The one error that reading a file ends in. */
function errorOf(path: string, content: string | Uint8Array): FormatError | undefined {
  const start = performance.now();
  const { unreadable } = checkFiles({ [path]: content });
  expect(performance.now() - start).toBeLessThan(MAX_MS);
  expect(unreadable.length).toBeLessThanOrEqual(1);
  return unreadable[0];
}

describe("malformed input", () => {
  it.each([
    ["a tab as indentation", "pm_static.yml", "app:\n\taddress: 0x0\n", "pm_static.yml:2:1", "tab"],
    [
      "broken YAML",
      "pm_static.yml",
      "app:\n  span: [a, b\nx: 1\n",
      "pm_static.yml:3:1",
      "not YAML",
    ],
    [
      "an alias without anchor",
      "pm_static.yml",
      "app:\n  span: *gone\n",
      "pm_static.yml:2:9",
      "gone",
    ],
    ["a cyclic anchor", "pm_static.yml", "a: &a\n  span: [*a]\n", "pm_static.yml:2:3", "a map"],
    ["a cyclic list", "pm_static.yml", "a:\n  span: &s [*s]\n", "pm_static.yml:2:12", "a list"],
    [
      "two documents",
      "pm_static.yml",
      "a: {size: 1}\n---\nb: {size: 1}\n",
      "pm_static.yml:2:1",
      "second",
    ],
    ["a list at the top", "pm_static.yml", "- a\n- b\n", "pm_static.yml:1:1", "a list"],
    ["a scalar entry", "pm_static.yml", "app: 0x1000\n", "pm_static.yml:1:6", "0x1000"],
    ["a quoted number", "pm_static.yml", 'app:\n  size: "0x10"\n', "pm_static.yml:2:9", "text"],
    ["a negative address", "pm_static.yml", "app:\n  address: -1\n", "pm_static.yml:2:12", "-1"],
    [
      "a huge address",
      "pm_static.yml",
      "app:\n  address: 0x1ffffffff\n",
      "pm_static.yml:2:12",
      "0x100000000",
    ],
    ["an expression", "pm_static.yml", "app:\n  size: 1024 * 4\n", "pm_static.yml:2:9", "1024 * 4"],
    [
      "an unknown placement",
      "pm_static.yml",
      "app:\n  region: [a]\n",
      "pm_static.yml:2:11",
      "a list",
    ],
    [
      "regions without size",
      "regions.yml",
      "flash_primary:\n  base_address: 0x0\n",
      "regions.yml:1:1",
      "size",
    ],
    [
      "a node that does not end",
      "app.overlay",
      "&flash0 {\n\tx;\n",
      "app.overlay:3:1",
      "end of the file",
    ],
    ["a missing semicolon", "app.overlay", "/ {\n\ta = <1>\n\tb;\n};\n", "app.overlay:3:2", '";"'],
    ["cells that do not end", "app.overlay", "/ {\n\ta = <1 2;\n};\n", "app.overlay:2:10", '">"'],
    [
      "a string that does not end",
      "app.overlay",
      '/ {\n\ta = "x;\n};\n',
      "app.overlay:2:6",
      "string",
    ],
    ["a comment that does not end", "app.overlay", "/ {\n/* x\n};\n", "app.overlay:2:1", "comment"],
    ["half a byte", "app.overlay", "/ {\n\tid = [ef a];\n};\n", "app.overlay:2:7", "half a byte"],
    ["something else at the top", "app.overlay", "hello world\n", "app.overlay:1:1", "hello"],
    ["text as configuration", "prj.conf", "this is\nno Kconfig\n", "prj.conf:1:1", "CONFIG_NAME"],
    [
      "a package that is none",
      "dfu_application.zip",
      "PK",
      "dfu_application.zip:1:1",
      "end of central",
    ],
  ])("%s: one error with its place", (_, path, content, place, message) => {
    const error = errorOf(path, content);
    expect(error?.message).toContain(`${place}: `);
    expect(error?.message).toContain(message);
    expect(error?.details["line"]).toBe(Number(place.split(":")[1]));
  });

  it.each(FILES)("%s: refuses binary and 10 MB in bounded time", (path) => {
    const binary = Uint8Array.from({ length: 4096 }, (_, i) => (i * 7) % 256);
    expect(errorOf(path, binary)).toBeInstanceOf(FormatError);
    const large = new Uint8Array(10_000_000).fill(0x61);
    expect(errorOf(path, large)).toBeInstanceOf(FormatError);
  });

  it.each([
    ["flow lists", "[".repeat(100_000)],
    ["flow maps", "{a: ".repeat(50_000)],
    ["compact lists", "- ".repeat(100_000)],
    ["indentation", Array.from({ length: 400 }, (_, i) => `${" ".repeat(i)}a:`).join("\n")],
    [
      "aliases of aliases",
      Array.from({ length: 9000 }, (_, i) => `a${i}: &x${i} [*x${i - 1}]`).join("\n"),
    ],
  ])("YAML nested by %s costs no stack", (_, text) => {
    expect(errorOf("pm_static.yml", text)).toBeInstanceOf(FormatError);
  });

  it.each([
    ["nodes", "a {".repeat(100_000)],
    ["parentheses", `/ { a = <${"(".repeat(100_000)}1>; };`],
    ["operators", `/ { a = <(${"-".repeat(100_000)}1)>; };`],
    ["questions", `/ { a = <(${"1 ? ".repeat(50_000)}1)>; };`],
    ["labels", `/ { ${"l: ".repeat(100_000)} };`],
    ["siblings", `/ { ${Array.from({ length: 100_000 }, (_, i) => `n${i} {};`).join("")} };`],
    [
      "macros",
      `${Array.from({ length: 200 }, (_, i) => `#define M${i} (M${i + 1} + M${i + 1})\n`).join("")}/ { a = <M0>; };`,
    ],
    ["comments", "/*".repeat(500_000)],
  ])("devicetree with many %s ends in bounded time", (_, text) => {
    const start = performance.now();
    const { unreadable } = checkFiles({ "app.overlay": text });
    expect(performance.now() - start).toBeLessThan(MAX_MS);
    expect(unreadable.length).toBeLessThanOrEqual(1);
  });
});

describe("any input", () => {
  const corpus = [
    ...Object.values(PM_PROJECT),
    ...Object.values(DT_PROJECT),
    "regions: &r {base_address: 0x0, size: 0x10}\nb:\n  <<: *r\n",
  ];

  it("is read, or refused with a FormatError and its place", () => {
    const mutated = fc
      .tuple(
        fc.constantFrom(...corpus),
        fc.array(
          fc.tuple(fc.nat(2000), fc.nat(40), fc.string({ maxLength: 8, unit: "grapheme" })),
          { maxLength: 4 },
        ),
      )
      .map(([text, edits]) =>
        edits.reduce((before, [at, length, inserted]) => {
          const start = at % (before.length + 1);
          return before.slice(0, start) + inserted + before.slice(start + length);
        }, text),
      );
    fc.assert(
      fc.property(fc.constantFrom(...FILES, "regions.yml"), mutated, (path, text) => {
        const error = errorOf(path, text);
        if (error === undefined) return;
        const { line, column, file } = error.details;
        expect(file).toBe(path);
        expect(line).toBeGreaterThanOrEqual(1);
        expect(column).toBeGreaterThanOrEqual(1);
        expect(line).toBeLessThanOrEqual(text.split("\n").length);
      }),
      { numRuns: 1500 },
    );
  });

  it("of random bytes never throws anything else", () => {
    fc.assert(
      fc.property(fc.constantFrom(...FILES), fc.uint8Array({ maxLength: 300 }), (path, bytes) => {
        expect(errorOf(path, bytes)?.code ?? "read").toMatch(/^(read|layout\/[a-z-]+)$/);
      }),
      { numRuns: 500 },
    );
  });
});
