// SPDX-License-Identifier: Apache-2.0
import type { Found } from "./explorer.js";
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
    const quiet = edges.map((other, index) => (index === at ? { ...other, cut: null } : other));
    for (const fewer of edge.cut === null ? [without] : [without, quiet]) {
      const shown = violationOf(world, fewer, found);
      if (shown === null) continue;
      best = shown;
      break;
    }
  }
  return best;
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
