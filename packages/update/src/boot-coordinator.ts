// SPDX-License-Identifier: Apache-2.0
import { TandemError, bytesEqual } from "@tandem/base";
import type { PagedFlash } from "@tandem/flash";
import type { ImageFacts } from "@tandem/image";
import { SetState, Store, ZERO_HASH, stateName } from "@tandem/store";
import type { Bank, RecordedReason, StateRecord, StoreOptions } from "@tandem/store";

import type { CoreInstaller, InstallResult } from "./core-installer.js";
import type { Marker, MarkerState } from "./marker.js";
import { ReasonCode, ReasonStep, recordReason } from "./reason.js";
import { lowestAllowedCounter, releaseCounter } from "./security-counter.js";
import type { Trust } from "./trust.js";
import { unreadableOffset, verifyBank, verifyBinding } from "./verify-bank.js";
import type { ImageSlot } from "./verify-bank.js";

/** What the coordinator needs of the chip beside flash and cores. */
export interface BootPorts {
  /** Hardware security counter: read, and raised for an accepted release only. */
  readonly securityCounter: { read(): number; raise(value: number): void };
  /** Watchdog: once started, only a reset stops it. */
  readonly watchdog: { start(): void; feed(): void };
  /** Number of the last reset's reason, kept with a failed trial. */
  readonly resetReason: number;
  /** Called last, before control goes back to MCUboot: clears the PCD command, locks its RAM. */
  readonly seal: () => void;
}

export interface BootOptions {
  readonly nand: PagedFlash;
  readonly storeOptions?: StoreOptions;
  readonly marker: Marker;
  /** By image index; index 0 is the application core, whose flash can be read. */
  readonly cores: readonly CoreInstaller[];
  readonly slots: readonly ImageSlot[];
  readonly trust: Trust;
  readonly ports: BootPorts;
  /** Start firmware in the primary slot that verifies but is not the accepted one (a debugger's). */
  readonly allowForeign?: boolean;
  /**
   * Start a device whose store was never formatted, and install a first release on one that has
   * none: there is nothing to fall back to until it is accepted.
   */
  readonly allowAdoption?: boolean;
  readonly log?: (event: BootEvent) => void;
}

/** What the coordinator did, for logs and traces. */
export interface BootEvent {
  readonly kind:
    | "state"
    | "install-begin"
    | "core-skipped"
    | "core-installed"
    | "core-failed"
    | "installed"
    | "fallback"
    | "refused"
    | "trial"
    | "foreign"
    | "nand-failed"
    | "scrubbed"
    | "scrub-failed";
  readonly text: string;
}

/** What MCUboot does next. */
export type BootDecision =
  | { readonly kind: "start" }
  | { readonly kind: "reset" }
  | { readonly kind: "recovery"; readonly why: string };

/** Install attempts on a candidate before it counts as failed. */
export const MAX_INSTALL_ATTEMPTS = 8;
/** Trial boots that a candidate gets before it counts as failed. */
export const TRIAL_BOOTS = 3;

/**
 * The boot half of the transaction: runs in MCUboot's `boot_go_hook`, decides by the journal what
 * may start, and installs all images of a release or none. Everything it does may be cut at any
 * flash operation and is taken up again at the next boot.
 */
export class BootCoordinator {
  readonly #options: BootOptions;

  constructor(options: BootOptions) {
    this.#options = options;
  }

