// SPDX-License-Identifier: Apache-2.0
import { Checks, resultOf } from "./checks.js";
import type { Violation } from "./checks.js";
import { cellOf } from "./coverage.js";
import type { DeviceNode, DeviceState } from "./device-state.js";
import { POWER_ON, countUnstablePages } from "./device-state.js";
import { cutState, cutsOf } from "./forked-cuts.js";
import type { TearChoice } from "./forked-cuts.js";
import { KnownPages } from "./known-pages.js";
import { sessionsFrom } from "./possible-sessions.js";
import type { Pair } from "./page-facts.js";
import type { RestingDevice, Session, SessionStep } from "./session.js";
import { StateKeys } from "./state-key.js";
import type { Precision } from "./state-key.js";
import { StateSet } from "./state-set.js";
import type { CertainRecord, StoreView } from "./store-view.js";
import { edgesOf } from "./trail.js";
import type { Edge, Trail } from "./trail.js";
import type { World } from "./world.js";

/** A state that waits to be expanded. */
interface Pending {
  readonly key: Pair;
  readonly node: DeviceNode;
  readonly trail: Trail | null;
  readonly cuts: number;
  /** Sessions since the last cut. */
  readonly quiet: number;
}

/** Which part of the states one of several workers takes. */
export interface Share {
  readonly index: number;
  readonly count: number;
}

/** A violation, and the sessions that lead to it; the last of them is the one that shows it. */
export interface Found extends Violation {
  readonly edges: readonly Edge[];
}

/** What has been gone through so far. */
export interface Figures {
  states: number;
  /** Sessions that were followed: one per state and choice, and one per cut of it. */
  edges: number;
  cuts: number;
  /** Sessions that were run; cuts are made on what they leave at each operation. */
  sessions: number;
}

/** No update takes as many sessions without a cut: what has not come to rest by then never will. */
const MAX_QUIET_SESSIONS = 100;

/** Four words of keys, a state and the one that follows it without a fault, and whether it rests. */
export const LINK_WORDS = 5;

export interface ExplorerOptions {
  readonly world: World;
  readonly seen: StateSet;
  /** Cuts on one path; Infinity: until nothing new appears. */
  readonly depth: number;
  /** Distinct: without tears that leave what a cut before or after an operation leaves. */
  readonly tears: TearChoice;
  /** Unstable pages that a device may have at a time, those that make no difference left out. */
  readonly maxUnstable: number;
  readonly precision: Precision;
  /** Cuts are made at the first operations of a session only; default: at all of them. */
  readonly firstOperations?: number;
  /** Default: everything. */
  readonly share?: Share;
  readonly onFound: (found: Found) => void;
}

/** Goes through the states of one world, those with few cuts first. */
export class Explorer {
  readonly figures: Figures = { states: 0, edges: 0, cuts: 0, sessions: 0 };
  /** Operations that were cut, by record state and step. */
  readonly coverage: Map<string, number> = new Map();
  /** Resting devices by result. */
  readonly results: Map<string, number> = new Map();
  /** States that no cut has led to: every worker keeps its own. */
  readonly quietStates: StateSet = new StateSet(1000);
  /** Which state follows which when no fault comes. */
  readonly #links: number[] = [];
  readonly #options: ExplorerOptions;
  readonly #keys: StateKeys;
  readonly #checks: Checks;
  /** By number of cuts. */
  readonly #pending: Pending[][] = [];

  constructor(options: ExplorerOptions) {
    this.#options = options;
    const { world } = options;
    const known = new KnownPages(world.geometry, [world.factory, world.next]);
    this.#keys = new StateKeys(world.geometry, known, options.precision);
    this.#checks = new Checks(world, known);
    this.#offer({ node: world.root, trail: null, cuts: 0, quiet: 0 }, null);
  }

  /** `LINK_WORDS` numbers per session without a cut. */
  get links(): readonly number[] {
    return this.#links;
  }

  get pending(): number {
    return this.#pending.reduce((sum, level) => sum + level.length, 0);
  }

  /** Expands one state; false when none waits. */
  step(): boolean {
    const level = this.#pending.find((states) => states.length > 0);
    const next = level?.pop();
    if (next === undefined) return false;
    this.#expand(next);
    return true;
  }

  #expand(pending: Pending): void {
    const { world, precision } = this.#options;
    for (const { node, session, choices } of sessionsFrom(world, pending.node, precision)) {
      if (this.#counts(pending.cuts)) this.figures.sessions += 1;
      this.#follow({ ...pending, node }, session, choices);
    }
  }

