// SPDX-License-Identifier: Apache-2.0
import { nodeCrypto } from "@tandem/base/node";

import { MemoCrypto } from "../memo-crypto.js";
import type { ComparedSession } from "./compared-device.js";
import type { ComparedLife } from "./cut-line.js";
import { MOST_BOOTS } from "./life.js";
import { failuresOf } from "./sweep-story.js";
import type { Failure } from "./sweep-story.js";

/** One session of a life that is run again. */
export interface RelivedSession {
  readonly session: ComparedSession;
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
    const session = device.runSession(number === cutAt ? (placed?.cut ?? null) : null);
    isMixed ||= session.isMixed;
    const { key } = session.next;
    const isCircle = number > cutAt && key !== null && seen.has(key);
    const isLast = number >= cutAt && (isCircle || session.end === "rest");
    const isSpent = number === cutAt + MOST_BOOTS;
    const atRest = session.end === "rest" ? session.cores : null;
    const failures = isLast || isSpent ? failuresOf(story, { atRest, isMixed }) : null;
    yield { session, failures, isCircle };
    if (isLast) return;
    if (number >= cutAt && key !== null) seen.add(key);
    device = session.next;
  }
}

/** A session that was run again, as lines of text. */
export function describeRelived(
  { session, failures, isCircle }: RelivedSession,
  number: number,
): string[] {
  const { events, operations, end, cores } = session;
  const [app, net] = cores.map((held) => held ?? "unknown");
  const lost = end === "power-lost" ? operations.at(-1) : undefined;
  const at =
    lost === undefined ? "" : ` at ${lost.kind} of ${lost.device} 0x${lost.address.toString(16)}`;
  return [
    `session ${number}: ${operations.length} flash operations`,
    ...events.map((text) => `    ${text}`),
    `  ${end}${at}; application core ${app}, network core ${net}${session.isMixed ? "; MIXED START" : ""}`,
    ...(isCircle ? ["  the same as before: this goes on for ever"] : []),
    ...(failures ?? []).map((failure) => `  FAILURE: ${failure}`),
  ];
}