  run(): BootDecision {
    for (const core of this.#options.cores) core.hold();
    try {
      return this.#decide();
    } catch (error) {
      // The store cannot be read or written. Power cuts and resets are not ours to catch.
      if (error instanceof TandemError) return this.#withoutStore(error);
      throw error;
    } finally {
      this.#options.ports.seal();
    }
  }

  #decide(): BootDecision {
    const store = Store.mount(this.#options.nand, this.#options.storeOptions);
    // A record in one chain only may be gone at the next read: nothing is done on its word alone.
    if (!store.isSettled) store.settle();
    this.#log("state", `state ${stateName(store.record.state)}`);
    switch (store.record.state) {
      case SetState.STAGED:
        return this.#stage(store);
      case SetState.INSTALLING:
        return this.#install(store);
      case SetState.TRIAL:
        return this.#trial(store);
      case SetState.REJECTED:
        return this.#rollBack(store, store.record.reason);
      case SetState.READY:
      case SetState.WRITING:
      case SetState.CANDIDATE:
      case SetState.FAILED:
      case SetState.UPDATED:
        return this.#startAccepted(store);
      default:
        return store.record.state satisfies never;
    }
  }

  /**
   * Without a journal that works, the marker decides: what it calls accepted starts, a release on
   * trial starts three times, and what was being installed does not.
   */
  #withoutStore(error: TandemError): BootDecision {
    this.#log("nand-failed", error.message);
    const { marker, ports } = this.#options;
    const { kind } = marker.read();
    if (kind === "accepted" || kind === "stopgap") return { kind: "start" };
    // No store yet, and no image ever touched: what its maker wrote is still there.
    if (this.#options.allowAdoption === true && marker.isBlank()) return { kind: "start" };
    if (marker.countTrialStart()) {
      ports.watchdog.start();
      this.#log("trial", "trial boot, counted by the marker");
      return { kind: "start" };
    }
    return {
      kind: "recovery",
      why: `no working journal, and the marker says ${kind}: ${error.message}`,
    };
  }

  #startAccepted(store: Store): BootDecision {
    const { record } = store;
    const accepted = record.acceptedBank;
    if (accepted === null) return { kind: "start" };
    const appHash = imageHashes(record, accepted)[0] ?? ZERO_HASH;
    const app = this.#installedApp();
    const isApp = app !== null && bytesEqual(app.hash, appHash);
    if (isApp && this.#isInstalled(store, accepted)) {
      this.#proveAcceptance(store, app);
      return { kind: "start" };
    }
    if (!isApp && this.#options.allowForeign === true && this.#isForeign(record, app)) {
      this.#log("foreign", "the primary slot holds firmware that is not the accepted release");
      return { kind: "start" };
    }
    return this.#repair(store, accepted);
  }

  /** Record and marker agree that every core holds its image of the bank. */
  #isInstalled(store: Store, bank: number): boolean {
    return imageHashes(store.record, bank).every((_, index) => this.#isHeld(store, bank, index));
  }

