// SPDX-License-Identifier: Apache-2.0
import type { MemoCrypto } from "../memo-crypto.js";
import type { DeviceNode } from "../device-state.js";
import { POWER_ON } from "../device-state.js";
import type { FlashKind, ProfileName } from "../geometry.js";
import { runSession } from "../session.js";
import type { Session } from "../session.js";
import { createWorld } from "../world.js";
import type { World } from "../world.js";
import { isSplit } from "./compared-device.js";
import type { ComparedDevice, ComparedSession, HeldRelease } from "./compared-device.js";
import type { ComparedStory } from "./stories.js";

/** A device with Tandem, as the explorer has it. */
export interface TandemRow {
  readonly profile: ProfileName;
  readonly flash: FlashKind;
}

/** A device with Tandem's store, service and coordinator, which is offered the new release. */
export function tandemComparedDevice(
  row: TandemRow,
  story: Pick<ComparedStory, "scenario">,
  crypto: MemoCrypto,
): ComparedDevice {
  const world = createWorld({ ...row, scenario: story.scenario }, crypto);
  return standing(world, world.root);
}

function standing(world: World, node: DeviceNode): ComparedDevice {
  return {
    // Nothing goes in circles here without writing to the journal.
    key: null,
    runSession: (cut) => describe(world, runSession(world, node, { choices: null, cut })),
  };
}

function describe(world: World, session: Session): ComparedSession {
  const { end, steps, after, counters, events } = session;
  if (end.kind === "error") throw end.error;
  const cores = coresOf(world, session);
  return {
    operations: steps.map(({ operation }) => operation),
    end: end.kind,
    next: standing(world, { state: after, entry: end.kind === "reset" ? end.entry : POWER_ON }),
    isMixed:
      counters.mixedStarts + counters.unverifiedStarts > 0 ||
      (end.kind === "rest" && isSplit(cores)),
    cores,
    events: end.kind === "stopped" ? [...events, end.why] : events,
  };
}

/** Known for devices at rest: on the way there only starts of cores count. */
function coresOf({ factory, next }: World, { end }: Session): ComparedSession["cores"] {
  if (end.kind !== "rest") return [null, null];
  const releaseOf = (hash: string, image: number): HeldRelease => {
    if (hash === factory.hashes[image]) return "old";
    return hash === next.hashes[image] ? "new" : null;
  };
  const [app, net] = end.found.cores;
  return [releaseOf(app, 0), releaseOf(net, 1)];
}
