// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { describe, expect, it } from "vitest";

import { POWER_ON } from "./device-state.js";
import type { DeviceNode } from "./device-state.js";
import { cutState, cutsOf } from "./forked-cuts.js";
import { FLASH_KINDS } from "./geometry.js";
import { KnownPages } from "./known-pages.js";
import { PageFactsCache } from "./page-facts.js";
import { SessionChoices } from "./session-choices.js";
import { runSession } from "./session.js";
import { StateKeys } from "./state-key.js";
import { StoreView } from "./store-view.js";
import { createWorld } from "./world.js";

const SESSIONS = 40;
const PAIRS = 25;

/** What the abstraction claims, for some pairs of states that it takes for one. */
describe.each(FLASH_KINDS)("states with equal keys on %s", (flash) => {
  const world = createWorld({ profile: "small", flash, scenario: "any-firmware" });
  const keys = new StateKeys(
    world.geometry,
    new KnownPages(world.geometry, [world.factory, world.next]),
  );
  const facts = new PageFactsCache(world.geometry);
  const keyOf = (node: DeviceNode): string => {
    const { high, low } = keys.keyOf(node, new StoreView(world.geometry, node.state.nand, facts));
    return `${high},${low}`;
  };

  /** Keys of everything that one session, with and without cuts, leads to. */
  const followers = (node: DeviceNode): { node: DeviceNode; key: string }[] => {
    const found: DeviceNode[] = [];
    const choices = new SessionChoices();
    do {
      const session = runSession(world, node, { choices });
      const { end, after } = session;
      if (end.kind === "reset") found.push({ state: after, entry: end.entry });
      for (const [number, step] of session.steps.entries()) {
        for (const cut of cutsOf(step.operation, number)) {
          found.push({ state: cutState(world.geometry, session, cut), entry: POWER_ON });
        }
      }
    } while (choices.next());
    return found.map((next) => ({ node: next, key: keyOf(next) }));
  };

  /** Which of several unstable blocks is taken when none is found: the key leaves that open. */
  const hasUnstableHead = (node: DeviceNode): boolean => {
    const view = new StoreView(world.geometry, node.state.nand, facts);
    return view.chains.some(({ heads }) => heads.some((head) => view.isUnstable(head.firstPage)));
  };

  it("lead to states with equal keys", () => {
    const random = createRandom(flash.length);
    const known = new Map<string, DeviceNode>([[keyOf(world.root), world.root]]);
    const pairs: (readonly [DeviceNode, DeviceNode])[] = [];
    let node = world.root;
    // A walk through many cuts, to states that have little in common with each other.
    for (let session = 0; session < SESSIONS; session++) {
      const next = followers(node);
      for (const { node: other, key } of next) {
        const twin = known.get(key);
        if (twin === undefined) known.set(key, other);
        else if (twin !== other && !hasUnstableHead(other)) pairs.push([twin, other]);
      }
      node = next[random.below(next.length)]?.node ?? world.root;
    }
    for (let pair = 0; pair < PAIRS; pair++) {
      const [first, second] = (pairs[random.below(pairs.length)] ?? []).map(
        (one) => new Set(followers(one).map(({ key }) => key)),
      );
      expect(first, `pair ${pair}`).toEqual(second);
    }
    expect(pairs.length).toBeGreaterThan(100);
  });
});
