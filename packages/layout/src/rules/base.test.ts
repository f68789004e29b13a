// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { DT_PROJECT, NAND_PROJECT, PM_PROJECT } from "../testing/base-projects.js";
import { checkFiles } from "../testing/check-files.js";

describe("the projects that cases change", () => {
  it.each([
    ["Partition Manager", PM_PROJECT],
    ["devicetree", DT_PROJECT],
    ["NAND", NAND_PROJECT],
  ])("%s: has neither errors nor warnings", (_, files) => {
    const { findings, unreadable } = checkFiles(files, { sdk: "v3.5.0" });
    expect(unreadable).toEqual([]);
    expect(findings.filter(({ severity }) => severity !== "note")).toEqual([]);
  });
});
