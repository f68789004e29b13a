// SPDX-License-Identifier: Apache-2.0
import { TandemError, toHex } from "@tandem/base";
import { PowerLoss } from "@tandem/flash";
import type { Cut, FlashOperation, RuleViolation, Tear } from "@tandem/flash";
import { SetState } from "@tandem/store";
import { PowerSupply } from "@tandem/twin";
import type {
  BootOutcome,
  Counters,
  FirmwareScripts,
  Nrf5340Twin,
  ResetReason,
  RunningApplication,
} from "@tandem/twin";
import type { UpdateStatus } from "@tandem/update";

import { runApplication } from "./application.js";
import type { ApplicationOptions } from "./application.js";
import { forkState } from "./device-state.js";
import type { DeviceNode, DeviceState, Entry } from "./device-state.js";
import { Transport } from "./download.js";
import { NO_FAULTS } from "./faults.js";
import type { SessionFaults } from "./faults.js";
import { NO_HISTORY } from "./history.js";
import type { History } from "./history.js";
import { PageFactsCache } from "./page-facts.js";
import { BEHAVIOURS, SessionChoices } from "./session-choices.js";
import type { BehaviourLetter } from "./session-choices.js";
import { decayPage, wearOutBlock } from "./store-damage.js";
import { StoreView } from "./store-view.js";
import { createTwin } from "./world.js";
import type { World } from "./world.js";

/** Decides the tears of operations, together with the number of the operation in its session. */
export const TEAR_SEED = 5;

/** An hour of device time: what takes longer waits for something that never comes. */
const SESSION_LIMIT_US = 3600e6;

/** One loss of power: at which operation of a session, and what it leaves of it. */
export interface CutPoint {
  /** Counted from 0 within the session. */
  readonly operation: number;
  readonly when: Cut["when"];
  readonly tear: Tear | null;
}

/** One reset of the chip while power stays: during which operation of a session, and why. */
export interface ResetPoint {
  /** Counted from 0 within the session. */
  readonly operation: number;
  readonly when: "reset";
  readonly reason: Exclude<ResetReason, "power-on">;
  /** Null: flash completes what it is at. Otherwise the next start aborts it, and this is left. */
  readonly tear: Tear | null;
}

/** What ends a session before its time. */
export type Interruption = CutPoint | ResetPoint;

/** One flash operation of a session, and the device as it was when the operation began. */
export interface SessionStep {
  readonly operation: FlashOperation;
  readonly before: DeviceState;
  /** The watchdog runs then. */
  readonly watchdogRuns: boolean;
}

/** A device whose application has nothing left to do. */
export interface RestingDevice {
  /** The application runs; false: it crashes at each start. */
  readonly isUp: boolean;
  readonly status: UpdateStatus;
  /** Image hashes, as hexadecimal digits, of what both cores hold; empty: nothing that is known. */
  readonly cores: readonly [string, string];
}

/** How a session ended. */
type SessionEnd =
  /** The chip was reset: another session follows. */
  | { readonly kind: "reset"; readonly entry: Entry }
  /** The application runs and has nothing left to do. */
  | { readonly kind: "rest"; readonly found: RestingDevice }
  /** Nothing can be started. */
  | { readonly kind: "stopped"; readonly why: string }
  /** Power was cut as planned. */
  | { readonly kind: "power-lost" }
  /** The code under test threw what it should not. */
  | { readonly kind: "error"; readonly error: unknown };

/** The application had time for everything that it does when no update is under way. */
export function isIdle(end: SessionEnd): boolean {
  return end.kind === "rest" && end.found.isUp;
}

/** What happened in one session. */
export interface Session {
  /** The device as the session found it. */
  readonly before: DeviceState;
  readonly steps: readonly SessionStep[];
  readonly end: SessionEnd;
  /** The device when the session ended. */
  readonly after: DeviceState;
  readonly counters: Counters;
  readonly violations: readonly RuleViolation[];
  /** Something was downloaded. */
  readonly hasDownloaded: boolean;
  /** What the coordinator and the application did. */
  readonly events: readonly string[];
}

export interface SessionOptions {
  /** Null: unstable pages read as the chips' own seeds have it. */
  readonly choices?: SessionChoices | null;
  readonly cut?: Interruption | null;
  readonly faults?: SessionFaults;
  /** What came before, with the faults of this session. */
  readonly history?: History;
}

/**
 * Runs one session: from a reset to the next one, until the application has nothing left to do, or
 * until power goes. The node itself stays as it is.
 */
