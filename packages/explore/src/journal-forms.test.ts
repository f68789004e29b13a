// SPDX-License-Identifier: Apache-2.0
import { MemoryStorage } from "@tandem/flash";
import { Store } from "@tandem/store";
import { PowerSupply } from "@tandem/twin";
import { describe, expect, it } from "vitest";

import type { DeviceState } from "./device-state.js";
import { Fingerprint } from "./fingerprint.js";
import { cutState, cutsOf } from "./forked-cuts.js";
import { FLASH_KINDS, geometryOf } from "./geometry.js";
import { addJournal, addJournalForm } from "./journal-key.js";
import { PageFactsCache } from "./page-facts.js";
import { SessionChoices } from "./session-choices.js";
import { TEAR_SEED } from "./session.js";
import type { SessionStep } from "./session.js";
import { StoreView } from "./store-view.js";

/** Records that a session commits: as many as it takes to fill a block and begin the next. */
const COMMITS = 4;

/**
 * Goes through the forms in which an unstable block stands in another place among the others, too:
 * ten times as many.
 */
const IS_LONG = process.env["TANDEM_LONG"] === "1";

/**
 * The key of a state holds of the journal only which records a mount may find. This goes through
 * every form that a journal can take when sessions are cut in any way, any number of times, with at
 * most one unstable page at a time, and holds the forms of equal keys together: whatever a mount
 * finds, the cuts in each commit that follows have to lead to the same keys.
 *
 * Forms are told apart as in the exact key. What records say makes no difference to the journal: they
 * are numbers here, by their order.
 */
describe.each(FLASH_KINDS)("all forms of a journal on %s", (flash) => {
  const geometry = geometryOf("small", flash);
  const { limits, chip } = geometry;
  const facts = new PageFactsCache(geometry);

  const viewOf = (nand: MemoryStorage): StoreView => new StoreView(geometry, nand, facts);
  /** Which records may be found, by number, in ascending order. */
  const recordsIn = (nand: MemoryStorage): readonly number[] =>
    viewOf(nand)
      .winners.map(({ record }) => record.nextAllocation)
      .toSorted(bySize);

  /** As in the exact key, with records by their order. */
  const formOf = (nand: MemoryStorage): string => {
    const view = viewOf(nand);
    const found = view.chains.flatMap(({ candidates }) => candidates);
    const records = [...new Set(found.map(({ record }) => record.nextAllocation))].toSorted(bySize);
    const key = new Fingerprint();
    addJournalForm(key, view, geometry, {
      addRecord: ({ record }) => key.add(records.indexOf(record.nextAllocation)),
      areBlocksAlike: !IS_LONG,
    });
    return `${key.high},${key.low}`;
  };

  const keyOf = (nand: MemoryStorage): string => {
    const key = new Fingerprint();
    addJournal(key, viewOf(nand), geometry);
    return `${key.high},${key.low}`;
  };
  /** Whether reads of unstable pages make a difference now. */
  const isAmbiguous = (nand: MemoryStorage): boolean =>
    nand.medium.unstablePages().some((page) => {
      const stable = nand.fork();
      stable.medium.setPage(page, { goodChance: 256, span: null });
      return keyOf(stable) !== keyOf(nand);
    });

  /** All that one session and its cuts lead to: journals, each with what was found and done. */
  const follow = (nand: MemoryStorage, next: number): { nand: MemoryStorage; label: string }[] => {
    const followers: { nand: MemoryStorage; label: string }[] = [];
    const before = recordsIn(nand);
    const nameOf = (record: number): string =>
      record >= next ? `new ${record - next}` : `old ${before.indexOf(record)}`;
    const choices = new SessionChoices();
    do {
      choices.begin();
      const storage = nand.fork();
      const steps: (SessionStep & { readonly commit: number })[] = [];
      let commit = 0;
      const power = new PowerSupply({
        seed: TEAR_SEED,
        onOperation: (operation) =>
          void steps.push({
            operation,
            before: deviceWith(storage.fork()),
            watchdogRuns: false,
            commit,
          }),
      });
      const wiring = chip.make(storage, { power }, (page) => choices.unstableReads("nand", page));
      const store = Store.mount(wiring, { limits });
      const found = nameOf(store.record.nextAllocation);
      store.settle();
      for (commit = 1; commit <= COMMITS; commit++) {
        store.commit({ nextAllocation: next + commit });
      }
      const session = { steps, after: deviceWith(storage) };
      for (const [number, step] of steps.entries()) {
        for (const cut of cutsOf(step.operation, number, "distinct")) {
          if (cut.tear === "unstable" && isAmbiguous(step.before.nand)) continue;
          const { nand: left } = cutState(geometry, session, cut);
          const records = recordsIn(left).map(nameOf).join(" or ");
          followers.push({ nand: left, label: `${found}, commit ${step.commit}: ${records}` });
        }
      }
    } while (choices.next());
    return followers;
  };

  it("lead, by key, to the same keys, and hold a certain record in both chains", () => {
    const root = new MemoryStorage();
    Store.format(chip.make(root, {}), { limits });
    for (let boot = 0; boot < 6; boot++) Store.mount(chip.make(root, {}), { limits }).settle();
    const seen = new Set([formOf(root)]);
    const pending = [root];
    const byRecords = new Map<number, readonly string[]>();
    let next = 1000;
    for (let nand = pending.pop(); nand !== undefined; nand = pending.pop()) {
      expect(viewOf(nand).chains.every(({ floor }) => floor !== null)).toBe(true);
      const followers = follow(nand, next);
      next += COMMITS + 1;
      const labels = [...new Set(followers.map(({ label }) => label))].toSorted();
      const records = recordsIn(nand).length;
      expect(labels).toEqual(byRecords.get(records) ?? labels);
      byRecords.set(records, labels);
      for (const { nand: follower } of followers) {
        if (follower.medium.unstablePages().length > 1) continue;
        const form = formOf(follower);
        if (seen.has(form)) continue;
        seen.add(form);
        pending.push(follower);
      }
    }
    // One record, or one of two: nothing else is ever there.
    expect(new Set(byRecords.keys())).toEqual(new Set([1, 2]));
    expect(seen.size).toBeGreaterThan(500);
  }, 3_600_000);
});

function deviceWith(nand: MemoryStorage): DeviceState {
  const nothing = new MemoryStorage();
  return { nand, appFlash: nothing, netFlash: nothing, securityCounter: 0 };
}

function bySize(a: number, b: number): number {
  return a - b;
}
