// SPDX-License-Identifier: Apache-2.0
import { addBanks } from "./bank-key.js";
import { CanonicalMarker } from "./canonical-marker.js";
import { addSlot } from "./core-key.js";
import type { DeviceNode, DeviceState } from "./device-state.js";
import { POWER_ON, forkState } from "./device-state.js";
import { Fingerprint } from "./fingerprint.js";
import type { Geometry } from "./geometry.js";
import { addJournal, addJournalForm } from "./journal-key.js";
import type { KnownPages } from "./known-pages.js";
import { PageFactsCache } from "./page-facts.js";
import type { Pair } from "./page-facts.js";
import { StoreView } from "./store-view.js";

const ENTRY_NUMBER = { "power-on": 0, soft: 1, watchdog: 2, lockup: 3 } as const;

/**
 * How much of a state goes into its key. `exact`: all that decides what code does next, right or
 * wrong. `closed`: what is left when the code does what `closure` relies on: it finds in the journal
 * what it should, erases what it writes to, and takes no notice of what it will write anew. Tests
 * and checks of every session hold it to that. How many entries of the marker still fit into their
 * page is left open: each session is gone through with any number.
 */
export type Precision = "exact" | "closed";

/**
 * The key of a state: equal keys, equal futures. What the code cannot tell apart does not go in:
 * docs/explore.md says what that is, and why.
 */
export class StateKeys {
  readonly #geometry: Geometry;
  readonly #known: KnownPages;
  readonly #facts: PageFactsCache;
  readonly #precision: Precision;

  constructor(
    geometry: Geometry,
    known: KnownPages,
    precision: Precision,
    facts: PageFactsCache = new PageFactsCache(geometry),
  ) {
    this.#geometry = geometry;
    this.#known = known;
    this.#facts = facts;
    this.#precision = precision;
  }

  keyOf(node: DeviceNode, view: StoreView = this.viewOf(node.state)): Pair {
    const key = new Fingerprint();
    for (const part of this.partsOf(node, view)) key.addPair(part);
    return pairOf(key);
  }

  viewOf(state: DeviceState): StoreView {
    return new StoreView(this.#geometry, state.nand, this.#facts);
  }

  /** The key in parts: session and counter, journal, banks, cores, marker. */
  partsOf(node: DeviceNode, view: StoreView): readonly Pair[] {
    const { state, entry } = node;
    const session = new Fingerprint();
    const journal = new Fingerprint();
    const banks = new Fingerprint();
    const cores = new Fingerprint();
    const marker = new Fingerprint();
    session.add(ENTRY_NUMBER[entry.reason] * 2 + (entry.watchdogRuns ? 1 : 0));
    session.add(state.securityCounter);
    const isExact = this.#precision === "exact";
    (isExact ? addJournalForm : addJournal)(journal, view, this.#geometry);
    addBanks(banks, view, {
      geometry: this.#geometry,
      known: this.#known,
      precision: this.#precision,
    });
    const entries = new CanonicalMarker(this.#geometry, state.appFlash);
    for (const [index, core] of (["app", "net"] as const).entries()) {
      addSlot(cores, {
        core,
        storage: core === "app" ? state.appFlash : state.netFlash,
        geometry: this.#geometry,
        known: this.#known,
        isOverwritten: !isExact && entries.isOverwritten(index),
      });
    }
    entries.addTo(marker);
    if (isExact) marker.add(entries.room);
    return [session, journal, banks, cores, marker].map(pairOf);
  }

  /** Unstable pages that make a difference: with their reads always good, the key is another. */
  countUnstable(state: DeviceState): number {
    const node = { state, entry: POWER_ON };
    const key = this.keyOf(node);
    let count = 0;
    for (const memory of MEMORIES) {
      for (const page of state[memory].medium.unstablePages()) {
        const other = this.keyOf({ ...node, state: withStable(state, memory, page) });
        if (other.high !== key.high || other.low !== key.low) count += 1;
      }
    }
    return count;
  }

  /** The same for anything that code can tell, without unstable pages that make no difference. */
  withoutUnseen(node: DeviceNode): DeviceNode {
    let calm = node;
    const key = this.keyOf(node);
    for (const memory of MEMORIES) {
      for (const page of node.state[memory].medium.unstablePages()) {
        const calmer = { ...calm, state: withStable(calm.state, memory, page) };
        const other = this.keyOf(calmer);
        if (other.high === key.high && other.low === key.low) calm = calmer;
      }
    }
    return calm;
  }
}

const MEMORIES = ["nand", "appFlash", "netFlash"] as const;

/** The state with all reads of a page good. */
function withStable(
  state: DeviceState,
  memory: (typeof MEMORIES)[number],
  page: number,
): DeviceState {
  const stable = forkState(state);
  stable[memory].medium.setPage(page, { goodChance: 256, span: null });
  return stable;
}

function pairOf(key: Fingerprint): Pair {
  return { high: key.high, low: key.low };
}
