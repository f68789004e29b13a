// SPDX-License-Identifier: Apache-2.0
import { Checks } from "./checks.js";
import type { Violation } from "./checks.js";
import { POWER_ON } from "./device-state.js";
import type { DeviceNode, DeviceState } from "./device-state.js";
import { kindsOf } from "./faults.js";
import { NO_HISTORY, historyAfter, historyWith } from "./history.js";
import type { History } from "./history.js";
import { KnownPages } from "./known-pages.js";
import { PageFactsCache } from "./page-facts.js";
import { SessionChoices } from "./session-choices.js";
import { isIdle, runSession } from "./session.js";
import type { Session } from "./session.js";
import { StoreView } from "./store-view.js";
import type { Edge } from "./trail.js";
import type { World } from "./world.js";

/** One session of a device, and what does not hold in it or after it. */
export interface JourneyStep {
  readonly session: Session;
  /** Choices that were made, those of the edge first. */
  readonly choices: string;
  readonly from: DeviceNode;
  /** Where the next session begins. */
  readonly to: DeviceNode;
  readonly violations: readonly Violation[];
}

/** What checks every journey through one world shares. */
export class JourneyChecks {
  readonly world: World;
  readonly checks: Checks;
  readonly #facts: PageFactsCache;

  constructor(world: World) {
    const { geometry, factory, next, other } = world;
    this.world = world;
    this.checks = new Checks(world, new KnownPages(geometry, [factory, next, other]));
    this.#facts = new PageFactsCache(geometry);
  }

  viewOf(state: DeviceState): StoreView {
    return new StoreView(this.world.geometry, state.nand, this.#facts);
  }
}

/** One device on its way from the root, session by session, with faults that really come. */
export class Journey {
  readonly #checks: JourneyChecks;
  #node: DeviceNode;
  #faults = 0;
  #history: History = NO_HISTORY;

  constructor(checks: JourneyChecks) {
    this.#checks = checks;
    this.#node = checks.world.root;
  }

  /** Where the next session begins. */
  get node(): DeviceNode {
    return this.#node;
  }

  get history(): History {
    return this.#history;
  }

  /** Runs the next session as the edge has it. */
  run(
    { faults, choices: letters, cut }: Edge,
    choices: SessionChoices = new SessionChoices(letters),
  ): JourneyStep {
    const { world, checks } = this.#checks;
    const from = this.#node;
    this.#faults += kindsOf(faults).length;
    const history = historyWith(this.#history, faults);
    const session = runSession(world, from, { choices, cut, faults, history });
    const { end, after, steps } = session;
    const violations = [...checks.checkSession(session, this.#faults)];
    this.#history = historyAfter(history, isIdle(end));
    const view = this.#checks.viewOf(after);
    violations.push(...checks.checkState(after, view, this.#history));
    const last = steps.at(-1)?.before;
    if (last !== undefined) {
      const floor = checks.floorOf(this.#checks.viewOf(last), history);
      violations.push(...checks.checkProgress(floor, view, history));
    }
    if (isIdle(end) && history.hasDecayed) violations.push(...checks.checkPatrolled(view));
    if (cut !== null) this.#faults += 1;
    const to = { state: after, entry: end.kind === "reset" ? end.entry : POWER_ON };
    this.#node = to;
    return { session, choices: choices.letters, from, to, violations };
  }
}
