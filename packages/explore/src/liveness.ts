// SPDX-License-Identifier: Apache-2.0
import { LINK_WORDS } from "./explorer.js";

/** What the sessions without a fault say, taken together. */
export interface Liveness {
  /** Most sessions that any state takes to come to rest when no fault comes. */
  readonly mostSessions: number;
  /** True when some state comes to itself again without having come to rest. */
  readonly goesInCircles: boolean;
}

/** Follows, from every state, the sessions without a fault. */
export function checkLiveness(links: Iterable<readonly number[]>): Liveness {
  const next = new Map<string, string[]>();
  for (const list of links) {
    for (let at = 0; at < list.length; at += LINK_WORDS) {
      const [fromHigh, fromLow, toHigh, toLow, isRest] = list.slice(at, at + LINK_WORDS);
      const from = `${fromHigh},${fromLow}`;
      const followers = next.get(from) ?? [];
      if (isRest === 0) followers.push(`${toHigh},${toLow}`);
      next.set(from, followers);
    }
  }
  const sessions = new Map<string, number>();
  let mostSessions = 0;
  let goesInCircles = false;
  for (const start of next.keys()) {
    const stack = [start];
    const open = new Set<string>();
    for (;;) {
      const at = stack.at(-1);
      if (at === undefined) break;
      if (sessions.has(at)) {
        stack.pop();
        continue;
      }
      open.add(at);
      const followers = next.get(at) ?? [];
      const waiting = followers.find((key) => !sessions.has(key));
      if (waiting === undefined) {
        const most = 1 + Math.max(0, ...followers.map((key) => sessions.get(key) ?? 0));
        sessions.set(at, most);
        mostSessions = Math.max(mostSessions, most);
        open.delete(at);
        stack.pop();
      } else if (open.has(waiting)) {
        goesInCircles = true;
        sessions.set(waiting, 0);
      } else stack.push(waiting);
    }
  }
  return { mostSessions, goesInCircles };
}
