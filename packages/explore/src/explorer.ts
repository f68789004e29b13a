// SPDX-License-Identifier: Apache-2.0
import { Checks, resultOf } from "./checks.js";
import type { Violation } from "./checks.js";
import { cellOf } from "./coverage.js";
import type { DeviceNode, DeviceState } from "./device-state.js";
import { POWER_ON, countUnstablePages, forkState } from "./device-state.js";
import { NO_FAULTS, TRANSPORT_FAULTS, kindsOf, noFaultCounts } from "./faults.js";
import type { FaultKind, SessionFaults } from "./faults.js";
import { cutsOf, interruptedNode, resetsAt } from "./forked-cuts.js";
import type { TearChoice } from "./forked-cuts.js";
import { NO_HISTORY, decaysOf, historyAfter, historyWith } from "./history.js";
import type { History } from "./history.js";
import { KnownPages } from "./known-pages.js";
import type { Pair } from "./page-facts.js";
import { sessionsFrom, withChoices } from "./possible-sessions.js";
import type { PossibleSession } from "./possible-sessions.js";
import { isIdle } from "./session.js";
import type { Interruption, RestingDevice, SessionStep } from "./session.js";
import { StateKeys } from "./state-key.js";
import type { Precision } from "./state-key.js";
import { StateSet } from "./state-set.js";
import { decayPage } from "./store-damage.js";
import type { CertainRecord, StoreView } from "./store-view.js";
import { edgesOf } from "./trail.js";
import type { Edge, Trail } from "./trail.js";
import type { World } from "./world.js";

/** A state that waits to be expanded. */
interface Pending {
  readonly key: Pair;
  readonly node: DeviceNode;
  readonly trail: Trail | null;
  /** Faults on the way to it. */
  readonly faults: number;
  readonly history: History;
  /** Sessions since the last fault. */
  readonly quiet: number;
}

/** How a session went, and from where. */
interface Ran extends PossibleSession {
  readonly faults: SessionFaults;
}

/** How a state was come to, when a fault had its part in it. */
interface Via {
  readonly kind: FaultKind;
  /** The record that has to stay. */
  readonly floor: CertainRecord | null;
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

/** No update takes as many sessions without a fault: what has not come to rest by then never will. */
const MAX_QUIET_SESSIONS = 100;

/** Four words of keys, a state and the one that follows it without a fault, and whether it rests. */
export const LINK_WORDS = 5;

export interface ExplorerOptions {
  readonly world: World;
  readonly seen: StateSet;
  /** Faults on one path; Infinity: until nothing new appears. */
  readonly depth: number;
  /** Distinct: without tears that leave what a cut before or after an operation leaves. */
  readonly tears: TearChoice;
  /** Unstable pages that a device may have at a time, those that make no difference left out. */
  readonly maxUnstable: number;
  readonly precision: Precision;
  /** Kinds of fault; default: cuts. */
  readonly faults?: readonly FaultKind[];
  /** Cuts are made at the first operations of a session only; default: at all of them. */
  readonly firstOperations?: number;
  /** Default: everything. */
  readonly share?: Share;
  readonly onFound: (found: Found) => void;
}

/** Goes through the states of one world, those with few faults first. */
export class Explorer {
  readonly figures: Figures = { states: 0, edges: 0, cuts: 0, sessions: 0 };
  /** Faults that were made. */
  readonly faults: Record<FaultKind, number> = noFaultCounts();
  /** Operations that were cut, by record state and step. */
  readonly coverage: Map<string, number> = new Map();
  /** Resting devices by result. */
  readonly results: Map<string, number> = new Map();
  /** States that no fault has led to: every worker keeps its own. */
  readonly quietStates: StateSet = new StateSet(1000);
  /** Which state follows which when no fault comes. */
  readonly #links: number[] = [];
  readonly #options: ExplorerOptions;
  readonly #keys: StateKeys;
  readonly #checks: Checks;
  /** By number of faults. */
  readonly #pending: Pending[][] = [];

