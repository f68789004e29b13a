// SPDX-License-Identifier: Apache-2.0
import { Explorer } from "../../explorer.js";
import type { Found } from "../../explorer.js";
import { checkLiveness } from "../../liveness.js";
import { StateSet } from "../../state-set.js";
import { formatLine } from "../../trail.js";
import { createWorld } from "../../world.js";
import type { WorldName } from "../../world.js";
import { huntOtherFault } from "./other-faults.js";
import type { Catch, Hunt } from "./plant.js";

/** Sessions after which a bug counts as not found. */
export const MAX_SESSIONS = 20_000;

const MAX_STATES = 1_000_000;

/** Explores until the first violation. */
export function hunt(order: Hunt): Catch {
  const name: WorldName = { profile: "small", flash: order.flash, scenario: order.scenario };
  return order.fault === "cuts"
    ? huntCuts(name, order)
    : huntOtherFault(createWorld(name), order.fault, MAX_SESSIONS);
}

function huntCuts(name: WorldName, { depth, firstOperations }: Hunt): Catch {
  const found: Found[] = [];
  const explorer = new Explorer({
    world: createWorld(name),
    seen: new StateSet(MAX_STATES),
    depth,
    tears: depth === 1 ? "all" : "distinct",
    maxUnstable: firstOperations === undefined ? 1 : depth,
    ...(firstOperations === undefined ? {} : { firstOperations }),
    onFound: (one) => found.push(one),
  });
  const { figures } = explorer;
  let isLeft = true;
  while (found.length === 0 && isLeft && figures.sessions < MAX_SESSIONS) isLeft = explorer.step();
  const { sessions } = figures;
  const [first] = found;
  if (first !== undefined) {
    const kinds = new Map(found.map(({ invariant, text }) => [invariant, { invariant, text }]));
    const violations = [...kinds.values()];
    return { violations, sessions, line: formatLine(name, first.edges) };
  }
  const { goesInCircles } = checkLiveness([explorer.links]);
  const circle = { invariant: "I4", text: "sessions without a fault go in circles" } as const;
  return { violations: goesInCircles ? [circle] : [], sessions, line: null };
}