export function runSession(world: World, node: DeviceNode, options: SessionOptions = {}): Session {
  const { choices = new SessionChoices(), cut = null, faults = NO_FAULTS } = options;
  choices?.begin();
  const state = forkState(node.state);
  if (faults.decay !== null) decayPage(world.geometry, state.nand, faults.decay);
  const before = forkState(state);
  const steps: SessionStep[] = [];
  const events: string[] = [];
  const power = new PowerSupply({
    seed: TEAR_SEED,
    onOperation: (operation) => {
      const { securityCounter, clock } = twin;
      const step = { operation, before: { ...forkState(state), securityCounter } };
      if (steps.length === faults.badAt) wearOutBlock(world.geometry, state.nand, operation);
      steps.push({ ...step, watchdogRuns: clock.deadlineUs !== null });
    },
  });
  const twin = createTwin(world, state, {
    power,
    ...(choices === null ? {} : { unstableReads: choices.unstableReads }),
    ...(world.scenario.isFickle
      ? { scripts: fickleScripts(world, state, choices ?? new SessionChoices()) }
      : {}),
    onBootEvent: ({ text }) => events.push(text),
  });
  twin.clock.limitUs = SESSION_LIMIT_US;
  if (cut !== null) planCut(power, cut.when === "reset" ? { ...cut, when: whenOf(cut) } : cut);
  const transport = new Transport(faults.transport);
  const { history = NO_HISTORY } = options;
  const end = runToEnd(world, twin, node.entry, {
    transport,
    patrols: history.hasDecayed,
    isOfferedAgain: history.isOfferedAgain,
  });
  return {
    before,
    steps,
    end: end.kind === "power-lost" && cut?.when === "reset" ? resetBy(cut, steps) : end,
    after: { ...state, securityCounter: twin.securityCounter },
    counters: twin.observer.counters,
    violations: twin.violations,
    hasDownloaded: transport.wasUsed,
    events,
  };
}

/** Has power go at this point of the session that follows. */
export function planCut(power: PowerSupply, { when, operation, tear }: CutPoint): void {
  power.planCut({
    when,
    matches: () => true,
    skip: operation,
    ...(tear === null ? {} : { tear }),
  });
}

/**
 * Where a supply has to go for the operation to be left as a reset leaves it: what runs on the
 * cores ends in the same way.
 */
export function whenOf({ tear }: ResetPoint): Cut["when"] {
  return tear === null ? "after" : "inside";
}

/** How the session after this reset begins. */
export function entryOf({ reason }: ResetPoint, step: SessionStep | undefined): Entry {
  return { reason, watchdogRuns: reason === "soft" && step?.watchdogRuns === true };
}

function resetBy(reset: ResetPoint, steps: readonly SessionStep[]): SessionEnd {
  return { kind: "reset", entry: entryOf(reset, steps.at(-1)) };
}

function runToEnd(
  world: World,
  twin: Nrf5340Twin,
  entry: Entry,
  options: ApplicationOptions,
): SessionEnd {
  try {
    const outcome = boot(twin, entry);
    switch (outcome.kind) {
      case "stopped":
        return { kind: "stopped", why: outcome.why };
      case "reset":
        return (
          crashedForGood(world, twin) ?? { kind: "reset", entry: entryAfter(twin, outcome.reason) }
        );
      case "application":
        return runApplication(world, outcome.app, options) === "reset"
          ? { kind: "reset", entry: entryAfter(twin, "soft") }
          : { kind: "rest", found: restingDevice(twin, outcome.app) };
      case "power-lost":
        return { kind: "power-lost" };
      default:
        return outcome satisfies never;
    }
  } catch (error) {
    if (error instanceof PowerLoss) return { kind: "power-lost" };
    if (error instanceof TandemError || error instanceof RangeError)
      return { kind: "error", error };
    throw error;
  }
}

/**
 * Firmware that has accepted itself and crashes at each start: the update is over, and nothing on
 * the device will change any more.
 */
function crashedForGood(world: World, twin: Nrf5340Twin): SessionEnd | null {
  if (world.scenario.app.kind !== "accepts-then-crashes") return null;
  const app = twin.attach(null);
  if (app?.service.query().state !== "UPDATED") return null;
  return { kind: "rest", found: { ...restingDevice(twin, app), isUp: false } };
}

function restingDevice(twin: Nrf5340Twin, app: RunningApplication): RestingDevice {
  const net = twin.observer.identifyNet(twin.readNetSlot());
  return {
    isUp: true,
    status: app.service.query(),
    cores: [toHex(app.facts.hash), net === null ? "" : toHex(net.imageHash)],
  };
}

/** Firmware on trial does as the choices say; what has been accepted boots. */
function fickleScripts(world: World, state: DeviceState, choices: SessionChoices): FirmwareScripts {
  const isNext = (hash: string): boolean => world.next.hashes.includes(hash);
  const chosen = (): (typeof BEHAVIOURS)[BehaviourLetter] =>
    BEHAVIOURS[isOnTrial(world, state) ? choices.behaviour() : "o"];
  return {
    app: { get: (hash) => (isNext(hash) ? chosen().app : undefined) },
    net: { get: (hash) => (isNext(hash) ? chosen().net : undefined) },
  };
}

/** The coordinator has just written a record of the trial, in both chains, or it starts nothing. */
function isOnTrial(world: World, state: DeviceState): boolean {
  const view = new StoreView(world.geometry, state.nand, new PageFactsCache(world.geometry));
  return view.chains.some(({ candidates }) => candidates[0]?.record.state === SetState.TRIAL);
}

/** Begins a session the way its entry says. */
function boot(twin: Nrf5340Twin, entry: Entry): BootOutcome {
  if (entry.reason === "power-on") return twin.powerOn();
  if (entry.watchdogRuns) twin.clock.startWatchdog();
  return twin.reset(entry.reason);
}

function entryAfter(twin: Nrf5340Twin, reason: Entry["reason"]): Entry {
  return { reason, watchdogRuns: reason === "soft" && twin.clock.deadlineUs !== null };
}
