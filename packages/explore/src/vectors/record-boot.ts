// SPDX-License-Identifier: Apache-2.0
import { InternalError } from "@tandem/base";
import { flashArea } from "@tandem/flash";
import { McuReset, RESETREAS } from "@tandem/twin";

import { forkState } from "../device-state.js";
import type { DeviceNode } from "../device-state.js";
import { createTwin } from "../world.js";
import type { World } from "../world.js";
import { runBoot } from "./boot-run.js";
import type { BootAction, BootVector } from "./boot-vector.js";
import { badBlocksOf, dumpDevice } from "./dump-device.js";

/** Boots a device of the twin, with b0n behind PCD; the node itself stays as it is. */
export function recordBoot(world: World, node: DeviceNode, name: readonly string[]): BootVector {
  const { geometry } = world;
  const { entry } = node;
  const state = forkState(node.state);
  const twin = createTwin(world, state, { unstableReads: () => true });
  if (entry.watchdogRuns) twin.clock.startWatchdog();
  const { appFlash, slots, trust } = twin;
  const pcd = twin.createPcdPort();
  const actions: BootAction[] = [];
  const device = {
    store: twin.storeFlash,
    appFlash: flashArea(appFlash, 0, appFlash.profile.sizeBytes),
    pcd,
    counter: {
      read: (): number => twin.securityCounter,
      raise: (value: number): void => twin.raiseSecurityCounter(value),
    },
    watchdog: {
      start: (): void => twin.clock.startWatchdog(),
      feed: (): void => twin.clock.feedWatchdog(),
    },
    seal: (): void => pcd.lock(),
    resetReason: RESETREAS[entry.reason],
  };
  try {
    const decision = runBoot({ geometry, slots, trust }, device, (action) => actions.push(action));
    const after = { ...state, securityCounter: twin.securityCounter };
    return {
      name,
      resetReason: RESETREAS[entry.reason],
      isWatchdogRunning: entry.watchdogRuns,
      before: dumpDevice(geometry, node.state),
      badBlocks: badBlocksOf(geometry, node.state.nand.fork()),
      actions,
      decision,
      after: dumpDevice(geometry, after),
    };
  } catch (error) {
    if (error instanceof McuReset) {
      throw new InternalError("explore/vector", `${name.join(" ")}: ${error.message} in a boot`);
    }
    throw error;
  }
}
