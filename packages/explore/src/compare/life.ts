// SPDX-License-Identifier: Apache-2.0
import { cutsOf } from "../forked-cuts.js";
import type { CutPoint } from "../session.js";
import type { ComparedDevice, ComparedSession } from "./compared-device.js";
import type { PlacedCut } from "./cut-line.js";

/** Sessions that a device gets to come to rest after its last fault. */
export const MOST_BOOTS = 32;
/** Sessions that are cut: those of an endless loop repeat themselves. */
const MOST_CUT_SESSIONS = 16;

/** How a device fared, from the beginning or from a cut on. */
export interface LifeEnd {
  /** Null: it goes in circles, or has had all its boots. */
  readonly atRest: ComparedSession["cores"] | null;
  readonly isMixed: boolean;
}

/** One session of the story without cuts, and the device before it. */
export interface WalkedSession {
  readonly before: ComparedDevice;
  readonly session: ComparedSession;
  /** A core was started beside another release's firmware in a session before. */
  readonly wasMixed: boolean;
}

/** The sessions of the story when power never goes, until nothing new can come. */
export function walk(device: ComparedDevice): readonly WalkedSession[] {
  const sessions: WalkedSession[] = [];
  const seen = new Set<string>();
  let before = device;
  let wasMixed = false;
  while (sessions.length < MOST_CUT_SESSIONS && isNew(before, seen)) {
    const session = before.runSession(null);
    sessions.push({ before, session, wasMixed });
    if (session.end === "rest") break;
    wasMixed ||= session.isMixed;
    before = session.next;
  }
  return sessions;
}

/** Runs on without faults until the device rests, or never will. */
export function runOn(first: ComparedDevice, wasMixed: boolean): LifeEnd {
  const seen = new Set<string>();
  let isMixed = wasMixed;
  let device = first;
  for (let boots = 0; boots < MOST_BOOTS && isNew(device, seen); boots++) {
    const session = device.runSession(null);
    isMixed ||= session.isMixed;
    if (session.end === "rest") return { atRest: session.cores, isMixed };
    device = session.next;
  }
  return { atRest: null, isMixed };
}

/** A device that is as it was before goes in circles. */
function isNew({ key }: ComparedDevice, seen: Set<string>): boolean {
  if (key === null) return true;
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

/** Every cut that the walked sessions have room for. */
export function cutsOfWalk(sessions: readonly WalkedSession[]): readonly PlacedCut[] {
  return sessions.flatMap(({ session: { operations } }, number) =>
    operations.flatMap((operation, index) =>
      cutsOf(operation, index, "distinct").map((cut: CutPoint) => ({ session: number, cut })),
    ),
  );
}