  #follow(pending: Pending, session: Session, choices: string): void {
    const { node, cuts } = pending;
    const quiet = pending.quiet + 1;
    const edge: Edge = { decay: null, choices, cut: null };
    const violations = this.#checks.checkSession(session, node.state, cuts);
    this.#report(violations, pending.trail, edge);
    const { end, after } = session;
    if (end.kind === "rest" && this.#counts(cuts)) this.#countRest(end.found);
    if (quiet > MAX_QUIET_SESSIONS) {
      const text = `no rest after ${quiet} sessions without a cut`;
      this.#report([{ invariant: "I4", text }], pending.trail, edge);
    } else if (end.kind === "reset" || end.kind === "rest") {
      // A device at rest that is switched off and on again has to be at rest.
      const entry = end.kind === "reset" ? end.entry : POWER_ON;
      const trail = { parent: pending.trail, edge };
      const next = this.#offer({ node: { state: after, entry }, trail, cuts, quiet }, null);
      const { key } = pending;
      this.#links.push(key.high, key.low, next.high, next.low, end.kind === "rest" ? 1 : 0);
    }
    if (cuts < this.#options.depth && violations.length === 0) {
      this.#cutEverywhere(pending, session, choices);
    }
  }

  #countRest(found: RestingDevice): void {
    const result = resultOf(this.#options.world, found.status) ?? "none";
    this.results.set(result, (this.results.get(result) ?? 0) + 1);
  }

  #cutEverywhere(pending: Pending, session: Session, choices: string): void {
    const { geometry } = this.#options.world;
    const { tears, firstOperations } = this.#options;
    for (const [number, step] of session.steps.slice(0, firstOperations).entries()) {
      const view = this.#viewOf(step.before);
      if (this.#counts(pending.cuts)) {
        const violation = this.#cover(step, view);
        const cut = { operation: number, when: "before", tear: null } as const;
        this.#report(violation, pending.trail, { decay: null, choices, cut });
      }
      const isSameBefore =
        session.steps[number - 1]?.before.securityCounter === step.before.securityCounter;
      for (const cut of cutsOf(step.operation, number, tears)) {
        // A cut after the operation before has left just that.
        if (cut.when === "before" && isSameBefore) continue;
        if (cut.tear === "unstable" && this.#isUnstableEnough(step.before)) continue;
        const state = cutState(geometry, session, cut);
        const trail = { parent: pending.trail, edge: { decay: null, choices, cut } };
        const node = { state, entry: POWER_ON };
        this.#offer({ node, trail, cuts: pending.cuts + 1, quiet: 0 }, view.floor);
      }
    }
  }

  /** Takes a state in if it is new and ours; its key. */
  #offer(state: Omit<Pending, "key">, floor: CertainRecord | null): Pair {
    const view = this.#viewOf(state.node.state);
    const key = this.#keys.keyOf(state.node, view);
    const isFirstCut = state.cuts === 1 && state.trail?.edge.cut !== null;
    const isOurs = !isFirstCut || this.#isOurs(key);
    if (isOurs && this.#counts(state.cuts)) {
      this.figures.edges += 1;
      if (floor !== null) this.figures.cuts += 1;
    }
    if (!isOurs || !this.#seenOf(state.cuts).add(key.high, key.low)) return key;
    if (this.#counts(state.cuts)) this.figures.states += 1;
    const violations = [
      ...this.#checks.checkState(state.node.state, view),
      ...(floor === null ? [] : this.#checks.checkProgress(floor, view)),
    ];
    if (violations.length > 0 && state.trail !== null) {
      this.#report(violations, state.trail.parent, state.trail.edge);
    } else {
      const isExact = this.#options.precision === "exact";
      const node = isExact ? state.node : this.#keys.withoutUnseen(state.node);
      (this.#pending[state.cuts] ??= []).push({ ...state, node, key });
    }
    return key;
  }

  /** Every worker goes the way without cuts; what the first cuts lead to is divided. */
  #isOurs(key: Pair): boolean {
    const { index, count } = this.#options.share ?? { index: 0, count: 1 };
    return (key.low >>> 4) % count === index;
  }

  #counts(cuts: number): boolean {
    return cuts > 0 || (this.#options.share?.index ?? 0) === 0;
  }

  #seenOf(cuts: number): StateSet {
    return cuts === 0 ? this.quietStates : this.#options.seen;
  }

  #viewOf(state: DeviceState): StoreView {
    return this.#keys.viewOf(state);
  }

  /** Only those count that make a difference. */
  #isUnstableEnough(state: DeviceState): boolean {
    const { maxUnstable } = this.#options;
    return (
      countUnstablePages(state) >= maxUnstable && this.#keys.countUnstable(state) >= maxUnstable
    );
  }

  #report(violations: readonly Violation[], parent: Trail | null, edge: Edge): void {
    const edges = edgesOf({ parent, edge });
    for (const violation of violations) this.#options.onFound({ ...violation, edges });
  }

  /** Counts the operation; a violation when no cut should come here, once per cell. */
  #cover({ operation }: SessionStep, view: StoreView): readonly Violation[] {
    const cell = cellOf(this.#options.world.geometry, operation, view);
    if (cell === null) return [];
    const count = this.coverage.get(cell.name) ?? 0;
    this.coverage.set(cell.name, count + 1);
    return cell.violation === null || count > 0 ? [] : [cell.violation];
  }
}
