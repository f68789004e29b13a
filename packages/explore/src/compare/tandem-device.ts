// SPDX-License-Identifier: Apache-2.0
import { toHex } from "@tandem/base";
import { verifyImage } from "@tandem/image";

import type { DeviceNode, DeviceState } from "../device-state.js";
import { POWER_ON, forkState } from "../device-state.js";
import type { FlashKind, ProfileName } from "../geometry.js";
import type { MemoCrypto } from "../memo-crypto.js";
import { TRUSTED_KEY } from "../releases.js";
import { runSession } from "../session.js";
import type { Session } from "../session.js";
import { createTwin, createWorld } from "../world.js";
import type { World } from "../world.js";
import { isSplit } from "./compared-device.js";
import type {
  ComparedDevice,
  ComparedSession,
  HeldByCores,
  HeldRelease,
} from "./compared-device.js";
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
  const isMixed = counters.mixedStarts + counters.unverifiedStarts > 0;
  return {
    operations: steps.map(({ operation }) => operation),
    end: end.kind,
    next: standing(world, { state: after, entry: end.kind === "reset" ? end.entry : POWER_ON }),
    isMixed: isMixed || (end.kind === "rest" && isSplit(coresOf(world, session))),
    // Asked for by those who look at a single life.
    get cores() {
      return coresOf(world, session);
    },
    events: end.kind === "stopped" ? [...events, end.why] : events,
  };
}

function coresOf(world: World, { end, after }: Session): HeldByCores {
  const { factory, next } = world;
  const releaseOf = (hash: string, image: number): HeldRelease => {
    if (hash === factory.hashes[image]) return "old";
    return hash === next.hashes[image] ? "new" : null;
  };
  const [app, net] = end.kind === "rest" ? end.found.cores : hashesIn(world, after);
  return [releaseOf(app, 0), releaseOf(net, 1)];
}

/** Image hashes of what both cores hold; empty: nothing that is whole. */
function hashesIn(world: World, state: DeviceState): readonly [string, string] {
  const twin = createTwin(world, forkState(state));
  const verdict = verifyImage(twin.primarySlot, { crypto: world.crypto, keys: [TRUSTED_KEY] });
  const net = twin.observer.identifyNet(twin.readNetSlot());
  return [verdict.ok ? toHex(verdict.facts.hash) : "", net === null ? "" : toHex(net.imageHash)];
}
