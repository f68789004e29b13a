// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";

import { UsageError } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { describe, expect, it } from "vitest";

import { addSweepCounts, countSweepPoints, runSweep } from "./sweep.js";
import type { SweepCounts } from "./sweep.js";
import type { SweepFlip, SweepOptions } from "./sweep-options.js";

/** One sweep of MCUboot's own C code: vectors/SOURCE.md. */
interface Vector extends Pick<SweepOptions, "mode" | "deps" | "pending" | "from"> {
  readonly afterCut: string;
  readonly counts: SweepCounts;
}

interface VectorFile extends Pick<SweepOptions, "size" | "slotSize" | "sectorSize" | "align"> {
  readonly sweeps: readonly Vector[];
}

const FILE: VectorFile = JSON.parse(
  readFileSync(new URL("../../vectors/sweep-k64f.json", import.meta.url), "utf8"),
);
/** A share of them that takes seconds and meets every mode, boot, dependency and flip. */
const STRIDE = 5;

/** A layout on which a sweep takes no time. */
const SMALL: SweepOptions = {
  mode: "scratch",
  images: 2,
  size: 9000,
  slotSize: 0x8000,
  sectorSize: 4096,
  align: 8,
  deps: "none",
  pending: "test",
  from: "install",
  flip: null,
};

function optionsOf({ mode, deps, pending, from, afterCut }: Vector): SweepOptions {
  const { size, slotSize, sectorSize, align } = FILE;
  const layout = { images: 2, size, slotSize, sectorSize, align } as const;
  return { ...layout, mode, deps, pending, from, flip: flipOf(afterCut) };
}

function flipOf(text: string): SweepFlip | null {
  const [, image, offset] = text.split(":");
  return text === "none" ? null : { image: Number(image), offset: Number(offset) };
}

function sweep(options: SweepOptions): SweepCounts {
  return runSweep(options, { index: 0, of: 1, crypto: nodeCrypto });
}

describe("runSweep", () => {
  const vectors = FILE.sweeps.filter((_, i) => i % STRIDE === 0);

  it.each(vectors)(
    "counts what MCUboot's C code counts: $mode, $deps, $pending, $from, $afterCut",
    (vector) => {
      expect(sweep(optionsOf(vector))).toEqual(vector.counts);
    },
  );

  it("meets every kind of sweep in that share", () => {
    for (const field of ["mode", "deps", "pending", "from", "afterCut"] as const) {
      const all = new Set(FILE.sweeps.map((vector) => vector[field]));
      expect(new Set(vectors.map((vector) => vector[field])), field).toEqual(all);
    }
  });

  it("counts the same in parts as in one", () => {
    const options: SweepOptions = { ...SMALL, flip: { image: 1, offset: 5000 } };
    const parts = [0, 1, 2].map((index) => runSweep(options, { index, of: 3, crypto: nodeCrypto }));
    const whole = sweep(options);
    expect(addSweepCounts(parts)).toEqual(whole);
    expect(whole.points).toBe(countSweepPoints(options, nodeCrypto));
    expect(parts.every(({ points }) => points > 0)).toBe(true);
  });

  it("finds every outcome in some sweep", () => {
    const mixed = sweep({ ...SMALL, pending: "first-only" });
    expect(mixed.mixedStarts).toBe(mixed.points);
    const decayed = sweep({ ...SMALL, flip: { image: 1, offset: 5000 } });
    expect(decayed.mixedStarts).toBeGreaterThan(0);
    expect(decayed.bootFailures).toBeGreaterThan(0);
    expect(sweep({ ...SMALL, from: "revert" })).toMatchObject({ newNew: 0, mixedStarts: 0 });
    const permanent = sweep({ ...SMALL, pending: "permanent", flip: { image: 1, offset: 5000 } });
    expect(permanent.stillMixedAfter2).toBeGreaterThan(0);
  });

  it("sweeps one image, and every alignment", () => {
    for (const align of [1, 2, 4, 8, 16, 32]) {
      const counts = sweep({ ...SMALL, images: 1, align, slotSize: 0x10000 });
      expect(counts.points).toBeGreaterThan(20);
      expect(counts.newNew).toBe(counts.points);
    }
  });

  it("refuses what cannot be swept, naming the option", () => {
    const refusals: readonly (readonly [Partial<SweepOptions>, RegExp])[] = [
      [{ mode: "overwrite", from: "revert" }, /^--from revert: expected install/],
      [{ pending: "permanent", from: "revert" }, /^--from revert: expected install/],
      [{ align: 3 }, /^--align 3: expected/],
      [{ sectorSize: 100 }, /^--sector-size 100: expected a multiple of the alignment, 8/],
      [{ slotSize: 5000 }, /^--slot-size 5000: expected a multiple of the sector size, 4096/],
      [{ images: 1, flip: { image: 1, offset: 0 } }, /^--then flip:1:0: expected an image below 1/],
      [{ flip: { image: 0, offset: 0x8000 } }, /^--then flip:0:32768: expected an offset below/],
      [
        { mode: "move", size: 0x7000 },
        /^--size 28672: the image does not fit its slot, expected room/,
      ],
      [{ size: 0x9000 }, /^--size 36864: the image does not fit its slot, expected room/],
    ];
    for (const [change, message] of refusals) {
      const run = (): SweepCounts => sweep({ ...SMALL, ...change });
      expect(run, message.source).toThrow(UsageError);
      expect(run).toThrow(message);
    }
  });
});
