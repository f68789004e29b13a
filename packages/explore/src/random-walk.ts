// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import type { Random } from "@tandem/base";

import { Checks, resultOf } from "./checks.js";
import type { Violation } from "./checks.js";
import { cellOf, makeCoverage } from "./coverage.js";
import type { Coverage } from "./coverage.js";
import { POWER_ON } from "./device-state.js";
import type { DeviceNode, DeviceState } from "./device-state.js";
import type { FlashKind, ProfileName } from "./geometry.js";
import { cutsOf } from "./forked-cuts.js";
import { KnownPages } from "./known-pages.js";
import { PageFactsCache } from "./page-facts.js";
import { SCENARIOS } from "./scenario.js";
import { SessionChoices } from "./session-choices.js";
import { runSession } from "./session.js";
import type { CutPoint, Session } from "./session.js";
import { inSlices } from "./slices.js";
import { StoreView } from "./store-view.js";
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
  /** Asked before each update. */
  readonly isOver: () => boolean;
  readonly onProgress?: (progress: RandomWalkProgress) => void;
}

/** How far walks are. */
export interface RandomWalkProgress {
  readonly sessions: number;
  readonly cuts: number;
  readonly updates: number;
}

/** What random walks found. */
export interface RandomWalkReport extends RandomWalkProgress {
  readonly mostCuts: number;
  /** As many sessions as were asked for. */
  readonly complete: boolean;
  readonly coverage: Coverage;
  readonly violations: readonly (Violation & { readonly line: string })[];
}

/** Share of the sessions that are cut, of 8. */
const CUT_EIGHTHS = 6;
/** An update comes to its end by itself; this one does not. */
const MAX_SESSIONS = 400;

/**
 * One update after the other, each cut at random again and again, with power that is really cut and
 * states that are neither compared nor changed: nothing that the other modes assume goes in.
 */
export function walkAtRandom(options: RandomWalkOptions): Promise<RandomWalkReport> {
  return inSlices(walks(options));
}

function* walks(options: RandomWalkOptions): Generator<void, RandomWalkReport> {
  const { profile, flash } = options;
  const random = createRandom(options.seed);
  const { scenario, onProgress } = options;
  const names = scenario === undefined ? SCENARIOS.map(({ name }) => name) : [scenario];
  const walkers = names.map((name) => new Walker({ profile, flash, scenario: name }, random));
  const sum = { sessions: 0, cuts: 0, updates: 0, mostCuts: 0 };
  const violations: (Violation & { line: string })[] = [];
  while (sum.sessions < options.sessions && !options.isOver()) {
    const walker = walkers[random.below(walkers.length)];
    if (walker === undefined) break;
    const walk = walker.walk();
    sum.sessions += walk.sessions;
    sum.cuts += walk.cuts;
    sum.updates += 1;
    sum.mostCuts = Math.max(sum.mostCuts, walk.cuts);
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
  readonly cuts: number;
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
  readonly #checks: Checks;
  readonly #facts: PageFactsCache;

  constructor(name: WorldName, random: Random) {
    this.#name = name;
    this.#random = random;
    this.#world = createWorld(name);
    const { geometry, factory, next } = this.#world;
    this.#checks = new Checks(this.#world, new KnownPages(geometry, [factory, next]));
    this.#facts = new PageFactsCache(geometry);
  }

  /** From the root until the application has nothing left to do. */
  walk(): Walk {
    const edges: Edge[] = [];
    let node: DeviceNode = this.#world.root;
    let cuts = 0;
    while (edges.length < MAX_SESSIONS) {
      const { session, choices, cut } = this.#runOne(node);
      const { end, after, steps } = session;
      const wasCut = end.kind === "power-lost";
      edges.push({ decay: null, choices: choices.letters, cut: wasCut ? cut : null });
      const last = steps.at(-1)?.before ?? node.state;
      const view = this.#viewOf(after);
      const violations = [
        ...this.#checks.checkSession(session, node.state, cuts),
        ...this.#checks.checkState(after, view),
        ...this.#checks.checkProgress(this.#viewOf(last).floor, view),
      ];
      if (wasCut) {
        cuts += 1;
        violations.push(...this.#cover(session));
      }
      if (end.kind === "rest") tally(this.results, resultOf(this.#world, end.found.status));
      if (violations.length > 0 || (end.kind !== "reset" && !wasCut)) {
        const line = formatLine(this.#name, edges);
        const found = violations.map((violation) => ({ ...violation, line }));
        return { sessions: edges.length, cuts, violations: found };
      }
      node = { state: after, entry: end.kind === "reset" ? end.entry : POWER_ON };
    }
    const line = formatLine(this.#name, edges);
    const text = `not at rest after ${MAX_SESSIONS} sessions`;
    return { sessions: edges.length, cuts, violations: [{ invariant: "I4", text, line }] };
  }

  /** A session as it would run, then the same again with a cut somewhere in it, or left as it is. */
  #runOne(node: DeviceNode): {
    readonly session: Session;
    readonly choices: SessionChoices;
    readonly cut: CutPoint | null;
  } {
    const random = this.#random;
    const choices = new SessionChoices("", (count) => random.below(count));
    const session = runSession(this.#world, node, { choices });
    const number = random.below(session.steps.length);
    const step = session.steps[number];
    if (step === undefined || random.below(8) >= CUT_EIGHTHS)
      return { session, choices, cut: null };
    const cuts = cutsOf(step.operation, number);
    const cut = cuts[random.below(cuts.length)] ?? null;
    const again = new SessionChoices(choices.letters);
    return { session: runSession(this.#world, node, { choices: again, cut }), choices: again, cut };
  }

  #cover({ steps }: Session): readonly Violation[] {
    const { operation, before } = steps.at(-1) ?? {};
    if (operation === undefined || before === undefined) return [];
    const cell = cellOf(this.#world.geometry, operation, this.#viewOf(before));
    if (cell === null) return [];
    tally(this.hits, cell.name);
    return cell.violation === null ? [] : [cell.violation];
  }

  #viewOf(state: DeviceState): StoreView {
    return new StoreView(this.#world.geometry, state.nand, this.#facts);
  }
}

function tally(counts: Map<string, number>, name: string | null): void {
  if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
}
