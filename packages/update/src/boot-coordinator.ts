// SPDX-License-Identifier: Apache-2.0
import { TandemError, bytesEqual } from "@tandem/base";
import type { ImageFacts } from "@tandem/image";
import { SetState, Store, stateName } from "@tandem/store";
import type { RecordedReason } from "@tandem/store";

import { MAX_INSTALL_ATTEMPTS } from "./boot-options.js";
import type { BootDecision, BootEvent, BootOptions } from "./boot-options.js";
import { installedApp, releaseIdOf } from "./boot-session.js";
import type { BootSession } from "./boot-session.js";
import { beginRepair, beginRollBack, tryNext } from "./fallback.js";
import { finishInstallation, installAll } from "./installation.js";
import { isInstalled } from "./installed-images.js";
import { recordReason } from "./reason.js";
import { refusalOfStaged } from "./staged-check.js";

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
    const boot: BootSession = {
      options: this.#options,
      store,
      log: (kind, text) => this.#log(kind, text),
    };
    switch (store.record.state) {
      case SetState.STAGED:
        return this.#stage(boot);
      case SetState.INSTALLING:
        return this.#install(boot);
      case SetState.TRIAL:
        return this.#trial(boot);
      case SetState.REJECTED:
        return this.#rollBack(boot, store.record.reason);
      case SetState.READY:
      case SetState.WRITING:
      case SetState.CANDIDATE:
      case SetState.FAILED:
      case SetState.UPDATED:
        return this.#startAccepted(boot);
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

  #startAccepted(boot: BootSession): BootDecision {
    const { record } = boot.store;
    const accepted = record.acceptedBank;
    if (accepted === null) return { kind: "start" };
    const app = installedApp(boot);
    const isApp = app !== null && bytesEqual(app.hash, releaseIdOf(record, accepted));
    if (isApp && isInstalled(boot, accepted)) {
      this.#proveAcceptance(boot, app);
      return { kind: "start" };
    }
    if (!isApp && this.#options.allowForeign === true && this.#isForeign(boot, app)) {
      this.#log("foreign", "the primary slot holds firmware that is not the accepted release");
      return { kind: "start" };
    }
    beginRepair(boot, accepted);
    return this.#install(boot);
  }

  /** Valid firmware of another hand stands where nothing of ours was left half done. */
  #isForeign({ store }: BootSession, app: ImageFacts | null): boolean {
    const { cores, marker, ports } = this.#options;
    const isSettled =
      marker.read().kind !== "installing" &&
      cores.every((_, index) => store.record.installed[index] != null);
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
  #proveAcceptance({ store }: BootSession, { hash, securityCounter }: ImageFacts): void {
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

  #stage(boot: BootSession): BootDecision {
    const { store } = boot;
    const refusal = refusalOfStaged(boot);
    if (refusal !== null) {
      this.#log("refused", `refused before anything was installed: code ${refusal.code}`);
      store.commit({ state: SetState.FAILED, candidateBank: null, reason: refusal });
      return this.#startAccepted(boot);
    }
    this.#scrub(boot);
    const targetBank = store.record.candidateBank;
    store.commit({ state: SetState.INSTALLING, targetBank, attempts: 0, reason: null });
    return this.#install(boot);
  }

  /**
   * Verifying has read every page once: what it met on the way gets its second copy back now. A
   * store without room for that can still install what it has.
   */
  #scrub({ store }: BootSession): void {
    try {
      const moved = store.scrub(() => this.#options.ports.watchdog.feed());
      if (moved > 0) this.#log("scrubbed", `weak blocks moved: ${moved}`);
    } catch (error) {
      if (!(error instanceof TandemError)) throw error;
      this.#log("scrub-failed", error.message);
    }
  }

  /** One attempt to bring every core to the target bank; ends in a reset, or in recovery. */
  #install(boot: BootSession): BootDecision {
    const { store } = boot;
    const { targetBank: target, candidateBank, acceptedBank } = store.record;
    if (target === null) return this.#rollBack(boot, store.record.reason);
    const isCandidate = target === candidateBank;
    const attempts = store.record.attempts + 1;
    // With nothing behind it, giving up would not help.
    const isExpendable = isCandidate && acceptedBank !== null;
    if (isExpendable && attempts > MAX_INSTALL_ATTEMPTS) {
      const reason = recordReason(null, "install", "attempts-exhausted", MAX_INSTALL_ATTEMPTS);
      return tryNext(boot, reason);
    }
    this.#log("install-begin", `installing bank ${target}, attempt ${attempts}`);
    // A candidate may be what cuts the attempts short, so each one begun counts against it.
    if (isExpendable) store.commit({ attempts });
    const failure = installAll(boot, target);
    if (failure === null) {
      finishInstallation(boot, target);
      return { kind: "reset" };
    }
    if (isCandidate || attempts >= MAX_INSTALL_ATTEMPTS) return tryNext(boot, failure);
    // A fallback is worth more than one try, whatever is behind it is worse; and a cut is no try.
    store.commit({ attempts });
    return { kind: "reset" };
  }

  #trial(boot: BootSession): BootDecision {
    const { store } = boot;
    const { candidateBank: candidate, trials } = store.record;
    const { watchdog, resetReason } = this.#options.ports;
    if (candidate === null || trials === 0) {
      return this.#rollBack(boot, recordReason(null, "trial", "not-accepted", resetReason));
    }
    const app = installedApp(boot);
    const isApp = app !== null && bytesEqual(app.hash, releaseIdOf(store.record, candidate));
    if (!isApp || !isInstalled(boot, candidate)) {
      // Installed again it would get fresh trials, and could do the same for ever.
      return this.#rollBack(boot, recordReason(0, "trial", "primary-invalid"));
    }
    watchdog.start();
    store.commit({ trials: trials - 1 });
    this.#log("trial", `trial boot, ${trials - 1} left`);
    return { kind: "start" };
  }

  /** The candidate is out: installs the accepted release again and keeps the reason. */
  #rollBack(boot: BootSession, reason: RecordedReason | null): BootDecision {
    if (beginRollBack(boot, reason)) return this.#install(boot);
    return { kind: "recovery", why: "there is no release that could be installed" };
  }

  #log(kind: BootEvent["kind"], text: string): void {
    this.#options.log?.({ kind, text });
  }
}
