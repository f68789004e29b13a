// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import { DEFAULT_LIMITS, describeLayouts, planStore } from "@tandem/store";
import type { StoreLimits, StorePlan } from "@tandem/store";
import { InvalidArgumentError } from "commander";

import type { DumpLayout } from "./dump-flash.js";

/** Names of the limits on the command line, and how large each can be in a record. */
const LIMITS: readonly (readonly [string, keyof StoreLimits, number])[] = [
  ["images", "images", 8],
  ["banks", "banks", 16],
  ["extents", "extents", 255],
  ["bad-blocks", "badBlocks", 255],
  ["journal-blocks", "journalBlocks", 1024],
];

/** Parser for `--limits banks=2,journal-blocks=16`: what is not named stays as it is. */
export function parseLimits(text: string): StoreLimits {
  const limits = { ...DEFAULT_LIMITS };
  for (const part of text.split(",")) {
    const [name = "", value = ""] = part.split("=");
    const known = LIMITS.find(([key]) => key === name.trim());
    const number = /^\d{1,4}$/.test(value) ? Number(value) : 0;
    if (known === undefined || number < 1 || number > known[2]) {
      const names = LIMITS.map(([key, , max]) => `${key}=1..${max}`).join(", ");
      throw new InvalidArgumentError(`expected some of ${names}.`);
    }
    limits[known[1]] = number;
  }
  return limits;
}

/** Parser for a list of blocks: `3,17,900-903`. */
export function parseBlockList(text: string): readonly number[] {
  const blocks = new Set<number>();
  for (const part of text.split(",").filter((item) => item.trim() !== "")) {
    const match = /^\s*(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(part);
    const first = Number(match?.[1] ?? Number.NaN);
    const last = Number(match?.[2] ?? first);
    if (!(first <= last)) throw new InvalidArgumentError("expected blocks such as 3,17,900-903.");
    for (let block = first; block <= last; block++) blocks.add(block);
  }
  return [...blocks].toSorted((a, b) => a - b);
}

/** Parser for `--bank`: a number, or the role of a bank. */
export function parseBank(text: string): number | "accepted" | "previous" | "candidate" {
  if (text === "accepted" || text === "previous" || text === "candidate") return text;
  if (/^\d{1,2}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("expected a number, accepted, previous or candidate.");
}

/**
 * Geometry and limits, checked against each other.
 * @throws {UsageError} store/plan
 */
export function planOf({ profile }: DumpLayout, limits: StoreLimits = DEFAULT_LIMITS): StorePlan {
  const plan = planStore(profile, limits);
  for (const { name, size } of describeLayouts(plan)) {
    if (size <= plan.pageBytes) continue;
    throw new UsageError(
      "store/plan",
      `a ${name} of ${size} bytes does not fit a page of ${plan.pageBytes}`,
    );
  }
  return plan;
}
