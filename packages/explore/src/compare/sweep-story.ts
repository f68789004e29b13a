// SPDX-License-Identifier: Apache-2.0
import { InternalError } from "@tandem/base";

import type { MemoCrypto } from "../memo-crypto.js";
import { formatLife } from "./cut-line.js";
import type { PlacedCut } from "./cut-line.js";
import { cutsOfWalk, runOn, walk } from "./life.js";
import type { LifeEnd, WalkedSession } from "./life.js";
import type { ComparedRow } from "./rows.js";
import type { ComparedStory } from "./stories.js";

/** What may go wrong with a device; columns of the comparison. */
export const FAILURES = ["mixedStarts", "unbootable", "rollbackFailures", "lostUpdates"] as const;
export type Failure = (typeof FAILURES)[number];

/** Headings of the columns. */
export const FAILURE_NAMES: Readonly<Record<Failure, string>> = {
  mixedStarts: "mixed starts",
  unbootable: "unbootable",
  rollbackFailures: "rollback failures",
  lostUpdates: "lost updates",
};

export type FailureCounts = Readonly<Record<Failure, number>>;

/** How the worst cut of one operation ended; `-`: none of its cuts was run. */
export type OperationOutcome = Failure | "new" | "old" | "-";

/** Operations of one chip one after the other, in one session. */
export interface TimelineRun {
  readonly session: number;
  readonly device: string;
  readonly outcomes: readonly OperationOutcome[];
}

/** What became of one story of one row. */
export interface StorySweep {
  readonly row: string;
  readonly story: string;
  /** Lives that were run: one without a cut, and one per cut. */
  readonly points: number;
  /** Lives that there are. */
  readonly possible: number;
  readonly failures: FailureCounts;
  /** One line each for what was found, to be run again. */
  readonly examples: Readonly<Partial<Record<Failure, string>>>;
  readonly timeline: readonly TimelineRun[];
}

export interface SweepStoryOptions {
  readonly crypto: MemoCrypto;
  /** Cuts to run at most, evenly spread. */
  readonly sample: number;
  readonly isOver: () => boolean;
  /** Called once, with the points that there are to run. */
  readonly onPlan?: (points: number) => void;
  readonly onPoint: () => void;
}

/** From the worst to the best. */
const WORST_FIRST: readonly OperationOutcome[] = [
  "unbootable",
  "mixedStarts",
  "rollbackFailures",
  "lostUpdates",
  "old",
  "new",
];

/**
 * Runs one story of one row: without a cut, then once for each cut. Yields after each of these
 * points, for work in slices.
 */
export function* sweepStory(
  row: ComparedRow,
  story: ComparedStory,
  options: SweepStoryOptions,
): Generator<void, StorySweep> {
  const { crypto, sample, isOver, onPoint } = options;
  const start = row.make(story, crypto);
  const sessions = walk(start);
  const cuts = cutsOfWalk(sessions);
  options.onPlan?.(Math.min(sample, cuts.length) + 1);
  const tally = new Tally(row.name, story);
  tally.count(null, runOn(start, false), -1);
  onPoint();
  yield;
  const sampled = evenly(cuts, sample);
  for (const rank of coarseToFine(sampled.length)) {
    const placed = sampled[rank];
    if (isOver()) break;
    if (placed === undefined) continue;
    tally.count(placed, afterCut(sessions, placed), rank);
    onPoint();
    yield;
  }
  return { ...tally.result(sessions), possible: cuts.length + 1 };
}

function afterCut(sessions: readonly WalkedSession[], { session, cut }: PlacedCut): LifeEnd {
  const walked = sessions[session];
  if (walked === undefined) throw new InternalError("explore/compare", `no session ${session}`);
  const cutSession = walked.before.runSession(cut);
  return runOn(cutSession.next, walked.wasMixed || cutSession.isMixed);
}

/** At most `most` of the items, the first one among them. */
function evenly<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, index) => Math.floor((index * items.length) / most))
    .map((index) => items[index])
    .filter((item) => item !== undefined);
}

/** Indexes in an order of which every beginning is spread over all: bits reversed. */
function* coarseToFine(count: number): Generator<number> {
  const bits = Math.ceil(Math.log2(Math.max(2, count)));
  for (let number = 0; number < 2 ** bits; number++) {
    let reversed = 0;
    for (let bit = 0; bit < bits; bit++) reversed = reversed * 2 + ((number >> bit) & 1);
    if (reversed < count) yield reversed;
  }
}

/** What is wrong with the end of a life; empty: nothing. */
export function failuresOf(story: ComparedStory, { atRest, isMixed }: LifeEnd): readonly Failure[] {
  const isOld = atRest?.[0] === "old" && atRest[1] === "old";
  const found: Failure[] = [];
  if (isMixed) found.push("mixedStarts");
  if (atRest === null) found.push("unbootable");
  if (!story.isGood && !isOld) found.push("rollbackFailures");
  if (story.isGood && isOld) found.push("lostUpdates");
  return found;
}

class Tally {
  readonly #row: string;
  readonly #story: ComparedStory;
  readonly #failures: Record<Failure, number> = {
    mixedStarts: 0,
    unbootable: 0,
    rollbackFailures: 0,
    lostUpdates: 0,
  };
  /** The first of each, in the order of the story. */
  readonly #examples: Partial<Record<Failure, { readonly rank: number; readonly line: string }>> =
    {};
  readonly #outcomes = new Map<string, OperationOutcome>();
  #points = 0;

  constructor(row: string, story: ComparedStory) {
    this.#row = row;
    this.#story = story;
  }

  /** @param rank of the cut in the order of the story */
  count(placed: PlacedCut | null, end: LifeEnd, rank: number): void {
    this.#points += 1;
    const failures = failuresOf(this.#story, end);
    for (const failure of failures) {
      this.#failures[failure] += 1;
      const line = formatLife(this.#row, this.#story.name, placed);
      const known = this.#examples[failure];
      if (known === undefined || rank < known.rank) this.#examples[failure] = { rank, line };
    }
    if (placed === null) return;
    const key = `${placed.session}/${placed.cut.operation}`;
    const rest = end.atRest?.[0] === "new" ? "new" : "old";
    const seen = [this.#outcomes.get(key), ...failures, rest];
    this.#outcomes.set(key, WORST_FIRST.find((outcome) => seen.includes(outcome)) ?? rest);
  }

  result(sessions: readonly WalkedSession[]): Omit<StorySweep, "possible"> {
    return {
      row: this.#row,
      story: this.#story.name,
      points: this.#points,
      failures: this.#failures,
      examples: Object.fromEntries(
        Object.entries(this.#examples).map(([failure, { line }]) => [failure, line]),
      ),
      timeline: this.#timeline(sessions),
    };
  }

  #timeline(sessions: readonly WalkedSession[]): readonly TimelineRun[] {
    const runs: { session: number; device: string; outcomes: OperationOutcome[] }[] = [];
    for (const [session, walked] of sessions.entries()) {
      for (const [index, { device }] of walked.session.operations.entries()) {
        const outcome = this.#outcomes.get(`${session}/${index}`) ?? "-";
        const last = runs.at(-1);
        if (last?.session === session && last.device === device) last.outcomes.push(outcome);
        else runs.push({ session, device, outcomes: [outcome] });
      }
    }
    return runs;
  }
}
