// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";

import { W25N01GV } from "@tandem/flash";
import { describeLayouts, planStore } from "@tandem/store";
import { describe, expect, it } from "vitest";

import { STORE_FORMAT_PAGE, generateStoreFormat } from "../scripts/generate-store-format.js";

describe("docs/store-format.md", () => {
  it("is what scripts/generate-store-format.ts makes of the layouts", () => {
    const page = readFileSync(STORE_FORMAT_PAGE, "utf8");
    expect(generateStoreFormat(page)).toBe(page);
  });

  it("refuses a page with a marker too many or too few", () => {
    const page = readFileSync(STORE_FORMAT_PAGE, "utf8");
    const more = `${page}<!-- generated: nothing -->\n<!-- end -->\n`;
    expect(() => generateStoreFormat(more)).toThrow("no table called nothing");
    const fewer = page.replace("<!-- generated: states -->", "");
    expect(() => generateStoreFormat(fewer)).toThrow("no place for the table states");
  });
});

describe("describeLayouts", () => {
  it("accounts for every byte of every struct, and says what it means", () => {
    for (const { name, size, fields } of describeLayouts(planStore(W25N01GV))) {
      let end = 0;
      for (const field of fields) {
        expect(field.offset, `${name}.${field.name}`).toBe(end);
        expect(field.meaning, `${name}.${field.name}`).not.toBe("");
        end += field.size;
      }
      expect(end, name).toBe(size);
    }
  });
});
