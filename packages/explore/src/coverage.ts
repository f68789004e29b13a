// SPDX-License-Identifier: Apache-2.0
import type { FlashOperation } from "@tandem/flash";
import { stateName } from "@tandem/store";
import type { SetStateName } from "@tandem/store";

import type { Violation } from "./checks.js";
import type { Geometry } from "./geometry.js";
import { UPDATE_RESULTS } from "./scenario.js";
import type { StoreView } from "./store-view.js";

/** The record states, in the order of an update. */
export const RECORD_STATES: readonly SetStateName[] = [
  "READY",
  "WRITING",
  "CANDIDATE",
  "STAGED",
  "INSTALLING",
  "TRIAL",
  "REJECTED",
  "FAILED",
  "UPDATED",
];

/**
 * What an update writes: a record of the journal, an image that is received, blocks of the store
 * that are moved because they are weak or lost, the marker, the flash of either core.
 */
export const STEPS = ["journal", "bank", "scrub", "marker", "net core", "app core"] as const;
export type Step = (typeof STEPS)[number];

const ONLY_INSTALLING = "no core is touched unless the record says INSTALLING";
const NOT_WHILE_INSTALLING = "nothing is moved once an installation has begun: STAGED does that";
const NO_PATROL =
  "blocks are moved by patrol and repair, which the explored application never calls";
const ONLY_WRITING = "images are received into a bank that the record says is being written";
const NEVER_CLEANED =
  "READY does not come back once a boot has written the marker: nobody cleans up";

/**
 * Why a cut cannot come while this is written under this record. Every other cell has to be hit;
 * what is named here and hit is a finding: either the code or this list is wrong.
 */
const IMPOSSIBLE: Readonly<Record<SetStateName, Partial<Record<Step, string>>>> = {
  READY: { bank: ONLY_WRITING, scrub: NO_PATROL, marker: NEVER_CLEANED },
  // Marker: the accepted release was installed again while another one is being received.
  WRITING: { scrub: NO_PATROL },
  // Marker: it had lost that the accepted release is accepted, and is told again.
  CANDIDATE: { bank: ONLY_WRITING, scrub: NO_PATROL },
  STAGED: {
    bank: ONLY_WRITING,
    scrub: "a complete bank has no weak block: cuts leave none, and no page decays",
    marker: "the installation begins with a record that says INSTALLING, then comes the marker",
  },
  INSTALLING: { bank: ONLY_WRITING, scrub: NOT_WHILE_INSTALLING },
  TRIAL: {
    bank: ONLY_WRITING,
    scrub: "nothing is moved while a release is on trial",
    marker: "trial starts are counted in the journal, which can always be read here",
  },
  REJECTED: {
    bank: ONLY_WRITING,
    scrub: "nothing is moved before the way back",
    marker: "the way back begins with a record that says INSTALLING, then comes the marker",
  },
  FAILED: { bank: ONLY_WRITING, scrub: NO_PATROL },
  UPDATED: { bank: ONLY_WRITING, scrub: NO_PATROL },
};

/** Why no cut can hit the cell; null: it is to be hit. */
export function whyImpossible(state: SetStateName, step: Step): string | null {
  const isCore = step === "net core" || step === "app core";
  if (isCore && state !== "INSTALLING") return ONLY_INSTALLING;
  return IMPOSSIBLE[state][step] ?? null;
}

/** What an operation belongs to, under this record. */
export function stepOf(geometry: Geometry, operation: FlashOperation, state: SetStateName): Step {
  const { map, limits, chip } = geometry;
  if (operation.device === "net-flash") return "net core";
  if (operation.device === "app-flash") {
    return operation.address >= map.marker.start ? "marker" : "app core";
  }
  const journalBytes = limits.journalBlocks * chip.shape.pageBytes * chip.shape.pagesPerBlock;
  if (operation.address < journalBytes) return "journal";
  return state === "WRITING" ? "bank" : "scrub";
}

/** Where an operation belongs. */
interface FoundCell {
  readonly name: string;
  /** That it came here, when nothing should. */
  readonly violation: Violation | null;
}

/** The cell of an operation; null when no record stands for certain, a violation by itself. */
export function cellOf(
  geometry: Geometry,
  operation: FlashOperation,
  view: StoreView,
): FoundCell | null {
  const [a, b] = view.chains.map(({ floor }) => floor);
  const newest = (a?.sequence ?? -1n) >= (b?.sequence ?? -1n) ? a : b;
  if (newest == null) return null;
  const state = stateName(newest.record.state);
  const step = stepOf(geometry, operation, state);
  const name = cellName(state, step);
  const impossible = whyImpossible(state, step);
  if (impossible === null) return { name, violation: null };
  const text = `${name} was cut, expected that ${impossible}`;
  return { name, violation: { invariant: "coverage", text } };
}

/** Cuts at operations of one kind; or why none can come. */
export type CoverageCell = number | { readonly impossible: string };

/** What an exploration has gone through: every cell is there, also those that were not hit. */
export interface Coverage {
  /** Operations that were cut, by record state and step. */
  readonly cells: Readonly<Record<string, Readonly<Record<string, CoverageCell>>>>;
  /** Devices that came to rest, by how their update ended. */
  readonly results: Readonly<Record<string, number>>;
  /** Names of the cells and results that nothing came to. */
  readonly zeros: readonly string[];
}

/** Counts by cell or result. */
type Counts = readonly (readonly [string, number])[];

/** Name of a cell, in counts and messages. */
export function cellName(state: SetStateName, step: Step): string {
  return `${state} × ${step}`;
}

/** The whole grid from what several workers and stories have hit. */
export function makeCoverage(hits: readonly Counts[], ended: readonly Counts[]): Coverage {
  const [cellCounts, resultCounts] = [sumOf(hits), sumOf(ended)];
  const zeros: string[] = [];
  const take = (counts: ReadonlyMap<string, number>, name: string): number => {
    const count = counts.get(name) ?? 0;
    if (count === 0) zeros.push(name);
    return count;
  };
  const fill = (state: SetStateName, step: Step): CoverageCell => {
    const impossible = whyImpossible(state, step);
    return impossible === null ? take(cellCounts, cellName(state, step)) : { impossible };
  };
  const rows = RECORD_STATES.map((state) => {
    const row = STEPS.map((step): [Step, CoverageCell] => [step, fill(state, step)]);
    return [state, Object.fromEntries(row)] as const;
  });
  const results = UPDATE_RESULTS.map((result) => [result, take(resultCounts, result)] as const);
  return { cells: Object.fromEntries(rows), results: Object.fromEntries(results), zeros };
}

function sumOf(lists: readonly Counts[]): ReadonlyMap<string, number> {
  const sum = new Map<string, number>();
  for (const [name, count] of lists.flat()) sum.set(name, (sum.get(name) ?? 0) + count);
  return sum;
}
