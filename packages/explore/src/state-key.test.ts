// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { describe, expect, it } from "vitest";

import { POWER_ON, countUnstablePages } from "./device-state.js";
import type { DeviceNode } from "./device-state.js";
import { cutState, cutsOf } from "./forked-cuts.js";
import { FLASH_KINDS } from "./geometry.js";
import { KnownPages } from "./known-pages.js";
import { sessionsFrom } from "./possible-sessions.js";
import { StateKeys } from "./state-key.js";
import { createWorld } from "./world.js";

const SESSIONS = 40;
const PAIRS = 25;

/** What the abstraction claims, for some pairs of states that it takes for one. */
describe.each(FLASH_KINDS)("states with equal keys on %s", (flash) => {
  const world = createWorld({ profile: "small", flash, scenario: "any-firmware" });
  const known = new KnownPages(world.geometry, [world.factory, world.next]);
  const keys = new StateKeys(world.geometry, known, "closed");
  const exact = new StateKeys(world.geometry, known, "exact");
  /** Only then does the key leave out what code could see. */
  const areDifferent = (a: DeviceNode, b: DeviceNode): boolean =>
    exact.keyOf(a).high !== exact.keyOf(b).high;
  const keyOf = (node: DeviceNode): string => {
    const { high, low } = keys.keyOf(node);
    return `${high},${low}`;
  };

  /** Keys of everything that one session, with and without cuts, leads to. */
  const followers = (from: DeviceNode): { node: DeviceNode; key: string }[] => {
    const found: DeviceNode[] = [];
    for (const { session } of sessionsFrom(world, from, "closed")) {
      const { end, after } = session;
      if (end.kind === "reset") found.push({ state: after, entry: end.entry });
      for (const [number, step] of session.steps.entries()) {
        for (const cut of cutsOf(step.operation, number)) {
          if (cut.tear === "unstable" && keys.countUnstable(step.before) > 0) continue;
          found.push({ state: cutState(world.geometry, session, cut), entry: POWER_ON });
        }
      }
    }
    return found.map((node) => ({ node, key: keyOf(node) }));
  };

  it("lead to states with equal keys", () => {
    const random = createRandom(flash.length);
    const byKey = new Map<string, DeviceNode>([[keyOf(world.root), world.root]]);
    const pairs: (readonly [DeviceNode, DeviceNode])[] = [];
    let node = world.root;
    // A walk through many cuts, to states that have little in common with each other.
    for (let session = 0; session < SESSIONS; session++) {
      const next = followers(node);
      for (const { node: other, key } of next) {
        const twin = byKey.get(key);
        if (twin === undefined) byKey.set(key, other);
        else if (countUnstablePages(other.state) <= 1 && areDifferent(twin, other))
          pairs.push([twin, other]);
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
