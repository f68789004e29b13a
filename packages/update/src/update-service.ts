// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import type { ReleaseManifest } from "@tandem/release";
import { FREE_BANK, SetState, stateName } from "@tandem/store";
import type { FoundBytes, LostRange, PatrolReport, SetStateName, Store } from "@tandem/store";

import { originOf } from "./lost-origin.js";
import type { LostOrigin } from "./lost-origin.js";
import type { Marker } from "./marker.js";
import { describeReason, recordReason } from "./reason.js";
import type { Reason, ReasonCode } from "./reason.js";
import { checkOffer } from "./release-offer.js";
import { ReleaseReceiver } from "./release-receiver.js";
import { patrolResting, repairResting } from "./resting-banks.js";
import { lowestAllowedCounter } from "./security-counter.js";
import { describeBank } from "./stored-release.js";
import type { StoredRelease } from "./stored-release.js";
import type { Trust } from "./trust.js";
import { verifyBank } from "./verify-bank.js";
import type { ImageSlot } from "./verify-bank.js";
import { verifyReceived } from "./verify-received.js";

export interface UpdateServiceOptions {
  readonly store: Store;
  readonly marker: Marker;
  readonly trust: Trust;
  /** By image index. */
  readonly slots: readonly ImageSlot[];
  /** Hardware name that releases must carry. */
  readonly hardware: string;
  readonly securityCounter: { read(): number };
}

export interface UpdateStatus {
  readonly state: SetStateName;
  readonly accepted: StoredRelease | null;
  readonly previous: StoredRelease | null;
  readonly candidate: StoredRelease | null;
  /** Trial boots left. */
  readonly trialsLeft: number;
  /** Why the last update was refused or rolled back. */
  readonly reason: Reason | null;
  /** The accepted release is a stopgap: started untested, because nothing else could be installed. */
  readonly isLimp: boolean;
  readonly badBlocks: number;
}

/** Outcome of `finish`. */
export type FinishVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reasons: readonly Reason[] };

/**
 * The application half of the transaction, with the verbs of the PSA Firmware Update API 1.0 for
 * the whole set of images instead of one.
 */
export class UpdateService {
  readonly #options: UpdateServiceOptions;
  readonly #store: Store;
  readonly #receiver: ReleaseReceiver;

  constructor(options: UpdateServiceOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#receiver = new ReleaseReceiver(options.store);
  }

  query(): UpdateStatus {
    const { record } = this.#store;
    return {
      state: stateName(record.state),
      accepted: describeBank(record, record.acceptedBank),
      previous: describeBank(record, record.previousBank),
      candidate: describeBank(record, record.candidateBank),
      trialsLeft: record.trials,
      reason: record.reason === null ? null : describeReason(record.reason),
      isLimp: record.isLimp,
      badBlocks: record.badBlocks.length,
    };
  }

  /**
   * Begins to receive a release, or goes on with the one that is half received when it is the
   * same. An unfinished other one and the result of the last update are dropped. Images that the
   * accepted or the previous release has too are copied from there: `receivedBytes` says so.
   * @throws {UsageError} update/state while an update is staged or on trial; update/hardware,
   * update/image-count, update/too-large when the release does not fit this device;
   * update/already-accepted when it is the one that runs
   */
  start(release: ReleaseManifest): void {
    this.#expect("start", ["READY", "WRITING", "CANDIDATE", "FAILED", "UPDATED"]);
    checkOffer(release, this.#store.record, this.#options);
    this.#receiver.begin(release);
  }

  /**
   * Offset of the next byte of an image that `write` takes. Within a session nothing is asked for
   * twice; a power cut costs the block that was being written, and the one before it when nothing
   * had been written behind that. An image that was received to its end stays received.
   */
  receivedBytes(image: number): number {
    const bank = this.#candidate("receivedBytes", ["WRITING", "CANDIDATE"]);
    const isVerified = this.query().state === "CANDIDATE";
    return isVerified
      ? this.#store.receivedBytes(bank, image)
      : this.#receiver.positionBytes(bank, image);
  }

  /**
   * Takes the next bytes of an image, at the offset that `receivedBytes` tells.
   * @throws {UsageError} store/write-offset, store/write-past-end, update/state
   */
  write(image: number, offsetBytes: number, bytes: Uint8Array): void {
    const bank = this.#candidate("write", ["WRITING"]);
    this.#receiver.write(bank, image, offsetBytes, bytes);
  }

  /**
   * Verifies every image from the medium; all valid: CANDIDATE. Otherwise FAILED, and every
   * failure is named.
   */
  finish(): FinishVerdict {
    const bankIndex = this.#candidate("finish", ["WRITING"]);
    this.#receiver.checkComplete(bankIndex);
    this.#receiver.end();
    const lowestCounter = this.#lowestAllowedCounter();
    const { trust, slots } = this.#options;
    const { reasons, bank } = verifyReceived(this.#store, bankIndex, {
      trust,
      slots,
      lowestCounter,
    });
    const [first] = reasons;
    if (first === undefined) {
      const banks = this.#store.record.banks.map((old, i) => (i === bankIndex ? bank : old));
      this.#store.commit({ state: SetState.CANDIDATE, banks });
      return { ok: true };
    }
    this.#store.commit({ state: SetState.FAILED, candidateBank: null, reason: first });
    return { ok: false, reasons: reasons.map(describeReason) };
  }

