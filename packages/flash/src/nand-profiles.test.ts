// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { nandOn, SPIM_HZ } from "./nand-profile.js";
import { NAND_PROFILES } from "./nand-profiles.js";

const DOCUMENT = readFileSync(new URL("../../../docs/flash.md", import.meta.url), "utf8");

describe("NAND_PROFILES", () => {
  it.each(NAND_PROFILES)("$name: has regions that fit, sources, and a row in docs", (profile) => {
    const { spare, spareBytes, worst, ecc, sources } = profile;
    const regions = [...(spare?.ecc ?? []), ...(spare?.user ?? [])];
    const used = regions.flatMap(({ offset, length }) =>
      Array.from({ length }, (_, i) => offset + i),
    );
    expect(new Set(used).size).toBe(used.length);
    expect(Math.max(...used)).toBeLessThan(spareBytes);
    expect(Math.min(...used)).toBeGreaterThanOrEqual(profile.mark?.spareBytes ?? 1);
    expect(sources?.length).toBeGreaterThan(0);
    const row = DOCUMENT.split("\n").find((line) => line.startsWith(`| ${profile.name} `));
    const cells = row?.split("|").map((cell) => cell.trim());
    expect(cells?.slice(2, -1)).toEqual([
      `${profile.pageBytes} + ${spareBytes}`,
      `${profile.pagesPerBlock}`,
      `${profile.blockCount}`,
      `${ecc?.strengthBits}`,
      `${profile.readUs} / ${worst?.readUs}`,
      `${profile.programUs} / ${worst?.programUs}`,
      `${profile.eraseUs} / ${worst?.eraseUs}`,
    ]);
  });

  it.each(NAND_PROFILES)("$name: runs on the slow bus and at its longest times", (profile) => {
    const slow = nandOn(profile, { timing: "worst", busHz: SPIM_HZ.SPIM0 });
    expect(slow).toMatchObject({ ...profile.worst, busHz: 8_000_000 });
    expect(nandOn(profile, {})).toEqual(profile);
  });
});