  constructor(options: ExplorerOptions) {
    this.#options = options;
    const { world } = options;
    const known = new KnownPages(world.geometry, [world.factory, world.next, world.other]);
    this.#keys = new StateKeys(world.geometry, known, options.precision);
    this.#checks = new Checks(world, known);
    this.#offer({ node: world.root, trail: null, faults: 0, history: NO_HISTORY, quiet: 0 }, null);
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
    const { world, precision, depth } = this.#options;
    const { history } = pending;
    const faults: SessionFaults = { ...NO_FAULTS, decay: history.due };
    for (const possible of sessionsFrom(world, pending.node, precision, { faults, history })) {
      if (this.#counts(pending.faults)) this.figures.sessions += 1;
      const ran = { ...possible, faults };
      const isGood = this.#follow(pending, ran);
      if (isGood && pending.faults < depth) this.#vary(pending, ran);
    }
    if (pending.faults < depth) this.#letDecay(pending);
  }

  /** Takes in what a session leads to, with each further fault in it; false: it breaks something. */
  #follow(pending: Pending, ran: Ran): boolean {
    const { session, choices, faults } = ran;
    const quiet = pending.quiet + 1;
    const edge: Edge = { faults, choices, cut: null };
    const violations = [...this.#checks.checkSession(session, pending.faults)];
    const { end, after } = session;
    if (end.kind === "rest" && this.#counts(pending.faults)) this.#countRest(end.found);
    const history = historyAfter(pending.history, isIdle(end));
    if (isIdle(end) && history.hasDecayed) {
      violations.push(...this.#checks.checkPatrolled(this.#viewOf(after)));
    }
    const goesOn = end.kind === "reset" || end.kind === "rest";
    if (quiet > MAX_QUIET_SESSIONS) {
      const text = `no rest after ${quiet} sessions without a fault`;
      violations.push({ invariant: "I4", text });
    } else if (goesOn) {
      // A device at rest that is switched off and on again has to be at rest.
      const entry = end.kind === "reset" ? end.entry : POWER_ON;
      const trail = { parent: pending.trail, edge };
      const node = { state: after, entry };
      const next = this.#offer({ ...pending, node, trail, history, quiet }, null);
      const { key } = pending;
      if (faults.badAt === null && faults.transport === null) {
        this.#links.push(key.high, key.low, next.high, next.low, end.kind === "rest" ? 1 : 0);
      }
    }
    this.#report(violations, pending.trail, edge);
    if (violations.length > 0) return false;
    if (pending.faults < this.#options.depth) this.#interruptEverywhere(pending, ran);
    return true;
  }

  #countRest(found: RestingDevice): void {
    const result = resultOf(this.#options.world, found.status) ?? "none";
    this.results.set(result, (this.results.get(result) ?? 0) + 1);
  }

  #interruptEverywhere(pending: Pending, ran: Ran): void {
    const { geometry } = this.#options.world;
    const { firstOperations } = this.#options;
    const { session, choices, faults } = ran;
    const history = historyAfter(pending.history, false);
    for (const [number, step] of session.steps.slice(0, firstOperations).entries()) {
      // Up to there it is the session in which no block goes bad.
      if (faults.badAt !== null && number <= faults.badAt) continue;
      const view = this.#viewOf(step.before);
      this.#cover(pending, ran, { ...step, number, view });
      const floor = this.#checks.floorOf(view, history);
      const isSameBefore =
        session.steps[number - 1]?.before.securityCounter === step.before.securityCounter;
      for (const cut of this.#interruptionsOf(step, number)) {
        // A cut after the operation before has left just that.
        if (cut.when === "before" && isSameBefore) continue;
        if (cut.tear === "unstable" && this.#isUnstableEnough(step.before)) continue;
        const node = interruptedNode(geometry, session, cut);
        const trail = { parent: pending.trail, edge: { faults, choices, cut } };
        const kind = cut.when === "reset" ? "resets" : "cuts";
        const next = { node, trail, faults: pending.faults + 1, history, quiet: 0 };
        this.#offer(next, { kind, floor });
      }
    }
  }

  #interruptionsOf(step: SessionStep, number: number): readonly Interruption[] {
    return [
      ...(this.#has("cuts") ? cutsOf(step.operation, number, this.#options.tears) : []),
      ...(this.#has("resets") ? resetsAt(step, number) : []),
    ];
  }

  /** The same session again, with each fault that is none of an operation alone. */
  #vary(pending: Pending, ran: Ran): void {
    const { world } = this.#options;
    for (const [index, [kind, faults]] of [...this.#variationsOf(ran)].entries()) {
      // What the first faults lead to is divided.
      if (pending.faults === 0 && !this.#isOurs({ high: 0, low: index << 4 })) continue;
      this.faults[kind] += 1;
      const history = historyWith(pending.history, faults);
      const varied = { ...pending, faults: pending.faults + 1, history, quiet: 0 };
      for (const possible of withChoices(world, ran.node, { faults, history }, ran.choices)) {
        this.figures.sessions += 1;
        this.#follow(varied, { ...possible, faults });
      }
    }
  }

  *#variationsOf({ session, faults }: Ran): Generator<readonly [FaultKind, SessionFaults]> {
    const { chip } = this.#options.world.geometry;
    if (this.#has("bad-blocks") && chip.norProfile === null) {
      for (const [badAt, { operation }] of session.steps.entries()) {
        if (operation.device === chip.name) yield ["bad-blocks", { ...faults, badAt }];
      }
    }
    if (this.#has("transport") && session.hasDownloaded) {
      for (const transport of TRANSPORT_FAULTS) yield ["transport", { ...faults, transport }];
    }
  }

  /** Pages that decay before the session, one on each path. */
  #letDecay(pending: Pending): void {
    if (!this.#has("decay") || pending.history.hasDecayed) return;
    const { geometry } = this.#options.world;
    const { node } = pending;
    for (const decay of decaysOf(geometry, this.#viewOf(node.state))) {
      const state = forkState(node.state);
      decayPage(geometry, state.nand, decay);
      const history = historyWith(pending.history, { ...NO_FAULTS, decay });
      const key = this.#keyOf({ ...node, state }, history);
      if (pending.faults === 0 && !this.#isOurs(key)) continue;
      this.faults.decay += 1;
      if (!this.#options.seen.add(key.high, key.low)) continue;
      this.figures.states += 1;
      const faults = pending.faults + 1;
      this.#wait({ ...pending, key, faults, history, quiet: 0 });
    }
  }

  /** Takes a state in if it is new and ours; its key. */
  #offer(state: Omit<Pending, "key">, via: Via | null): Pair {
    const { node, trail, faults, history } = state;
    const view = this.#viewOf(node.state);
    const key = this.#keyOf(node, history, view);
    const isFirst = via !== null && faults === 1;
    const isOurs = !isFirst || this.#isOurs(key);
    if (isOurs && this.#counts(faults)) {
      this.figures.edges += 1;
      if (via?.kind === "cuts") this.figures.cuts += 1;
      if (via !== null) this.faults[via.kind] += 1;
    }
    if (!isOurs || !this.#seenOf(faults).add(key.high, key.low)) return key;
    if (this.#counts(faults)) this.figures.states += 1;
    const floor = via?.floor ?? null;
    const violations = [
      ...this.#checks.checkState(node.state, view, history),
      ...this.#checks.checkProgress(floor, view, history),
    ];
    if (violations.length > 0 && trail !== null) this.#report(violations, trail.parent, trail.edge);
    else {
      const isExact = this.#options.precision === "exact";
      this.#wait({ ...state, node: isExact ? node : this.#keys.withoutUnseen(node), key });
    }
    return key;
  }

  #wait(pending: Pending): void {
    (this.#pending[pending.faults] ??= []).push(pending);
  }

  /** What has happened on a path may let other things follow from a state: it has another key. */
  #keyOf(node: DeviceNode, history: History, view = this.#viewOf(node.state)): Pair {
    const { high, low } = this.#keys.keyOf(node, view);
    const { hasDecayed, isOfferedAgain } = history;
    return { high: high ^ (hasDecayed ? DECAYED : 0) ^ (isOfferedAgain ? OFFERED_AGAIN : 0), low };
  }

  #has(kind: FaultKind): boolean {
    return (this.#options.faults ?? ["cuts"]).includes(kind);
  }

  /** Every worker goes the way without faults; what the first faults lead to is divided. */
  #isOurs(key: Pair): boolean {
    const { index, count } = this.#options.share ?? { index: 0, count: 1 };
    return (key.low >>> 4) % count === index;
  }

  #counts(faults: number): boolean {
    return faults > 0 || (this.#options.share?.index ?? 0) === 0;
  }

  #seenOf(faults: number): StateSet {
    return faults === 0 ? this.quietStates : this.#options.seen;
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

  /**
   * Counts the operation; a violation when no cut should come here, once per cell. Only where power
   * cuts are the only faults: the others write in other places.
   */
  #cover(
    pending: Pending,
    { choices, faults }: Ran,
    {
      operation,
      number,
      view,
    }: SessionStep & { readonly number: number; readonly view: StoreView },
  ): void {
    const isPure = kindsOf(faults).length === 0;
    if (!isPure || pending.history.hasDecayed || !this.#has("cuts")) return;
    if (!this.#counts(pending.faults)) return;
    const cell = cellOf(this.#options.world.geometry, operation, view);
    if (cell === null) return;
    const count = this.coverage.get(cell.name) ?? 0;
    this.coverage.set(cell.name, count + 1);
    if (cell.violation === null || count > 0) return;
    const cut = { operation: number, when: "before", tear: null } as const;
    this.#report([cell.violation], pending.trail, { faults, choices, cut });
  }
}

/** Tell the keys of states on such paths from others: any bits. */
const DECAYED = 0x5bd1_e995;
const OFFERED_AGAIN = 0x2545_f491;