  /**
   * Record and marker agree that the core holds its image of the bank. The record alone could be
   * that of another time or another device: NAND can be exchanged. The marker stands in the
   * chip's own flash; an image that the release it names has in common counts if that release's
   * signed manifest says so.
   */
  #isHeld(store: Store, bank: number, index: number): boolean {
    const { record } = store;
    const [appHash = ZERO_HASH] = imageHashes(record, bank);
    const hash = imageHashes(record, bank)[index] ?? ZERO_HASH;
    if (!sameHash(record.installed[index] ?? null, hash)) return false;
    const { kind, releaseId, marks } = this.#options.marker.read();
    if (bytesEqual(releaseId, appHash.subarray(0, 16))) {
      return kind !== "installing" || marks[index] === "cleared";
    }
    if (kind === "installing") return false;
    const holder = record.banks.findIndex(
      ({ images: [app] }) =>
        app !== undefined && bytesEqual(releaseId, app.imageHash.subarray(0, 16)),
    );
    const common = imageHashes(record, holder)[index] ?? null;
    return sameHash(common, hash) && this.#checkTarget(store, holder) === null;
  }

  /** Valid firmware of another hand stands where nothing of ours was left half done. */
  #isForeign(record: StateRecord, app: ImageFacts | null): boolean {
    const { cores, marker, ports } = this.#options;
    const isSettled =
      marker.read().kind !== "installing" &&
      cores.every((_, index) => record.installed[index] != null);
    // MCUboot would not start what is older than the device allows.
    return isSettled && (app?.securityCounter ?? -1) >= ports.securityCounter.read();
  }

  /**
   * Marker and counter follow an acceptance and cannot be taken back: before they do, its record is
   * written again, since one of the copies found may have been cut in the act. Other boots write
   * nothing. The counter is the one that the installed image carries, and rises when the marker
   * says accepted: the record is not signed. A stopgap was never accepted by anybody, and must not
   * bar what comes after it.
   */
  #proveAcceptance(store: Store, { hash, securityCounter }: ImageFacts): void {
    const { marker, ports } = this.#options;
    const isAccepted = (): boolean => {
      const { kind, releaseId } = marker.read();
      return kind === "accepted" && bytesEqual(releaseId, hash.subarray(0, 16));
    };
    const counter = securityCounter ?? 0;
    const isRaise = counter > ports.securityCounter.read();
    if (isRaise || !isAccepted()) store.settle();
    if (!isAccepted()) marker.write(store.record.isLimp ? "stopgap" : "accepted", hash);
    if (isRaise && isAccepted()) ports.securityCounter.raise(counter);
  }

  /** The accepted release, again; what is being received meanwhile stays. */
  #repair(store: Store, accepted: number): BootDecision {
    const { candidateBank, reason } = store.record;
    const isReceiving = candidateBank !== null;
    store.commit({
      state: SetState.INSTALLING,
      targetBank: accepted,
      attempts: 0,
      reason: isReceiving ? reason : (reason ?? recordReason(null, "install", "primary-invalid")),
    });
    return this.#install(store);
  }

  /** Nothing is touched unless candidate and fallback are both readable and genuine. */
  #stage(store: Store): BootDecision {
    const { candidateBank, acceptedBank } = store.record;
    const refusal = this.#refusal(store, candidateBank, acceptedBank);
    if (refusal !== null) {
      this.#log("refused", `refused before anything was installed: code ${refusal.code}`);
      store.commit({ state: SetState.FAILED, candidateBank: null, reason: refusal });
      return this.#startAccepted(store);
    }
    this.#scrub(store);
    store.commit({
      state: SetState.INSTALLING,
      targetBank: candidateBank,
      attempts: 0,
      reason: null,
    });
    return this.#install(store);
  }

  /**
   * Verifying has read every page once: what it met on the way gets its second copy back now. A
   * store without room for that can still install what it has.
   */
  #scrub(store: Store): void {
    try {
      const moved = store.scrub(() => this.#options.ports.watchdog.feed());
      if (moved > 0) this.#log("scrubbed", `weak blocks moved: ${moved}`);
    } catch (error) {
      if (!(error instanceof TandemError)) throw error;
      this.#log("scrub-failed", error.message);
    }
  }

  #refusal(store: Store, candidate: number | null, accepted: number | null): RecordedReason | null {
    if (candidate === null) return recordReason(null, "stage", "unreadable");
    if (accepted === null && this.#options.allowAdoption !== true) {
      return recordReason(null, "stage", "no-fallback");
    }
    const { first, counter } = this.#verify(store, candidate);
    if (first !== null) return first;
    if (accepted !== null && this.#verify(store, accepted).first !== null) {
      return recordReason(null, "stage", "fallback-invalid");
    }
    const lowest = lowestAllowedCounter(store.record, this.#options.ports.securityCounter.read());
    return counter < lowest ? recordReason(null, "stage", "security-counter", counter) : null;
  }

  /** What is wrong with a bank, and the security counter that it carries. */
  #verify(
    store: Store,
    bank: number,
  ): { readonly first: RecordedReason | null; readonly counter: number } {
    const { trust, slots, ports } = this.#options;
    const tick = (): void => ports.watchdog.feed();
    const { facts, reasons } = verifyBank(store, bank, { trust, slots, step: "stage", tick });
    const isSame = imageHashes(store.record, bank).every((hash, i) =>
      sameHash(facts[i]?.hash ?? null, hash),
    );
    const other = isSame ? null : recordReason(null, "stage", "image-hash");
    return { first: reasons[0] ?? other, counter: releaseCounter(facts) };
  }

  /** One attempt to bring every core to the target bank; ends in a reset. */
  #install(store: Store): BootDecision {
    const target = store.record.targetBank;
    if (target === null) return this.#rollBack(store, store.record.reason);
    const isCandidate = target === store.record.candidateBank;
    const attempts = store.record.attempts + 1;
    // With nothing behind it, giving up would not help.
    const isExpendable = isCandidate && store.record.acceptedBank !== null;
    if (isExpendable && attempts > MAX_INSTALL_ATTEMPTS) {
      const reason = recordReason(null, "install", "attempts-exhausted", MAX_INSTALL_ATTEMPTS);
      return this.#tryNext(store, reason);
    }
    this.#log("install-begin", `installing bank ${target}, attempt ${attempts}`);
    // A candidate may be what cuts the attempts short, so each one begun counts against it.
    if (isExpendable) store.commit({ attempts });
    const failure = this.#checkTarget(store, target) ?? this.#installCores(store, target);
    if (failure === null) return this.#finishInstall(store, target, isCandidate);
    if (isCandidate || attempts >= MAX_INSTALL_ATTEMPTS) return this.#tryNext(store, failure);
    // A fallback is worth more than one try, whatever is behind it is worse; and a cut is no try.
    store.commit({ attempts });
    return { kind: "reset" };
  }

  /**
   * The record says which bank to install, the signed manifest in it what belongs together: before
   * anything is erased, they have to agree. Null when they do.
   */
  #checkTarget(store: Store, target: number): RecordedReason | null {
    const hashes = imageHashes(store.record, target);
    if (hashes.length === 0 || hashes.length > this.#options.cores.length) {
      return recordReason(null, "install", "manifest-binding");
    }
    const installed = this.#installedApp();
    return verifyBinding(store, target, { trust: this.#options.trust, step: "install", installed });
  }

  /** The image least likely to succeed goes first: whatever is behind b0n, then the application. */
  #installCores(store: Store, target: number): RecordedReason | null {
    const held = imageHashes(store.record, target).map((_, index) =>
      this.#isHeld(store, target, index),
    );
    // What a cut has left in flash may read well today only: none of it is kept.
    const isResumed = this.#options.marker.read().kind === "installing";
    for (let index = held.length - 1; index >= 0; index--) {
      const failure = this.#installCore(store, target, index, { held, isResumed });
      if (failure !== null) return failure;
    }
    return null;
  }

  /** Null when the core holds the image afterwards; `held` says which cores do, and is updated. */
  #installCore(
    store: Store,
    bank: number,
    index: number,
    run: { readonly held: boolean[]; readonly isResumed: boolean },
  ): RecordedReason | null {
    const { held, isResumed } = run;
    const { marker } = this.#options;
    const core = this.#core(index);
    const hash = imageHashes(store.record, bank)[index] ?? ZERO_HASH;
    const source = store.readImage(bank, index);
    try {
      if (held[index] === true && core.confirmInstalled(hash, source)) {
        this.#log("core-skipped", `${core.core}: already installed`);
        return null;
      }
      held[index] = false;
      const before = { marker: marker.read(), hash: store.record.installed[index] ?? null };
      store.commit({ installed: withInstalled(store.record, index, null) });
      marker.beginInstall(imageHashes(store.record, bank)[0] ?? ZERO_HASH, held);
      const result = core.install(hash, source, { isResumed });
      if (!result.ok) {
        if (result.isUntouched === true) this.#restore(store, index, before);
        return this.#coreFailure(core, index, result);
      }
      store.commit({ installed: withInstalled(store.record, index, hash) });
      marker.coreInstalled(index);
      held[index] = true;
      this.#log("core-installed", `${core.core}: installed`);
      return null;
    } catch (error) {
      return recordReason(index, "install", "unreadable", unreadableOffset(error));
    }
  }

  /** The core proves to hold what it held before: so say record and marker again. */
  #restore(
    store: Store,
    index: number,
    before: { readonly marker: MarkerState; readonly hash: Uint8Array | null },
  ): void {
    store.commit({ installed: withInstalled(store.record, index, before.hash) });
    const { kind, releaseId, sequence } = before.marker;
    if (kind !== "installing") this.#options.marker.write(kind, releaseId);
    else if (sequence === 0) this.#options.marker.write("stopgap", ZERO_HASH);
  }

  #coreFailure(
    core: CoreInstaller,
    index: number,
    result: Extract<InstallResult, { ok: false }>,
  ): RecordedReason {
    this.#log("core-failed", `${core.core}: ${result.code}`);
    return recordReason(index, "install", result.code, result.detail ?? 0);
  }

  #finishInstall(store: Store, target: number, isCandidate: boolean): BootDecision {
    const id = imageHashes(store.record, target)[0] ?? ZERO_HASH;
    if (isCandidate) {
      this.#options.marker.confirm("trial", id);
      store.commit({ state: SetState.TRIAL, trials: TRIAL_BOOTS, targetBank: null, attempts: 0 });
    } else {
      this.#commitFallback(store, target);
      this.#options.marker.confirm(store.record.isLimp ? "stopgap" : "accepted", id);
    }
    this.#log("installed", `bank ${target} is installed`);
    return { kind: "reset" };
  }

  #commitFallback(store: Store, target: number): void {
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

  #trial(store: Store): BootDecision {
    const { record } = store;
    const candidate = record.candidateBank;
    if (candidate === null || record.trials === 0) {
      const detail = this.#options.ports.resetReason;
      const reason = recordReason(null, "trial", "not-accepted", detail);
      return this.#rollBack(store, reason);
    }
    const appHash = imageHashes(record, candidate)[0] ?? ZERO_HASH;
    const app = this.#installedApp();
    const isApp = app !== null && bytesEqual(app.hash, appHash);
    if (!isApp || !this.#isInstalled(store, candidate)) {
      // Installed again it would get fresh trials, and could do the same for ever.
      return this.#rollBack(store, recordReason(0, "trial", "primary-invalid"));
    }
    this.#options.ports.watchdog.start();
    store.commit({ trials: record.trials - 1 });
    this.#log("trial", `trial boot, ${record.trials - 1} left`);
    return { kind: "start" };
  }

  /** The candidate is out: installs the accepted release again and keeps the reason. */
  #rollBack(store: Store, reason: RecordedReason | null): BootDecision {
    const { record } = store;
    // A device that was never updated has nothing but the candidate: better than nothing at all.
    const target = record.acceptedBank ?? this.#nextTarget({ ...record, targetBank: null });
    if (target === null) {
      return { kind: "recovery", why: "there is no release that could be installed" };
    }
    this.#log("fallback", `back to bank ${target}`);
    this.#beginFallback(store, target, reason);
    return this.#install(store);
  }

  #nextTarget(record: StateRecord): number | null {
    return nextTarget(record, this.#options.ports.securityCounter.read());
  }

  #beginFallback(store: Store, target: number, reason: RecordedReason | null): void {
    store.commit({
      state: SetState.INSTALLING,
      targetBank: target,
      candidateBank: null,
      attempts: 0,
      trials: 0,
      reason,
    });
  }

  /** The target cannot be installed: the next best one, in a boot of its own. */
  #tryNext(store: Store, failure: RecordedReason): BootDecision {
    const { record } = store;
    const next = this.#nextTarget(record);
    const reason = keptReason(record, failure);
    if (next === null && record.acceptedBank === null && this.#isOriginal()) {
      store.commit({ state: SetState.FAILED, candidateBank: null, targetBank: null, reason });
      return { kind: "reset" };
    }
    if (next === null) {
      // Nothing is left: the next boot begins anew with the release that should run.
      this.#beginFallback(store, record.acceptedBank ?? record.targetBank ?? 0, reason);
      return { kind: "recovery", why: `no release can be installed: code ${failure.code}` };
    }
    this.#log("fallback", `bank ${record.targetBank} cannot be installed, next is bank ${next}`);
    this.#beginFallback(store, next, reason);
    return { kind: "reset" };
  }

  /** What the device's maker programmed still stands in every core. */
  #isOriginal(): boolean {
    const { kind, releaseId } = this.#options.marker.read();
    return kind === "stopgap" && releaseId.every((byte) => byte === 0);
  }

  /** What the application core's slot holds, if it is valid. */
  #installedApp(): ImageFacts | null {
    return this.#core(0).readInstalled?.() ?? null;
  }

  #core(index: number): CoreInstaller {
    const core = this.#options.cores[index];
    if (core === undefined) throw new RangeError(`no core for image ${index}`);
    return core;
  }

  #log(kind: BootEvent["kind"], text: string): void {
    this.#options.log?.({ kind, text });
  }
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

function imageHashes(record: StateRecord, bank: number): Uint8Array[] {
  return (record.banks[bank]?.images ?? []).map((image) => image.imageHash);
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

function sameHash(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && bytesEqual(a, b);
}
