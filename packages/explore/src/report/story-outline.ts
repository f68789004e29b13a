// SPDX-License-Identifier: Apache-2.0
import { nodeCrypto } from "@tandem/base/node";
import { stateName } from "@tandem/store";

import type { ComparedRow } from "../compare/rows.js";
import type { ComparedStory } from "../compare/stories.js";
import { sweepStory } from "../compare/sweep-story.js";
import type { StorySweep } from "../compare/sweep-story.js";
import { tandemComparedDevice } from "../compare/tandem-device.js";
import type { FlashKind, ProfileName } from "../geometry.js";
import { MemoCrypto } from "../memo-crypto.js";
import { PageFactsCache } from "../page-facts.js";
import type { DeviceState } from "../device-state.js";
import { SCENARIOS } from "../scenario.js";
import type { Scenario } from "../scenario.js";
import { runSession } from "../session.js";
import { inSlices } from "../slices.js";
import { StoreView } from "../store-view.js";
import { createWorld } from "../world.js";
import type { World } from "../world.js";

/** The stories of an exploration as a reader can follow them. */
export interface StoryOutline {
  /** Each story along its flash operations, a sample of its cuts run to their end. */
  readonly sweeps: readonly StorySweep[];
  /** Record states that follow each other in the stories without cuts, and in how many stories. */
  readonly transitions: readonly StateTransition[];
}

export interface StateTransition {
  readonly from: string;
  readonly to: string;
  readonly stories: number;
}

/** Sessions of a story without cuts, at most. */
const MOST_SESSIONS = 32;

/** Goes through the stories of an exploration; those that leave firmware open are left out. */
export async function outlineStories(options: {
  readonly profile: ProfileName;
  readonly flash: FlashKind;
  readonly scenarios: readonly string[];
  /** Cuts per story, evenly spread. */
  readonly sample: number;
  readonly isOver: () => boolean;
}): Promise<StoryOutline> {
  const { profile, flash, scenarios, sample, isOver } = options;
  const crypto = new MemoCrypto(nodeCrypto);
  const transitions = new Map<string, number>();
  const sweeps: StorySweep[] = [];
  for (const scenario of SCENARIOS) {
    if (!scenarios.includes(scenario.name) || isOver()) continue;
    const row: ComparedRow = {
      name: `${profile}/${flash}`,
      title: flash,
      isBaseline: false,
      hasB0n: true,
      make: (story) => tandemComparedDevice({ profile, flash }, story, crypto),
    };
    const how = { crypto, sample, isOver, onPoint: () => undefined };
    sweeps.push(await inSlices(sweepStory(row, storyOf(scenario), how)));
    const world = createWorld({ profile, flash, scenario: scenario.name }, crypto);
    for (const pair of pairsOf(statesOf(world))) {
      transitions.set(pair, (transitions.get(pair) ?? 0) + 1);
    }
  }
  return {
    sweeps,
    transitions: [...transitions].map(([pair, stories]) => {
      const [from = "", to = ""] = pair.split(">");
      return { from, to, stories };
    }),
  };
}

function storyOf({ name, app, net, flaw, results }: Scenario): ComparedStory {
  return {
    name,
    title: name,
    app,
    net,
    isRefused: flaw === "refused-by-b0n",
    needsB0n: true,
    isGood: results.includes("accepted"),
    scenario: name,
  };
}

/** Record states of the story without cuts, each once per stay. */
function statesOf(world: World): readonly string[] {
  const facts = new PageFactsCache(world.geometry);
  const states: string[] = [];
  const see = (state: DeviceState): void => {
    const view = new StoreView(world.geometry, state.nand, facts);
    const name = view.floor === null ? "none" : stateName(view.floor.record.state);
    if (states.at(-1) !== name) states.push(name);
  };
  let node = world.root;
  for (let number = 0; number < MOST_SESSIONS; number++) {
    const { steps, end, after } = runSession(world, node);
    for (const { before } of steps) see(before);
    see(after);
    if (end.kind !== "reset") break;
    node = { state: after, entry: end.entry };
  }
  return states;
}

/** Each pair of states that follow each other, once. */
function pairsOf(states: readonly string[]): ReadonlySet<string> {
  return new Set(states.slice(1).map((to, index) => `${states[index]}>${to}`));
}
