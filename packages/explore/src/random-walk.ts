// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import type { Random } from "@tandem/base";

import { resultOf } from "./checks.js";
import type { Violation } from "./checks.js";
import { cellOf, makeCoverage } from "./coverage.js";
import type { Coverage } from "./coverage.js";
import { FAULT_KINDS, NO_FAULTS, TRANSPORT_FAULTS, kindsOf, noFaultCounts } from "./faults.js";
import type { Decay, FaultCounts, FaultKind, SessionFaults } from "./faults.js";
import { cutsOf, resetsAt } from "./forked-cuts.js";
import type { FlashKind, ProfileName } from "./geometry.js";
import { decaysOf, historyWith } from "./history.js";
import { Journey, JourneyChecks } from "./journey.js";
import { SCENARIOS } from "./scenario.js";
import { SessionChoices } from "./session-choices.js";
import { runSession } from "./session.js";
import type { Interruption, Session } from "./session.js";
import { inSlices } from "./slices.js";
import { formatLine } from "./trail.js";
import type { Edge } from "./trail.js";
import { createWorld } from "./world.js";
import type { World, WorldName } from "./world.js";

export interface RandomWalkOptions {
  readonly profile: ProfileName;
  readonly flash: FlashKind;
  readonly seed: number;
  /** Sessions to run; the last update is brought to its end. */
  readonly sessions: number;
  /** Only this story; default: all. */
  readonly scenario?: string;
  /** Kinds of fault; default: all. */
  readonly faults?: readonly FaultKind[];
  /** Asked before each update. */
  readonly isOver: () => boolean;
  readonly onProgress?: (progress: RandomWalkProgress) => void;
}

/** How far walks are. */
export interface RandomWalkProgress {
  readonly sessions: number;
  /** How many faults of each kind came. */
  readonly faults: FaultCounts;
  readonly updates: number;
}

/** What random walks found. */
export interface RandomWalkReport extends RandomWalkProgress {
  /** Most faults that came in one update. */
  readonly mostFaults: number;
  /** As many sessions as were asked for. */
  readonly complete: boolean;
  readonly coverage: Coverage;
  readonly violations: readonly (Violation & { readonly line: string })[];
}

/** Shares of the sessions that suffer a fault, of 8; of downloads for those of the transport. */
const CUT_EIGHTHS = 5;
const RESET_EIGHTHS = 1;
const DECAY_EIGHTHS = 1;
const BAD_BLOCK_EIGHTHS = 1;
const TRANSPORT_EIGHTHS = 4;
/** Blocks that go bad in one update: profile `small` has three to spare. */
const MAX_BAD_BLOCKS = 2;
/** An update comes to its end by itself; this one does not. */
const MAX_SESSIONS = 400;

/**
 * One update after the other, each with faults at random again and again that really come, in
 * states that are neither compared nor changed: nothing that the other modes assume goes in.
 */
export function walkAtRandom(options: RandomWalkOptions): Promise<RandomWalkReport> {
  return inSlices(walks(options));
}

function* walks(options: RandomWalkOptions): Generator<void, RandomWalkReport> {
  const { profile, flash } = options;
  const random = createRandom(options.seed);
  const { scenario, onProgress, faults: kinds = FAULT_KINDS } = options;
  const names = scenario === undefined ? SCENARIOS.map(({ name }) => name) : [scenario];
  const walkers = names.map(
    (name) => new Walker({ profile, flash, scenario: name }, random, kinds),
  );
  const faults = noFaultCounts();
  const sum = { sessions: 0, faults, updates: 0, mostFaults: 0 };
  const violations: (Violation & { line: string })[] = [];
  while (sum.sessions < options.sessions && !options.isOver()) {
    const walker = walkers[random.below(walkers.length)];
    if (walker === undefined) break;
    const walk = walker.walk();
    sum.sessions += walk.sessions;
    for (const kind of FAULT_KINDS) faults[kind] += walk.faults[kind];
    sum.updates += 1;
    const faultsOfWalk = Object.values(walk.faults).reduce((all, count) => all + count, 0);
    sum.mostFaults = Math.max(sum.mostFaults, faultsOfWalk);
    violations.push(...walk.violations);
    onProgress?.(sum);
    yield;
  }
  const coverage = makeCoverage(
    walkers.map(({ hits }) => [...hits]),
    walkers.map(({ results }) => [...results]),
  );
  return { ...sum, complete: sum.sessions >= options.sessions, coverage, violations };
}

interface Walk {
  readonly sessions: number;
  readonly faults: FaultCounts;
  readonly violations: readonly (Violation & { readonly line: string })[];
}

/** Updates of one story. */
class Walker {
  /** Operations that were cut, by record state and step. */
  readonly hits: Map<string, number> = new Map();
  /** Updates by how they ended. */
  readonly results: Map<string, number> = new Map();
  readonly #name: WorldName;
  readonly #world: World;
  readonly #random: Random;
  readonly #kinds: readonly FaultKind[];
  readonly #checks: JourneyChecks;

