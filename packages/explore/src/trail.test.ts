// SPDX-License-Identifier: Apache-2.0
import { FormatError } from "@tandem/base";
import { describe, expect, it } from "vitest";

import { formatLine, parseLine } from "./trail.js";

describe("the line of a finding", () => {
  it("is read as it was written", () => {
    for (const line of [
      "small/nand-1bit/good",
      "small/nor/any-firmware - h@3i:one-bit gb- @0b @12a",
      "full/nand-8bit/switch-back d17,- d3,g@1i:blank-weak",
      "small/nand-1bit/good w70,x12,g@13s @3w stale-etag,@2l:mixed x0,wrong-content,-",
    ]) {
      const { world, edges } = parseLine(line);
      expect(formatLine(world, edges)).toBe(line);
    }
  });

  it("is refused when it is none", () => {
    for (const line of [
      "",
      "small/tape/good",
      "small/nor/good x",
      "small/nor/good @3i:gone",
      "small/nor/good y3,-",
    ]) {
      expect(() => parseLine(line), line).toThrow(FormatError);
    }
  });
});
