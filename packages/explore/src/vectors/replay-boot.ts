// SPDX-License-Identifier: Apache-2.0
import { TandemError, bytesEqual } from "@tandem/base";
import type { PcdPort } from "@tandem/update";

import { runBoot } from "./boot-run.js";
import type { BootSetting } from "./boot-run.js";
import type { BootAction, BootVector, DumpedPage } from "./boot-vector.js";
import { DUMPED } from "./boot-vector.js";
import { describeAction } from "./describe-action.js";
import { PlainFlash, PlainStore } from "./plain-flash.js";

/** Where a boot departs from its vector. */
export interface Difference {
  /** Number of the action, from 0; null: the actions agree, and what is left does not. */
  readonly action: number | null;
  readonly text: string;
}

/** More polls than both tries of a copy that is never answered take. */
const MOST_POLLS = 100_000;

/** Ends a boot; not an error of the code that it passes through, so no TandemError. */
class Departure extends Error {
  readonly difference: Difference;

  constructor(difference: Difference) {
    super(difference.text);
    this.name = "Departure";
    this.difference = difference;
  }
}

/**
 * Boots from the vector's dump, on plain memory and with the answers of its network core, as a test
 * of another implementation would. Null: every action and what is left agree.
 */
export function replayBoot(setting: BootSetting, vector: BootVector): Difference | null {
  const { chip, map } = setting.geometry;
  const { before, after, badBlocks, actions } = vector;
  const { eccStrengthBits } = setting;
  const store = new PlainStore(chip.shape, { eccStrengthBits, pages: before.store, badBlocks });
  const appFlash = new PlainFlash(map.appFlash, before.app);
  const netFlash = new PlainFlash(map.netFlash, before.net);
  let { counter } = before;
  let next = 0;
  const device = {
    store,
    appFlash,
    pcd: toldNetCore(
      () => actions[next],
      (firmware) => netFlash.replace(map.netSlot.start, firmware),
    ),
    counter: {
      read: (): number => counter,
      raise: (value: number): void => void (counter = value),
    },
    watchdog: { start: nothing, feed: nothing },
    seal: nothing,
    resetReason: vector.resetReason,
  };
  let departure: Departure | null = null;
  try {
    const decision = runBoot(setting, device, (action) => {
      // The coordinator seals whatever happens.
      if (departure !== null) throw departure;
      const expected = actions[next];
      if (expected === undefined || !isSame(action, expected)) {
        departure = new Departure({ action: next, text: unlike(action, expected) });
        throw departure;
      }
      next += 1;
    });
    const left = actions[next];
    if (left !== undefined) return { action: next, text: unlike(undefined, left) };
    if (decision !== vector.decision) {
      return { action: null, text: `decision ${decision}, expected ${vector.decision}` };
    }
    if (counter !== after.counter) {
      return { action: null, text: `counter ${counter}, expected ${after.counter}` };
    }
    const dumps = { store: store.dump, app: appFlash.dump, net: netFlash.dump };
    for (const name of DUMPED) {
      const page = firstDifference(dumps[name], after[name]);
      if (page !== null) return { action: null, text: `${name}: page ${page} is left otherwise` };
    }
    return null;
  } catch (error) {
    if (error instanceof Departure) return error.difference;
    if (error instanceof TandemError) return { action: next, text: `threw: ${error.message}` };
    throw error;
  }
}

/** The network core answers as the vector says; a copy that it says is done, is. */
function toldNetCore(
  next: () => BootAction | undefined,
  copy: (firmware: Uint8Array) => void,
): PcdPort {
  let polls = 0;
  return {
    forceOff: nothing,
    startCopy: (ram, offset, length) => {
      const told = next();
      if (told?.kind === "net-copy" && told.answer === "done") {
        copy(ram.subarray(offset, offset + length));
      }
    },
    // Where the vector tells of something else, that is found when the copy has ended.
    status: () => {
      const told = next();
      polls += 1;
      if (polls > MOST_POLLS) {
        throw new Departure({ action: null, text: "polls for ever, expected a deadline" });
      }
      return told?.kind === "net-copy" ? told.answer : "failed";
    },
    readVersion: () => {
      const told = next();
      return told?.kind === "net-version" ? told.answer : null;
    },
    clear: nothing,
    lock: nothing,
    wait: nothing,
  };
}

function nothing(): void {
  // The vector holds the call; nothing here depends on it.
}

function unlike(found: BootAction | undefined, expected: BootAction | undefined): string {
  const [what, wanted] = [wordsOf(found), wordsOf(expected)];
  return what === wanted ? `${what}, with other data` : `${what}, expected ${wanted}`;
}

function wordsOf(action: BootAction | undefined): string {
  return action === undefined ? "the end" : describeAction(action);
}

function isSame(a: BootAction, b: BootAction): boolean {
  const [dataA, dataB] = [dataOf(a), dataOf(b)];
  const isData = dataA === null || dataB === null ? dataA === dataB : bytesEqual(dataA, dataB);
  return isData && describeAction(a) === describeAction(b);
}

function dataOf(action: BootAction): Uint8Array | null {
  return "data" in action ? action.data : null;
}

/** The first page that only one of two dumps has, or that they have in different ways. */
function firstDifference(a: readonly DumpedPage[], b: readonly DumpedPage[]): number | null {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [one, other] = [a[i], b[i]];
    const isEqual =
      one?.page === other?.page &&
      one?.bits === other?.bits &&
      bytesEqual(one?.data ?? new Uint8Array(0), other?.data ?? new Uint8Array(0));
    if (!isEqual)
      return Math.min(
        one?.page ?? Number.POSITIVE_INFINITY,
        other?.page ?? Number.POSITIVE_INFINITY,
      );
  }
  return null;
}
