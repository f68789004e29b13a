// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import type { Random } from "@tandem/base";

import type { Violation } from "./checks.js";
import { POWER_ON, countUnstablePages } from "./device-state.js";
import type { DeviceNode } from "./device-state.js";
import { Explorer } from "./explorer.js";
import { NO_FAULTS } from "./faults.js";
import { cutsOf } from "./forked-cuts.js";
import { KnownPages } from "./known-pages.js";
import { SessionChoices } from "./session-choices.js";
import { runSession } from "./session.js";
import type { CutPoint, Session } from "./session.js";
import { StateKeys } from "./state-key.js";
import { StateSet } from "./state-set.js";
import type { Edge } from "./trail.js";
import type { World } from "./world.js";

/** Share of the sessions that are cut, of 8. */
const CUT_EIGHTHS = 7;
/** Sessions after which a walk begins anew. */
const MAX_SESSIONS = 60;

/** What walks through a closed set of states have come across. */
export interface CrossCheck {
  readonly sessions: number;
  /** The first state that is not in the set, and the way to it. */
  readonly missed: (Violation & { readonly edges: readonly Edge[] }) | null;
}

/**
 * Walks at random, with power that is really cut and states that are neither merged nor changed. If
 * `closure` has left nothing out, each state on the way has a key that it has been to.
 * @param seen every state that a cut has led to in the closure
 * @param sessions to walk
 */
export function* crossCheck(
  world: World,
  seen: StateSet,
  { seed, sessions }: { readonly seed: number; readonly sessions: number },
): Generator<void, CrossCheck> {
  const { geometry, factory, next } = world;
  const keys = new StateKeys(geometry, new KnownPages(geometry, [factory, next]), "closed");
  const quiet = statesWithoutCuts(world);
  const random = createRandom(seed);
  let edges: Edge[] = [];
  let node = world.root;
  for (let done = 1; done <= sessions; done++) {
    const { session, edge } = walkOn(world, node, random);
    edges.push(edge);
    const { end, after } = session;
    node = { state: after, entry: end.kind === "reset" ? end.entry : POWER_ON };
    const { high, low } = keys.keyOf(node);
    if (!seen.has(high, low) && !quiet.has(high, low)) {
      const text = `after ${edges.length} sessions: a state that closure has not been to`;
      return { sessions: done, missed: { invariant: "coverage", text, edges } };
    }
    const isOver = end.kind === "rest" && random.below(4) === 0;
    if (isOver || edges.length >= MAX_SESSIONS) {
      node = world.root;
      edges = [];
    }
    yield;
  }
  return { sessions, missed: null };
}

function statesWithoutCuts(world: World): StateSet {
  const explorer = new Explorer({
    world,
    seen: new StateSet(1),
    depth: 0,
    tears: "distinct",
    maxUnstable: 1,
    precision: "closed",
    onFound: () => undefined,
  });
  while (explorer.step());
  return explorer.quietStates;
}

/** One session with random choices, and mostly with a cut somewhere. */
function walkOn(
  world: World,
  node: DeviceNode,
  random: Random,
): { readonly session: Session; readonly edge: Edge } {
  const choices = new SessionChoices("", (count) => random.below(count));
  const whole = runSession(world, node, { choices });
  const { letters } = choices;
  const cut = random.below(8) < CUT_EIGHTHS ? pickCut(whole, random) : null;
  if (cut === null) return { session: whole, edge: { faults: NO_FAULTS, choices: letters, cut } };
  const session = runSession(world, node, { choices: new SessionChoices(letters), cut });
  return { session, edge: { faults: NO_FAULTS, choices: letters, cut } };
}

/** Null when there is nothing to cut, or when it would leave a second unstable page. */
function pickCut({ steps }: Session, random: Random): CutPoint | null {
  const number = random.below(Math.max(1, steps.length));
  const step = steps[number];
  if (step === undefined) return null;
  const cuts = cutsOf(step.operation, number);
  const cut = cuts[random.below(cuts.length)] ?? null;
  return cut?.tear === "unstable" && countUnstablePages(step.before) > 0 ? null : cut;
}
