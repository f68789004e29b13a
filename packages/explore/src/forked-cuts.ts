// SPDX-License-Identifier: Apache-2.0
import { InternalError, createRandom } from "@tandem/base";
import { NorChip, PowerLoss, tearsOf } from "@tandem/flash";
import type { FlashOperation, MemoryStorage, Power, Tear } from "@tandem/flash";

import { POWER_ON, forkState } from "./device-state.js";
import type { DeviceNode, DeviceState } from "./device-state.js";
import type { Geometry } from "./geometry.js";
import { TEAR_SEED, entryOf, whenOf } from "./session.js";
import type { CutPoint, Interruption, ResetPoint, Session, SessionStep } from "./session.js";

/** Which tears to go through: all, or those that the state key can tell apart. */
export type TearChoice = "all" | "distinct";

/**
 * Tears that leave what a cut before the operation, after it, or with another tear leaves too, as
 * far as anything can be read: no bit was reached; one bit, which is no page more than some bits;
 * all of them.
 */
const ALIKE: ReadonlySet<Tear> = new Set(["nothing", "one-bit", "complete", "old"]);

/** The cuts of the operation with this number, those inside with one tear after the other. */
export function cutsOf(
  operation: FlashOperation,
  number: number,
  tears: TearChoice = "all",
): readonly CutPoint[] {
  const at = { operation: number, tear: null };
  const kinds = tearsOf(operation.kind).filter((tear) => tears === "all" || !ALIKE.has(tear));
  return [
    { ...at, when: "before" },
    ...kinds.map((tear): CutPoint => ({ ...at, when: "inside", tear })),
    { ...at, when: "after" },
  ];
}

/** What a reset leaves of an operation of the store's NAND that the next start aborts. */
const ABORTED = { program: "some-bits", erase: "mixed", write: null } as const;

/**
 * The resets of the chip during the operation with this number: by software, and by the watchdog
 * where it runs. Flash completes the operation; or NAND is at it still when the driver of the next
 * start resets it.
 */
export function resetsAt(
  { operation, watchdogRuns }: SessionStep,
  number: number,
): readonly ResetPoint[] {
  const at = { operation: number, when: "reset" } as const;
  const aborted = operation.device === "nand" ? ABORTED[operation.kind] : null;
  return [
    { ...at, reason: "soft", tear: null },
    ...(watchdogRuns ? [{ ...at, reason: "watchdog", tear: null } as const] : []),
    ...(aborted === null ? [] : [{ ...at, reason: "soft", tear: aborted } as const]),
  ];
}

/** The device after the interruption, as the next session finds it. */
export function interruptedNode(
  geometry: Geometry,
  session: Session,
  interruption: Interruption,
): DeviceNode {
  if (interruption.when !== "reset") {
    return { state: cutState(geometry, session, interruption), entry: POWER_ON };
  }
  const { operation, tear } = interruption;
  const state = cutState(geometry, session, { operation, when: whenOf(interruption), tear });
  return { state, entry: entryOf(interruption, session.steps[operation]) };
}

/**
 * The device after a cut. The session has run without one: an operation that is cut is done again
 * on a copy of the device as it was when it began, on a chip whose power goes. What was in RAM is
 * lost with power, so this is all that a session that was really cut leaves.
 */
export function cutState(
  geometry: Geometry,
  session: Pick<Session, "steps" | "after">,
  cut: CutPoint,
): DeviceState {
  const step = session.steps[cut.operation];
  if (step === undefined) throw new InternalError("explore/cut", `no operation ${cut.operation}`);
  const { before, operation } = step;
  if (cut.when === "before") return before;
  const after = session.steps[cut.operation + 1]?.before ?? session.after;
  // What followed the operation in its session, without flash, has not happened yet.
  if (cut.when === "after") return { ...after, securityCounter: before.securityCounter };
  const torn = forkState(before);
  const power: Power = {
    begin: () => ({
      when: "inside",
      random: createRandom(TEAR_SEED + cut.operation + 1),
      ...(cut.tear === null ? {} : { tear: cut.tear }),
    }),
  };
  repeat(geometry, operation, { before: torn, after, power });
  return torn;
}

interface Repetition {
  /** Changed by the repetition. */
  readonly before: DeviceState;
  /** Holds what the operation was to write. */
  readonly after: DeviceState;
  readonly power: Power;
}

function repeat(geometry: Geometry, operation: FlashOperation, run: Repetition): void {
  try {
    if (operation.device === "nand") repeatOnNand(geometry, operation, run);
    else repeatOnNor(geometry, operation, run);
  } catch (error) {
    if (error instanceof PowerLoss) return;
    throw error;
  }
  throw new InternalError("explore/cut", `${operation.kind} of ${operation.device} was not cut`);
}

function repeatOnNand(geometry: Geometry, operation: FlashOperation, run: Repetition): void {
  const { chip } = geometry;
  const flash = chip.make(run.before.nand, { power: run.power });
  const { pageBytes, pagesPerBlock } = flash.geometry;
  const page = operation.address / pageBytes;
  if (operation.kind === "erase") {
    flash.eraseBlock(page / pagesPerBlock);
    return;
  }
  const written = run.after.nand.read(page) ?? new Uint8Array(pageBytes).fill(0xff);
  flash.programPage(page, written.slice(0, pageBytes));
}

function repeatOnNor(geometry: Geometry, operation: FlashOperation, run: Repetition): void {
  const { profile, before, after } = norOf(geometry, operation.device, run);
  const { address, length } = operation;
  const { power } = run;
  const chip = new NorChip({ name: operation.device, profile, storage: before, power });
  if (operation.kind === "erase") {
    chip.eraseRange(address, length);
    return;
  }
  const written = new NorChip({
    name: operation.device,
    profile,
    storage: after,
    unstableReadIsGood: () => true,
  });
  chip.write(address, written.read(address, length));
}

function norOf(
  geometry: Geometry,
  device: string,
  run: Repetition,
): {
  readonly profile: NorChip["profile"];
  readonly before: MemoryStorage;
  readonly after: MemoryStorage;
} {
  const { map, chip } = geometry;
  const { before, after } = run;
  if (device === "app-flash") {
    return { profile: map.appFlash, before: before.appFlash, after: after.appFlash };
  }
  if (device === "net-flash") {
    return { profile: map.netFlash, before: before.netFlash, after: after.netFlash };
  }
  if (chip.norProfile === null) {
    throw new InternalError("explore/cut", `operation of ${device}, which is not in this device`);
  }
  return { profile: chip.norProfile, before: before.nand, after: after.nand };
}
