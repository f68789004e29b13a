// SPDX-License-Identifier: Apache-2.0
import { SetState, stateName } from "@tandem/store";
import type { BankImage, StateRecord } from "@tandem/store";
import type { UpdateStatus } from "@tandem/update";

import type { DeviceState } from "./device-state.js";
import type { Geometry } from "./geometry.js";
import { NO_HISTORY } from "./history.js";
import type { History } from "./history.js";
import type { KnownPages } from "./known-pages.js";
import { PageFactsCache } from "./page-facts.js";
import type { UpdateResult } from "./scenario.js";
import type { RestingDevice, Session } from "./session.js";
import { StoreView } from "./store-view.js";
import type { CertainRecord } from "./store-view.js";
import { firstLostPage, firstWeakPage, isSamePair, storedPages } from "./stored-pages.js";
import { isRelease } from "./world.js";
import type { World } from "./world.js";

/** Invariants of the design, and what else must not happen. */
type Invariant =
  | "I1"
  | "I2"
  | "I3"
  | "I4"
  | "I5"
  | "I6"
  | "I7"
  | "I8"
  | "I9"
  | "I10"
  /** An update ended otherwise than its story says. */
  | "result"
  /** Something was written that the list of what can be says cannot be. */
  | "coverage";

/** What does not hold. */
export interface Violation {
  readonly invariant: Invariant;
  readonly text: string;
}

/** Faults that a good release has to survive: it has three trial boots and eight attempts. */
const SURVIVABLE_FAULTS = 2;

/** Checks devices of one world. */
export class Checks {
  readonly #world: World;
  readonly #known: KnownPages;
  readonly #facts: PageFactsCache;

  constructor(world: World, known: KnownPages) {
    this.#world = world;
    this.#known = known;
    this.#facts = new PageFactsCache(world.geometry);
  }

