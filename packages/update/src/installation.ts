// SPDX-License-Identifier: Apache-2.0
import { SetState, ZERO_HASH } from "@tandem/store";
import type { RecordedReason, StateRecord, Store } from "@tandem/store";

import { TRIAL_BOOTS } from "./boot-options.js";
import { coreOf, imageHashes, releaseIdOf } from "./boot-session.js";
import type { BootSession } from "./boot-session.js";
import { checkBoundImages, isHeld } from "./installed-images.js";
import type { MarkerState } from "./marker.js";
import { recordReason } from "./reason.js";
import { unreadableOffset } from "./verify-bank.js";

/** What is known of the cores while one attempt goes on. */
interface Attempt {
  /** By image index: the core holds its image of the target. */
  readonly held: boolean[];
  /** What a cut has left in flash may read well today only: none of it is kept. */
  readonly isResumed: boolean;
}

/**
 * Brings every core to the target bank. The image least likely to succeed goes first: whatever is
 * behind b0n, then the application. Null when all cores hold their image afterwards.
 */
export function installAll(boot: BootSession, target: number): RecordedReason | null {
  const unbound = checkBoundImages(boot, target);
  if (unbound !== null) return unbound;
  const held = imageHashes(boot.store.record, target).map((_, index) =>
    isHeld(boot, target, index),
  );
  const isResumed = boot.options.marker.read().kind === "installing";
  for (let index = held.length - 1; index >= 0; index--) {
    const failure = installOne(boot, target, index, { held, isResumed });
    if (failure !== null) return failure;
  }
  return null;
}

/** Null when the core holds the image afterwards; `held` is updated. */
function installOne(
  boot: BootSession,
  bank: number,
  index: number,
  { held, isResumed }: Attempt,
): RecordedReason | null {
  const { store, options, log } = boot;
  const { marker } = options;
  const core = coreOf(boot, index);
  const hash = imageHashes(store.record, bank)[index] ?? ZERO_HASH;
  const source = store.readImage(bank, index);
  try {
    if (held[index] === true && core.confirmInstalled(hash, source)) {
      log("core-skipped", `${core.core}: already installed`);
      return null;
    }
    held[index] = false;
    const before = { marker: marker.read(), hash: store.record.installed[index] ?? null };
    store.commit({ installed: withInstalled(store.record, index, null) });
    marker.beginInstall(releaseIdOf(store.record, bank), held);
    const result = core.install(hash, source, { isResumed });
    if (!result.ok) {
      if (result.isUntouched === true) restore(boot, index, before);
      log("core-failed", `${core.core}: ${result.code}`);
      return recordReason(index, "install", result.code, result.detail ?? 0);
    }
    store.commit({ installed: withInstalled(store.record, index, hash) });
    marker.coreInstalled(index);
    held[index] = true;
    log("core-installed", `${core.core}: installed`);
    return null;
  } catch (error) {
    return recordReason(index, "install", "unreadable", unreadableOffset(error));
  }
}

/** The core proves to hold what it held before: so say record and marker again. */
function restore(
  { store, options: { marker } }: BootSession,
  index: number,
  before: { readonly marker: MarkerState; readonly hash: Uint8Array | null },
): void {
  store.commit({ installed: withInstalled(store.record, index, before.hash) });
  const { kind, releaseId, sequence } = before.marker;
  if (kind !== "installing") marker.write(kind, releaseId);
  else if (sequence === 0) marker.write("stopgap", ZERO_HASH);
}

/** Every core holds its image of the target: a candidate is to be tried, a fallback is done. */
export function finishInstallation({ store, options, log }: BootSession, target: number): void {
  const { marker } = options;
  const id = releaseIdOf(store.record, target);
  if (target === store.record.candidateBank) {
    marker.confirm("trial", id);
    store.commit({ state: SetState.TRIAL, trials: TRIAL_BOOTS, targetBank: null, attempts: 0 });
  } else {
    commitFallback(store, target);
    marker.confirm(store.record.isLimp ? "stopgap" : "accepted", id);
  }
  log("installed", `bank ${target} is installed`);
}

function commitFallback(store: Store, target: number): void {
  const { reason, candidateBank, previousBank, acceptedBank, isLimp } = store.record;
  const ended = reason === null ? SetState.READY : SetState.FAILED;
  store.commit({
    // What was being received when the accepted release had to be repaired goes on.
    state: candidateBank === null ? ended : SetState.WRITING,
    acceptedBank: target,
    previousBank: target === previousBank ? null : previousBank,
    targetBank: null,
    attempts: 0,
    isLimp: isLimp || (target !== acceptedBank && target !== previousBank),
  });
}

function withInstalled(
  record: StateRecord,
  index: number,
  hash: Uint8Array | null,
): (Uint8Array | null)[] {
  const count = Math.max(record.installed.length, index + 1);
  return Array.from({ length: count }, (_, i) =>
    i === index ? hash : (record.installed[i] ?? null),
  );
}
