// SPDX-License-Identifier: Apache-2.0
import { MARKER_ENTRY_BYTES } from "@tandem/update";

import { CanonicalMarker } from "./canonical-marker.js";
import type { DeviceNode } from "./device-state.js";
import { forkState } from "./device-state.js";
import type { Geometry } from "./geometry.js";
import { SessionChoices } from "./session-choices.js";
import { runSession } from "./session.js";
import type { Session, SessionOptions } from "./session.js";
import type { Precision } from "./state-key.js";
import type { World } from "./world.js";

/** One session that may come from a state. */
export interface PossibleSession {
  /** Where it begins: the state itself, or one with another room for entries of the marker. */
  readonly node: DeviceNode;
  readonly session: Session;
  /** Letters of its choices. */
  readonly choices: string;
}

/** What comes in a session besides choices, and what came before. */
type Coming = Pick<SessionOptions, "faults" | "history">;

/**
 * Every session without a further fault that may come from a state: one for each combination of choices,
 * and with keys that leave the marker's room open, for each place at which its page can come to
 * its end.
 */
export function* sessionsFrom(
  world: World,
  node: DeviceNode,
  precision: Precision,
  coming: Coming = {},
): Generator<PossibleSession> {
  const { geometry } = world;
  const { mostRoom } = new CanonicalMarker(geometry, node.state.appFlash);
  if (precision === "exact" || mostRoom === 0) {
    yield* withChoices(world, node, coming);
    return;
  }
  // With room for all that the session writes, more room makes no difference.
  let written = 0;
  for (const possible of withChoices(world, withRoom(geometry, node, mostRoom), coming)) {
    written = Math.max(written, countEntries(geometry, possible.session));
    yield possible;
  }
  for (let left = 0; left < Math.min(written, mostRoom); left++) {
    yield* withChoices(world, withRoom(geometry, node, left), coming);
  }
}

/**
 * The sessions from a node, one for each combination of choices.
 * @param letters the first choices, which stay as they are
 */
export function* withChoices(
  world: World,
  node: DeviceNode,
  coming: Coming,
  letters = "",
): Generator<PossibleSession> {
  const choices = new SessionChoices(letters);
  do {
    const session = runSession(world, node, { choices, ...coming });
    yield { node, session, choices: choices.letters };
  } while (choices.next());
}

function withRoom(geometry: Geometry, node: DeviceNode, room: number): DeviceNode {
  const state = forkState(node.state);
  new CanonicalMarker(geometry, state.appFlash).setRoom(room);
  return { ...node, state };
}

function countEntries({ map }: Geometry, { steps }: Session): number {
  return steps.filter(
    ({ operation: { device, kind, address, length } }) =>
      device === "app-flash" &&
      kind === "write" &&
      address >= map.marker.start &&
      length === MARKER_ENTRY_BYTES,
  ).length;
}
