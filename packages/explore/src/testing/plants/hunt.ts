// SPDX-License-Identifier: Apache-2.0
import { InternalError } from "@tandem/base";

import { POWER_ON } from "../../device-state.js";
import type { DeviceNode } from "../../device-state.js";
import { Explorer } from "../../explorer.js";
import type { Found } from "../../explorer.js";
import { FAULT_KINDS } from "../../faults.js";
import type { FaultKind } from "../../faults.js";
import { checkLiveness } from "../../liveness.js";
import { runSession } from "../../session.js";
import { StateSet } from "../../state-set.js";
import { formatLine } from "../../trail.js";
import { createTwin, createWorld } from "../../world.js";
import type { World, WorldName } from "../../world.js";
import { huntOtherFault } from "./other-faults.js";
import type { Catch, ExploredFault, Hunt } from "./plant.js";

/** Sessions after which a bug counts as not found. */
export const MAX_SESSIONS = 20_000;

const MAX_STATES = 1_000_000;

/** Explores until the first violation. */
export function hunt(order: Hunt): Catch {
  const { flash, scenario, fault } = order;
  const name: WorldName = { profile: "small", flash, scenario };
  const world = createWorld(name);
  if (!isExplored(fault)) return huntOtherFault(world, fault, MAX_SESSIONS);
  const faults: readonly FaultKind[] = fault === "decay-and-cuts" ? ["decay", "cuts"] : [fault];
  if (order.afterRefusal !== true) return huntFaults(name, world, { ...order, faults });
  const refusing = createWorld({ ...name, scenario: "damaged" }, world.crypto);
  const root = afterRefusal(refusing);
  const caught = huntFaults(name, { ...world, root }, { ...order, faults });
  // A line begins with the root of its world.
  return { ...caught, line: null };
}

/** The device once it has refused the world's release, and dropped it. */
function afterRefusal(world: World): DeviceNode {
  const { end, after } = runSession(world, world.root);
  if (end.kind !== "rest")
    throw new InternalError("explore/plant", `a refusal ends in ${end.kind}`);
  const twin = createTwin(world, after);
  twin.createService(twin.mountStore()).clean();
  return { state: after, entry: POWER_ON };
}

function isExplored(fault: Hunt["fault"]): fault is ExploredFault {
  return fault === "decay-and-cuts" || FAULT_KINDS.some((kind) => kind === fault);
}

function huntFaults(
  name: WorldName,
  world: World,
  { depth, firstOperations, faults }: Hunt & { readonly faults: readonly FaultKind[] },
): Catch {
  const found: Found[] = [];
  const explorer = new Explorer({
    world,
    seen: new StateSet(MAX_STATES),
    depth,
    faults,
    tears: depth === 1 ? "all" : "distinct",
    maxUnstable: firstOperations === undefined ? 1 : depth,
    precision: "exact",
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
