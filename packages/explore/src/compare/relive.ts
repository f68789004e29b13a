// SPDX-License-Identifier: Apache-2.0
import { nodeCrypto } from "@tandem/base/node";
import type { FlashOperation } from "@tandem/flash";

import { MemoCrypto } from "../memo-crypto.js";
import type { CutPoint } from "../session.js";
import type { ComparedSession } from "./compared-device.js";
import type { ComparedLife } from "./cut-line.js";
import { MOST_BOOTS } from "./life.js";
import { failuresOf } from "./sweep-story.js";
import type { Failure } from "./sweep-story.js";

/** One session of a life that is run again. */
export interface RelivedSession {
  readonly session: ComparedSession;
  /** Where its power was lost; null: nowhere. */
  readonly cut: CutPoint | null;
  /** Once the life has ended: what is wrong with its end. */
  readonly failures: readonly Failure[] | null;
  /** It stands as it stood before: the sessions between will come again for ever. */
  readonly isCircle: boolean;
}

/** Runs the sessions of a line of `tandem explore compare` again. */
export function* relive({ row, story, placed }: ComparedLife): Generator<RelivedSession> {
  const cutAt = placed?.session ?? -1;
  const seen = new Set<string>();
  let device = row.make(story, new MemoCrypto(nodeCrypto));
  let isMixed = false;
  for (let number = 0; number <= cutAt + MOST_BOOTS; number++) {
    const cut = number === cutAt ? (placed?.cut ?? null) : null;
    const session = device.runSession(cut);
    isMixed ||= session.isMixed;
    const { key } = session.next;
    const isCircle = number > cutAt && key !== null && seen.has(key);
    const isLast = number >= cutAt && (isCircle || session.end === "rest");
    const isSpent = number === cutAt + MOST_BOOTS;
    const atRest = session.end === "rest" ? session.cores : null;
    const failures = isLast || isSpent ? failuresOf(story, { atRest, isMixed }) : null;
    yield { session, cut, failures, isCircle };
    if (isLast) return;
    if (number >= cutAt && key !== null) seen.add(key);
    device = session.next;
  }
}

/** A session that was run again, as lines of text. */
export function describeRelived(
  { session, cut, failures, isCircle }: RelivedSession,
  number: number,
): string[] {
  const { events, operations, end, cores } = session;
  const [app, net] = cores.map((held) => held ?? "unknown");
  const lost = end === "power-lost" ? ` ${placeOf(operations, cut)}` : "";
  return [
    `session ${number}: ${countsOf(operations)}`,
    ...events.map((text) => `    ${text}`),
    `  ${end}${lost}; application core ${app}, network core ${net}${session.isMixed ? "; MIXED START" : ""}`,
    ...(isCircle ? ["  the same as before: this goes on for ever"] : []),
    ...(failures ?? []).map((failure) => `  FAILURE: ${failure}`),
  ];
}

/** How much was written where, e.g. `97 flash operations (ext-flash 30, app-flash 67)`. */
function countsOf(operations: readonly FlashOperation[]): string {
  const counts = new Map<string, number>();
  for (const { device } of operations) counts.set(device, (counts.get(device) ?? 0) + 1);
  const parts = [...counts].map(([device, count]) => `${device} ${count}`);
  const where = parts.length === 0 ? "" : ` (${parts.join(", ")})`;
  return `${operations.length} flash operations${where}`;
}

/** Where power was lost, and what that left, e.g. `inside erase of nand 0x800 (mixed)`. */
function placeOf(operations: readonly FlashOperation[], cut: CutPoint | null): string {
  const operation = operations.at(-1);
  if (operation === undefined || cut === null) return "";
  const { kind, device, address } = operation;
  const left = cut.tear === null ? "" : ` (${cut.tear})`;
  return `${cut.when} ${kind} of ${device} 0x${address.toString(16)}${left}`;
}
