// SPDX-License-Identifier: Apache-2.0
import type { Found } from "./explorer.js";
import { NO_FAULTS, withOneLess } from "./faults.js";
import { replay } from "./replay.js";
import type { Edge } from "./trail.js";
import type { World } from "./world.js";

/** Leaves out what the violation does not need: sessions, and faults in those that stay. */
export function minimize(world: World, found: Found): Found {
  let best = found;
  for (let at = found.edges.length - 1; at >= 0; at--) {
    const { edges } = best;
    const edge = edges[at];
    if (edge === undefined) continue;
    const without = edges.filter((_, index) => index !== at);
    const quieter = quieterThan(edge).map((one) => edges.with(at, one));
    for (const fewer of [without, ...quieter]) {
      const shown = violationOf(world, fewer, found);
      if (shown === null) continue;
      best = shown;
      break;
    }
  }
  return best;
}

/** The session without all of its faults, and without each of them. */
function quieterThan(edge: Edge): readonly Edge[] {
  const { faults, cut } = edge;
  const uncut = cut === null ? [] : [{ ...edge, cut: null }];
  const fewer = withOneLess(faults).map((left) => ({ ...edge, faults: left }));
  const count = uncut.length + fewer.length;
  const quiet = count > 1 ? [{ ...edge, faults: NO_FAULTS, cut: null }] : [];
  return [...quiet, ...uncut, ...fewer];
}

/** The first violation of the same invariant that these sessions show. */
function violationOf(world: World, edges: readonly Edge[], like: Found): Found | null {
  let number = 0;
  for (const { violations } of replay(world, edges)) {
    number += 1;
    const same = violations.find(({ invariant }) => invariant === like.invariant);
    if (same !== undefined) return { ...same, edges: edges.slice(0, number) };
  }
  return null;
}