  /**
   * What must hold at any instant, whatever runs next.
   * @param history a page that decay has taken may be missing, and nothing else; an image that has
   * come over a bad transport may be another one until it is verified
   */
  checkState(
    state: DeviceState,
    view: StoreView,
    history: History = NO_HISTORY,
  ): readonly Violation[] {
    const found: Violation[] = [];
    const [a, b] = view.chains;
    const certain = view.chains.filter(({ floor }) => floor !== null).length;
    if (certain < (this.#hasLostRecord(history, view) ? 1 : 2)) {
      found.push({ invariant: "I9", text: "a chain of the journal holds no certain record" });
    }
    // A record that nothing can bring back may name a block that has been moved since.
    const records = history.hasDecayed ? view.winners : [...a.candidates, ...b.candidates];
    for (const { record } of records) {
      found.push(...this.#checkBanks(record, view, history), ...checkAcceptance(record));
      found.push(...this.#checkVerdict(record));
      const accepted = record.banks[record.acceptedBank ?? -1];
      if (accepted !== undefined && state.securityCounter > accepted.securityCounter) {
        found.push({
          invariant: "I8",
          text: `counter ${state.securityCounter} bars the accepted release (${accepted.securityCounter})`,
        });
      }
    }
    return found;
  }

  /**
   * The record that has to stay: the newest that both chains say for certain, or either of them
   * when the other one has lost a page.
   */
  floorOf(view: StoreView, history: History = NO_HISTORY): CertainRecord | null {
    if (!this.#hasLostRecord(history, view)) return view.floor;
    const [{ floor: a }, { floor: b }] = view.chains;
    if (a === null || b === null) return a ?? b;
    return a.sequence > b.sequence ? a : b;
  }

  /**
   * What both chains said for certain, each of them still says, or something newer; one of them,
   * when the other one has lost a page.
   */
  checkProgress(
    before: CertainRecord | null,
    view: StoreView,
    history: History = NO_HISTORY,
  ): readonly Violation[] {
    if (before === null) return [];
    const keeping = view.chains.filter(
      ({ floor }) =>
        floor !== null && (floor.sequence >= before.sequence || isSamePair(floor.key, before.key)),
    );
    if (keeping.length >= (this.#hasLostRecord(history, view) ? 1 : 2)) return [];
    const left = view.chains.map(({ floor }) => floor?.sequence ?? "nothing").join(" and ");
    return [
      { invariant: "I9", text: `record ${before.sequence} of both chains: left are ${left}` },
    ];
  }

  /** What one session without a cut did. */
  checkSession(session: Session, faults: number): readonly Violation[] {
    const { before } = session;
    const found: Violation[] = [];
    const { mixedStarts, unverifiedStarts } = session.counters;
    if (mixedStarts > 0) found.push({ invariant: "I1", text: "cores of two releases started" });
    if (unverifiedStarts > 0) found.push({ invariant: "I2", text: "unverified bytes started" });
    for (const { rule, device, address } of session.violations) {
      found.push({ invariant: "I7", text: `${rule} at ${device} 0x${address.toString(16)}` });
    }
    const appended = appendedTo(session, this.#world.geometry);
    if (appended !== null) {
      const text = `block or page ${appended} goes on behind what an earlier session left`;
      found.push({ invariant: "I7", text });
    }
    if (session.after.securityCounter < before.securityCounter) {
      found.push({ invariant: "I8", text: "the security counter went down" });
    }
    found.push(...this.#checkMount(session));
    const { end } = session;
    if (end.kind === "stopped") found.push({ invariant: "I4", text: `nothing starts: ${end.why}` });
    if (end.kind === "error") {
      const text = end.error instanceof Error ? end.error.message : String(end.error);
      found.push({ invariant: "I4", text: `the code threw: ${text}` });
    }
    if (end.kind === "rest") {
      found.push(...this.#checkRest(end.found, faults), ...this.#checkTold(session.after));
    }
    return found;
  }

  /** A boot goes by a record that a mount may find to be the newest. */
  #checkMount({ events, before }: Session): readonly Violation[] {
    const state = events.map((text) => /^state (\w+)$/.exec(text)?.[1]).find(Boolean);
    if (state === undefined) return [];
    const states = this.#viewOf(before).winners.map(({ record }) => stateName(record.state));
    if (states.length === 0 || states.some((name) => name === state)) return [];
    const text = `the boot went by ${state}, the newest record says ${states.join(" or ")}`;
    return [{ invariant: "I9", text }];
  }

  /** What a resting application was told is certain to be read again. */
  #checkTold(after: DeviceState): readonly Violation[] {
    if (this.#viewOf(after).winners.length <= 1) return [];
    return [{ invariant: "I9", text: "what a resting application was told may be gone tomorrow" }];
  }

  #viewOf(state: DeviceState): StoreView {
    return new StoreView(this.#world.geometry, state.nand, this.#facts);
  }

  /** A damaged release never counts as verified. */
  #checkVerdict({ state }: StateRecord): readonly Violation[] {
    const isVerified =
      state === SetState.CANDIDATE || state === SetState.STAGED || state === SetState.TRIAL;
    return isVerified && this.#world.scenario.flaw === "damaged"
      ? [{ invariant: "I2", text: `a damaged release counts as ${stateName(state)}` }]
      : [];
  }

  #checkRest(found: RestingDevice, faults: number): readonly Violation[] {
    const { factory, next, scenario } = this.#world;
    const { status, cores } = found;
    const accepted = [factory, next].find((release) => isRelease(release, status.accepted?.id));
    const violations: Violation[] = [];
    if (accepted === undefined || cores.join() !== accepted.hashes.join()) {
      violations.push({ invariant: "I6", text: "the cores do not hold the accepted release" });
    }
    const result = resultOf(this.#world, status);
    const isExpected = result !== null && scenario.results.includes(result);
    if (!isExpected && !isExcused(status, faults)) {
      violations.push({
        invariant: "result",
        text: `${result ?? "nothing"} after ${faults} faults, expected ${scenario.results.join(" or ")}`,
      });
    }
    const isExplained = status.reason !== null;
    if ((result === "rolled-back" || result === "refused") && !isExplained) {
      violations.push({ invariant: "I10", text: `${result}, and no reason is recorded` });
    }
    return violations;
  }

  /** After a patrol no page of the accepted release is close to being lost. */
  checkPatrolled(view: StoreView): readonly Violation[] {
    const found: Violation[] = [];
    for (const { record } of view.winners) {
      for (const image of record.banks[record.acceptedBank ?? -1]?.images ?? []) {
        const weak = firstWeakPage(image, view);
        if (weak === null) continue;
        found.push({ invariant: "I3", text: `page ${weak} of the store is weak after a patrol` });
      }
    }
    return found;
  }

  #hasLostRecord({ lostPage }: History, { shape }: StoreView): boolean {
    const { limits } = this.#world.geometry;
    return lostPage !== null && lostPage < limits.journalBlocks * shape.pagesPerBlock;
  }

  #checkBanks(record: StateRecord, view: StoreView, history: History): readonly Violation[] {
    const { lostPage } = history;
    const found: Violation[] = [];
    for (const [bank, { images }] of record.banks.entries()) {
      for (const [index, image] of images.entries()) {
        found.push(...this.#checkBlocks(image));
        const isAccepted = bank === record.acceptedBank;
        if (!isAccepted && !(bank === record.candidateBank && image.isReceived)) continue;
        const isVerified = image.imageHash.some((byte) => byte !== 0);
        const expected =
          history.isOfferedAgain && !isVerified
            ? storedPages(image, view, lostPage)
            : this.#known.inStore(image.fileDigest);
        const lost = firstLostPage(image, view, { expected, lostPage });
        if (lost === null) continue;
        const invariant = isAccepted ? "I3" : "I9";
        const text = `bank ${bank}, image ${index}: page ${lost} is not in both copies`;
        found.push({ invariant, text });
      }
    }
    return found;
  }

  #checkBlocks({ copies }: BankImage): readonly Violation[] {
    const isMapped = (block: number): boolean =>
      copies
        .flat()
        .some(({ firstBlock, count }) => block >= firstBlock && block < firstBlock + count);
    const bad = this.#world.geometry.chip.factoryBadBlocks.find(isMapped);
    if (bad === undefined) return [];
    return [{ invariant: "I7", text: `factory bad block ${bad} holds a part of an image` }];
  }
}

/**
 * What was written and not erased in the same session. A block of the store: its last page may be
 * torn, or look blank after a program that was cut. A page of a core: nothing that an earlier
 * session has left there may become part of an image.
 */
function appendedTo({ steps }: Session, { chip, map }: Geometry): string | null {
  const blockBytes = chip.shape.pageBytes * chip.shape.pagesPerBlock;
  const erased = new Set<string>();
  for (const { operation } of steps) {
    const { device, address, kind } = operation;
    const { marker, appFlash, netFlash } = map;
    if (device === "app-flash" && address >= marker.start) continue;
    const unitBytes = {
      [chip.name]: blockBytes,
      "app-flash": appFlash.pageBytes,
      "net-flash": netFlash.pageBytes,
    }[device];
    const unit = `${device} ${Math.floor(address / (unitBytes ?? 1))}`;
    if (kind === "erase") erased.add(unit);
    else if (!erased.has(unit)) return unit;
  }
  return null;
}

/** Acceptance moves the accepted release to the previous one and ends the trial, all at once. */
function checkAcceptance(record: StateRecord): readonly Violation[] {
  const { state, acceptedBank, previousBank, candidateBank } = record;
  const isHalf =
    (candidateBank !== null && candidateBank === acceptedBank) ||
    (state === SetState.UPDATED && (candidateBank !== null || previousBank === null));
  return isHalf ? [{ invariant: "I5", text: `half accepted in ${stateName(state)}` }] : [];
}

/** How the update of a resting device ended; null when it has not begun. */
export function resultOf(world: World, status: UpdateStatus): UpdateResult | null {
  if (isRelease(world.next, status.accepted?.id)) return "accepted";
  if (isRelease(world.next, status.previous?.id)) return "switched-back";
  if (status.state !== "FAILED") return null;
  const { step } = status.reason ?? {};
  return step === "verify" || step === "stage" ? "refused" : "rolled-back";
}

/** Attempts and trial boots are limited, so many faults may end an update that is good. */
function isExcused(status: UpdateStatus, faults: number): boolean {
  if (faults <= SURVIVABLE_FAULTS) return false;
  const { code } = status.reason ?? {};
  const isExhausted = code === "attempts-exhausted" || code === "not-accepted";
  return isExhausted;
}