  /** CANDIDATE becomes STAGED: the next reset installs it. */
  install(): void {
    this.#candidate("install", ["CANDIDATE"]);
    this.#store.commit({ state: SetState.STAGED });
  }

  /** The running trial release is good: it becomes the accepted one, in one record. */
  accept(): void {
    const bankIndex = this.#candidate("accept", ["TRIAL"]);
    const { record } = this.#store;
    this.#store.commit({
      state: SetState.UPDATED,
      acceptedBank: bankIndex,
      previousBank: record.acceptedBank,
      candidateBank: null,
      trials: 0,
      reason: null,
      isLimp: false,
    });
    const id = describeBank(this.#store.record, bankIndex)?.id;
    if (id !== undefined) this.#options.marker.write("accepted", id);
  }

  /**
   * The running trial release is bad: the next reset goes back to the accepted one. A release that
   * is staged is called off: it never gets installed.
   */
  reject(code: ReasonCode, image: number | null = null, detail = 0): void {
    this.#expect("reject", ["STAGED", "TRIAL"]);
    const isStaged = this.query().state === "STAGED";
    const reason = recordReason(image, isStaged ? "stage" : "trial", code, detail);
    this.#store.commit(
      isStaged
        ? { state: SetState.FAILED, candidateBank: null, reason }
        : { state: SetState.REJECTED, reason },
    );
  }

  /**
   * Stages the previous accepted release.
   * @throws {UsageError} update/no-previous, update/security-counter, update/state
   */
  switchBack(): void {
    this.#expect("switchBack", ["READY", "UPDATED", "FAILED"]);
    const { record } = this.#store;
    const { previousBank } = record;
    const previous = describeBank(record, previousBank);
    if (previous === null) {
      throw new UsageError("update/no-previous", "there is no previous release in the store");
    }
    const lowest = this.#lowestAllowedCounter();
    if (previous.securityCounter < lowest) {
      throw new UsageError(
        "update/security-counter",
        `the previous release has security counter ${previous.securityCounter}, expected at least ${lowest}`,
      );
    }
    this.#store.commit({ state: SetState.STAGED, candidateBank: previousBank, reason: null });
  }

  /**
   * Reads both copies of every resting bank, moves what is close to being lost, and tells what is.
   * For an application that has nothing else to do: some seconds on a 1 Gb chip.
   */
  patrol(): PatrolReport {
    this.#expect("patrol", ["READY", "CANDIDATE", "FAILED", "UPDATED"]);
    return patrolResting(this.#store);
  }

  /**
   * Which file the bytes of a lost range belong to.
   * @throws {UsageError} update/no-such-range when the range is in no release of the store
   */
  originOf(range: LostRange): LostOrigin {
    return originOf(range, this.#store.record, this.#options.slots);
  }

  /**
   * Puts bytes back that `patrol` reported as lost, e.g. downloaded again by range. They must fit
   * the block digests that were signed with the image, and the CRCs of a surviving summary;
   * without both, only `verifyStored` tells afterwards whether they were right.
   * @param also bytes for other lost ranges of the image: those of the same block are put back
   * too, the others help to judge
   * @throws {UsageError} update/state, store/repair-length
   * @throws {FormatError} update/repair-mismatch, store/repair-mismatch: nothing was written
   * @throws {TransportError} store/unreadable when the block has lost more than was given;
   * store/no-space
   */
  repair(range: LostRange, bytes: Uint8Array, also: readonly FoundBytes[] = []): void {
    this.#expect("repair", ["READY", "CANDIDATE", "FAILED", "UPDATED"]);
    repairResting(this.#store, { range, bytes }, also, this.#options.trust.crypto);
  }

  /**
   * Verifies a complete release from the medium, as `finish` does; empty when all is well, or when
   * there is no such release.
   */
  verifyStored(release: LostOrigin["release"]): readonly Reason[] {
    this.#expect("verifyStored", ["READY", "CANDIDATE", "FAILED", "UPDATED"]);
    const bank = this.#store.record[`${release}Bank`];
    if (bank === null) return [];
    const { trust, slots } = this.#options;
    const { reasons } = verifyBank(this.#store, bank, { trust, slots, step: "verify" });
    return reasons.map(describeReason);
  }

  /** Drops what is half received, or the result of the last update: READY. */
  clean(): void {
    this.#expect("clean", ["READY", "WRITING", "CANDIDATE", "FAILED", "UPDATED"]);
    this.#receiver.end();
    const { record } = this.#store;
    const dropped = record.candidateBank;
    this.#store.commit({
      state: SetState.READY,
      candidateBank: null,
      reason: null,
      banks: record.banks.map((bank, i) => (i === dropped ? FREE_BANK : bank)),
    });
  }

  #lowestAllowedCounter(): number {
    return lowestAllowedCounter(this.#store.record, this.#options.securityCounter.read());
  }

  /** Bank of the candidate, in one of these states. */
  #candidate(verb: string, states: readonly SetStateName[]): number {
    this.#expect(verb, states);
    const { candidateBank } = this.#store.record;
    if (candidateBank === null) {
      throw new UsageError("update/state", `${verb}: there is no candidate`);
    }
    return candidateBank;
  }

  #expect(verb: string, states: readonly SetStateName[]): void {
    const state = stateName(this.#store.record.state);
    if (!states.includes(state)) {
      throw new UsageError(
        "update/state",
        `${verb} in state ${state}, expected ${states.join(" or ")}`,
        { details: { found: state, expected: states } },
      );
    }
  }
}
