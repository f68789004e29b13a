// SPDX-License-Identifier: Apache-2.0
import type { StateRecord } from "@tandem/store";

import type { Decay, SessionFaults } from "./faults.js";
import type { Geometry } from "./geometry.js";
import type { StoreView } from "./store-view.js";

/**
 * What faults of one path mean for what comes later on it. One page decays at most: two copies of
 * a page are one more than the store is made to lose.
 */
export interface History {
  /** A page that decays before the next session. */
  readonly due: Decay | null;
  /** A page has decayed: no other one will, and the application patrols from now on. */
  readonly hasDecayed: boolean;
  /** The page that is lost; null when none is, or once a patrol has been through. */
  readonly lostPage: number | null;
  /** The transport has failed: what is refused is offered once more in each session. */
  readonly isOfferedAgain: boolean;
}

export const NO_HISTORY: History = {
  due: null,
  hasDecayed: false,
  lostPage: null,
  isOfferedAgain: false,
};

/** The path on which these faults come in the next session. */
export function historyWith(history: History, { decay, transport }: SessionFaults): History {
  const isOfferedAgain = history.isOfferedAgain || transport !== null;
  if (decay === null) return { ...history, isOfferedAgain };
  const lostPage = decay.kind === "lost" ? decay.page : null;
  return { due: decay, hasDecayed: true, lostPage, isOfferedAgain };
}

/** The path after a session. An idle device has patrolled, and was offered all there is. */
export function historyAfter(history: History, isIdle: boolean): History {
  if (history === NO_HISTORY) return history;
  const lostPage = isIdle ? null : history.lostPage;
  const isOfferedAgain = history.isOfferedAgain && !isIdle;
  return { ...history, due: null, lostPage, isOfferedAgain };
}

/**
 * Each decay that may make a difference: of any page that is written in a block of a bank that any
 * record names which may be found, and of the pages of the journal that hold such a record, or
 * begin its block. The others are erased before they are used. A block is moved as a whole, so
 * that of its weak pages the first one with data and the summary stand for all. NOR does not decay
 * here: it has no ECC that would tell.
 */
export function decaysOf(geometry: Geometry, view: StoreView): readonly Decay[] {
  if (geometry.chip.norProfile !== null) return [];
  const decays = new Map<string, Decay>();
  const add = (page: number, kinds: readonly Decay["kind"][]): void => {
    for (const kind of kinds) decays.set(`${kind} ${page}`, { page, kind });
  };
  for (const chain of view.chains) {
    for (const { firstPage } of chain.heads.slice(0, chain.describedHeads)) {
      add(firstPage, ["lost"]);
      const newest = writtenPages(view, firstPage).at(-1);
      if (newest !== undefined) add(newest, ["lost", "weak"]);
    }
    for (const { record } of chain.candidates) {
      for (const firstPage of blocksOf(record, view)) {
        const [header, ...pages] = writtenPages(view, firstPage);
        if (header !== undefined) add(header, ["lost"]);
        for (const page of pages) {
          const standsForAll = page === pages[0] || page === pages.at(-1);
          add(page, standsForAll ? ["lost", "weak"] : ["lost"]);
        }
      }
    }
  }
  return [...decays.values()];
}

/** First pages of the blocks that the record has for its banks, and that were begun for them. */
function* blocksOf({ banks }: StateRecord, view: StoreView): Generator<number> {
  for (const extent of banks.flatMap(({ images }) =>
    images.flatMap(({ copies }) => copies.flat()),
  )) {
    for (let index = 0; index < extent.count; index++) {
      const firstPage = (extent.firstBlock + index) * view.shape.pagesPerBlock;
      const { header } = view.page(firstPage);
      if (header?.sequence === extent.firstSequence + index) yield firstPage;
    }
  }
}

function writtenPages(view: StoreView, firstPage: number): readonly number[] {
  const pages = Array.from({ length: view.shape.pagesPerBlock }, (_, index) => firstPage + index);
  return pages.filter((page) => {
    const { isBlank, status } = view.page(page);
    return !isBlank && status === "ok";
  });
}