  constructor(name: WorldName, random: Random, kinds: readonly FaultKind[]) {
    this.#name = name;
    this.#random = random;
    this.#kinds = kinds;
    this.#world = createWorld(name);
    this.#checks = new JourneyChecks(this.#world);
  }

  /** From the root until the application has nothing left to do. */
  walk(): Walk {
    const edges: Edge[] = [];
    const journey = new Journey(this.#checks);
    const faults = noFaultCounts();
    let failed = 0;
    while (edges.length < MAX_SESSIONS) {
      const edge = this.#planEdge(journey, failed);
      edges.push(edge);
      const { session, violations } = journey.run(edge);
      const { end } = session;
      for (const kind of kindsOf(edge.faults)) faults[kind] += 1;
      if (edge.cut !== null) faults[edge.cut.when === "reset" ? "resets" : "cuts"] += 1;
      failed = faults["bad-blocks"];
      const found = [...violations];
      if (end.kind === "power-lost" && isCutOnly(faults)) found.push(...this.#cover(session));
      if (end.kind === "rest") tally(this.results, resultOf(this.#world, end.found.status));
      if (found.length > 0 || (end.kind !== "reset" && end.kind !== "power-lost")) {
        const line = formatLine(this.#name, edges);
        const told = found.map((violation) => ({ ...violation, line }));
        return { sessions: edges.length, faults, violations: told };
      }
    }
    const line = formatLine(this.#name, edges);
    const text = `not at rest after ${MAX_SESSIONS} sessions`;
    return { sessions: edges.length, faults, violations: [{ invariant: "I4", text, line }] };
  }

  /** What comes in the next session: chosen from what it would do by itself. */
  #planEdge(journey: Journey, failed: number): Edge {
    const random = this.#random;
    const decay = this.#chooseDecay(journey);
    let faults: SessionFaults = { ...NO_FAULTS, decay };
    const choices = new SessionChoices("", (count) => random.below(count));
    const rehearse = (): Session => {
      const history = historyWith(journey.history, faults);
      return runSession(this.#world, journey.node, { choices, faults, history });
    };
    let session = rehearse();
    if (session.hasDownloaded && this.#strikes("transport", TRANSPORT_EIGHTHS)) {
      faults = { ...faults, transport: pick(random, TRANSPORT_FAULTS) ?? null };
      session = rehearse();
    }
    const badAt = failed < MAX_BAD_BLOCKS ? this.#chooseBadBlock(session) : null;
    if (badAt !== null) {
      faults = { ...faults, badAt };
      session = rehearse();
    }
    return { faults, choices: choices.letters, cut: this.#chooseInterruption(session) };
  }

  #chooseDecay({ node, history }: Journey): Decay | null {
    if (history.hasDecayed || !this.#strikes("decay", DECAY_EIGHTHS)) return null;
    const { geometry } = this.#world;
    return pick(this.#random, decaysOf(geometry, this.#checks.viewOf(node.state))) ?? null;
  }

  #chooseBadBlock({ steps }: Session): number | null {
    const { chip } = this.#world.geometry;
    if (chip.norProfile !== null || !this.#strikes("bad-blocks", BAD_BLOCK_EIGHTHS)) return null;
    const numbers = [...steps.keys()].filter((at) => steps[at]?.operation.device === chip.name);
    return pick(this.#random, numbers) ?? null;
  }

  #chooseInterruption({ steps }: Session): Interruption | null {
    const random = this.#random;
    const number = random.below(steps.length);
    const step = steps[number];
    if (step === undefined) return null;
    if (this.#strikes("resets", RESET_EIGHTHS)) return pick(random, resetsAt(step, number)) ?? null;
    if (!this.#strikes("cuts", CUT_EIGHTHS)) return null;
    return pick(random, cutsOf(step.operation, number)) ?? null;
  }

  /** True for so many eighths of the times, if there is this kind of fault. */
  #strikes(kind: FaultKind, eighths: number): boolean {
    return this.#kinds.includes(kind) && this.#random.below(8) < eighths;
  }

  #cover({ steps }: Session): readonly Violation[] {
    const { operation, before } = steps.at(-1) ?? {};
    if (operation === undefined || before === undefined) return [];
    const cell = cellOf(this.#world.geometry, operation, this.#checks.viewOf(before));
    if (cell === null) return [];
    tally(this.hits, cell.name);
    return cell.violation === null ? [] : [cell.violation];
  }
}

/** Where a cut comes is told only while nothing else has moved what is written. */
function isCutOnly(faults: FaultCounts): boolean {
  return FAULT_KINDS.every((kind) => kind === "cuts" || faults[kind] === 0);
}

function pick<T>(random: Random, all: readonly T[]): T | undefined {
  return all[random.below(all.length)];
}

function tally(counts: Map<string, number>, name: string | null): void {
  if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
}
