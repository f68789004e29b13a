// SPDX-License-Identifier: Apache-2.0
import { SetState, ZERO_HASH } from "@tandem/store";
import type { Bank, RecordedReason, StateRecord, Store } from "@tandem/store";

import type { BootDecision } from "./boot-options.js";
import { sameHash } from "./boot-session.js";
import type { BootSession } from "./boot-session.js";
import type { Marker } from "./marker.js";
import { ReasonCode, ReasonStep, recordReason } from "./reason.js";

/** Records that the accepted release is installed again; what is being received meanwhile stays. */
export function beginRepair({ store }: BootSession, accepted: number): void {
  const { candidateBank, reason } = store.record;
  const isReceiving = candidateBank !== null;
  store.commit({
    state: SetState.INSTALLING,
    targetBank: accepted,
    attempts: 0,
    reason: isReceiving ? reason : (reason ?? recordReason(null, "install", "primary-invalid")),
  });
}

/**
 * The candidate is out: records that the accepted release is installed again, and why. False when
 * there is none that could be.
 */
export function beginRollBack(boot: BootSession, reason: RecordedReason | null): boolean {
  const { store, log } = boot;
  const { record } = store;
  // A device that was never updated has nothing but the candidate: better than nothing at all.
  const target = record.acceptedBank ?? chooseNext(boot, { ...record, targetBank: null });
  if (target === null) return false;
  log("fallback", `back to bank ${target}`);
  beginFallback(store, target, reason);
  return true;
}

/** The target cannot be installed: records the next best one, for a boot of its own. */
export function tryNext(boot: BootSession, failure: RecordedReason): BootDecision {
  const { store, options, log } = boot;
  const { record } = store;
  const next = chooseNext(boot, record);
  const reason = keptReason(record, failure);
  if (next === null && record.acceptedBank === null && isOriginal(options.marker)) {
    store.commit({ state: SetState.FAILED, candidateBank: null, targetBank: null, reason });
    return { kind: "reset" };
  }
  if (next === null) {
    // Nothing is left: the next boot begins anew with the release that should run.
    beginFallback(store, record.acceptedBank ?? record.targetBank ?? 0, reason);
    return { kind: "recovery", why: `no release can be installed: code ${failure.code}` };
  }
  log("fallback", `bank ${record.targetBank} cannot be installed, next is bank ${next}`);
  beginFallback(store, next, reason);
  return { kind: "reset" };
}

function beginFallback(store: Store, target: number, reason: RecordedReason | null): void {
  store.commit({
    state: SetState.INSTALLING,
    targetBank: target,
    candidateBank: null,
    attempts: 0,
    trials: 0,
    reason,
  });
}

function chooseNext({ options }: BootSession, record: StateRecord): number | null {
  return nextTarget(record, options.ports.securityCounter.read());
}

/**
 * What to install when the target cannot be: the accepted release, then the previous one, then
 * whatever other complete bank there is, untested. Each is tried once, in this order; what the
 * device's security counter bars would not start, and is left out.
 */
function nextTarget(record: StateRecord, deviceCounter: number): number | null {
  const { targetBank, acceptedBank, previousBank, candidateBank } = record;
  const best = [acceptedBank, previousBank].filter((bank) => bank !== null);
  const order = [...new Set([...best, ...record.banks.keys()])];
  const isCandidate = targetBank !== null && targetBank === candidateBank;
  const from = isCandidate || targetBank === null ? 0 : order.indexOf(targetBank) + 1;
  const usable = order
    .slice(from)
    .find((bank) => bank !== targetBank && isInstallable(record.banks[bank], deviceCounter));
  return usable ?? null;
}

/** Verified once, and not older than the device allows. */
function isInstallable(bank: Bank | undefined, deviceCounter: number): boolean {
  return (
    bank !== undefined &&
    bank.images.length > 0 &&
    bank.images.every((image) => !sameHash(image.imageHash, ZERO_HASH)) &&
    bank.securityCounter >= deviceCounter
  );
}

/**
 * The first reason stands, unless it is only that the accepted release had to be repaired and now
 * that has failed.
 */
function keptReason(record: StateRecord, failure: RecordedReason): RecordedReason {
  const { reason, targetBank, acceptedBank } = record;
  const isRepair =
    reason?.code === ReasonCode["primary-invalid"] && reason.step === ReasonStep.install;
  return reason === null || (isRepair && targetBank === acceptedBank) ? failure : reason;
}

/** What the device's maker programmed still stands in every core. */
function isOriginal(marker: Marker): boolean {
  const { kind, releaseId } = marker.read();
  return kind === "stopgap" && releaseId.every((byte) => byte === 0);
}
