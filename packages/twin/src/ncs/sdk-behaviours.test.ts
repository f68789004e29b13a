// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { SDK_BEHAVIOURS, behavioursOf } from "./sdk-behaviours.js";

const DOCS = readFileSync(new URL("../../../../docs/ncs.md", import.meta.url), "utf8");

describe("behavioursOf", () => {
  it("counts the first and the last release in", () => {
    for (const { behaviour, first, last } of SDK_BEHAVIOURS) {
      expect(behavioursOf(first)).toContain(behaviour);
      expect(behavioursOf(last)).toContain(behaviour);
    }
    expect(behavioursOf("v2.5.3")).not.toContain("loses-mark-after-application");
    expect(behavioursOf("3.4.1")).not.toContain("loses-mark-after-application");
  });

  it.each(["v2.4.2", "v3.6.0", "main", "v3.4", ""])("does not know %j", (sdk) => {
    expect(() => behavioursOf(sdk)).toThrow(expect.objectContaining({ code: "twin/sdk-version" }));
  });
});

describe("docs/ncs.md", () => {
  it.each(SDK_BEHAVIOURS)("has a row for $behaviour", ({ behaviour, first, last, source }) => {
    const row = DOCS.split("\n").find((line) => line.startsWith(`| \`${behaviour}\``)) ?? "";
    expect(row).toContain(`${first} to ${last}`);
    expect(row).toContain(source);
  });
});
