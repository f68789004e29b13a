// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { runCommand } from "../testing/run-command.js";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-layout-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SIZES = ["--app", "280K", "--net", "173K", "--growth", "50%"];

async function filesFor(sdk: string): Promise<readonly string[]> {
  const command = ["layout", "plan", "--nand", "W25N01GV", ...SIZES, "--sdk", sdk, "--json"];
  return Object.keys(JSON.parse((await runCommand(command)).out).files);
}

describe("tandem layout plan", () => {
  it.each([
    ["NAND and Partition Manager", ["--nand", "W25N01GV", "--partitions", "pm"]],
    ["NAND and devicetree", ["--nand", "W25N01GV", "--partitions", "devicetree"]],
    ["NOR and Partition Manager", ["--nor", "MX25R64=8M", "--partitions", "pm"]],
    ["NOR and devicetree", ["--nor", "MX25R64=8M", "--partitions", "devicetree"]],
  ])("writes files for %s that tandem check accepts without findings", async (_, options) => {
    const out = join(folder, "product");
    const planned = await runCommand([
      "layout",
      "plan",
      "--flash",
      "internal=1M",
      ...SIZES,
      ...options,
      "--out",
      out,
    ]);
    expect([planned.status, planned.err]).toEqual([0, ""]);
    expect(planned.out).toContain("tandem_store");
    const { status, out: checked } = await runCommand(["check", out]);
    expect(status).toBe(0);
    expect(checked).toContain("0 errors, 0 warnings, 0 notes");
  });

  it("draws the map, tells the reasons and what an update costs", async () => {
    const svg = join(folder, "map.svg");
    const { out } = await runCommand([
      "layout",
      "plan",
      "--nand",
      "W25N01GV",
      ...SIZES,
      "--svg",
      svg,
    ]);
    expect(out).toMatch(/0x10000 +888 KiB +mcuboot_primary +█+/);
    expect(out).toContain("20 in reserve for bad ones");
    expect(out).toContain("download          463872 bytes");
    expect(out).toContain("can grow by 28 % only");
    expect(readFileSync(svg, "utf8")).toContain("<title>tandem_store: 0x0");
  });

  it("prefers Partition Manager for an SDK before v3.3.0, and devicetree from then on", async () => {
    expect(await filesFor("v2.9.2")).toContain("pm_static.yml");
    expect(await filesFor("v3.4.0")).not.toContain("pm_static.yml");
  });

  it("overwrites nothing", async () => {
    const command = [
      "layout",
      "plan",
      "--nand",
      "W25N01GV",
      ...SIZES,
      "--out",
      join(folder, "twice"),
    ];
    expect((await runCommand(command)).status).toBe(0);
    const again = await runCommand(command);
    expect([again.status, again.err]).toEqual([2, expect.stringContaining("[cli/exists]")]);
  });

  it.each([
    ["an unknown part", ["--nand", "X1"], "layout/unknown-chip"],
    ["no chip", [], "layout/unknown-chip"],
    ["an image without room", ["--nand", "W25N01GV", "--app", "2M"], "layout/no-room"],
    ["an unknown SDK", ["--nand", "W25N01GV", "--sdk", "new"], "layout/bad-sdk-version"],
  ])("ends with 2 for %s", async (_, options, code) => {
    const { status, err } = await runCommand(["layout", "plan", ...SIZES, ...options]);
    expect([status, err]).toEqual([2, expect.stringContaining(`[${code}]`)]);
  });
});
