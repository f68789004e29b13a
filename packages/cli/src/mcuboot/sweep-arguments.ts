// SPDX-License-Identifier: Apache-2.0
import { InvalidArgumentError } from "commander";
import type { SweepFlip, SweepOptions } from "@tandem/mcuboot";

import type { SweepRun } from "./run-sweep.js";
import { parseWholeNumber } from "../option-parsers.js";

const MAX_OFFSET = 1 << 28;

/** Parser for `--images`. */
export function parseImageCount(text: string): 1 | 2 {
  if (text === "1") return 1;
  if (text === "2") return 2;
  throw new InvalidArgumentError("expected 1 or 2.");
}

/** Parser for `--then none|flip:IMAGE:OFFSET`. */
export function parseFlip(text: string): SweepFlip | null {
  if (text === "none") return null;
  const [kind, image, offset, more] = text.split(":");
  if (kind !== "flip" || image === undefined || offset === undefined || more !== undefined) {
    throw new InvalidArgumentError("expected none or flip:IMAGE:OFFSET.");
  }
  return {
    image: parseWholeNumber(0, 1)(image),
    offset: parseWholeNumber(0, MAX_OFFSET)(offset),
  };
}

/** What a sweep found, in lines for people. */
export function describeSweep(options: SweepOptions, { counts, busyMs }: SweepRun): string[] {
  const { mode, images, size, slotSize, sectorSize, align, from } = options;
  const { points, bootFailures, mixedStarts, stillMixedAfter2, oldOld, newNew } = counts;
  return [
    `${mode}, ${images} image${images === 1 ? "" : "s"} of ${size} bytes in slots of ${slotSize}, ` +
      `sectors of ${sectorSize}, writes of ${align}; cuts in the ${from} boot`,
    row(points, "cut points, one before each write and erase"),
    row(oldOld, "then started all old"),
    row(newNew, "then started all new"),
    row(mixedStarts, "then started images of different releases"),
    row(stillMixedAfter2, "of these, still did after two more boots"),
    row(bootFailures, "then started nothing"),
    `${(busyMs / 1000).toFixed(1)} s, ${Math.round((points * 1000) / busyMs)} cut points per second`,
  ];
}

function row(count: number, what: string): string {
  return `${String(count).padStart(8)}  ${what}`;
}
