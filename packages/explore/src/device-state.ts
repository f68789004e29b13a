// SPDX-License-Identifier: Apache-2.0
import type { MemoryStorage } from "@tandem/flash";
import type { ResetReason } from "@tandem/twin";

/** Everything of a device that outlives a loss of power. */
export interface DeviceState {
  readonly nand: MemoryStorage;
  readonly appFlash: MemoryStorage;
  readonly netFlash: MemoryStorage;
  readonly securityCounter: number;
}

/** What begins a session: power came back, or the chip was reset while it stayed on. */
export interface Entry {
  readonly reason: ResetReason;
  /** The watchdog runs on across a soft reset. */
  readonly watchdogRuns: boolean;
}

export const POWER_ON: Entry = { reason: "power-on", watchdogRuns: false };

/** A device between two sessions: one node of the graph that is explored. */
export interface DeviceNode {
  readonly state: DeviceState;
  readonly entry: Entry;
}

/** An independent copy, at constant cost. */
export function forkState(state: DeviceState): DeviceState {
  return {
    nand: state.nand.fork(),
    appFlash: state.appFlash.fork(),
    netFlash: state.netFlash.fork(),
    securityCounter: state.securityCounter,
  };
}

/** Pages of all memories whose reads differ from time to time. */
export function countUnstablePages({ nand, appFlash, netFlash }: DeviceState): number {
  return [nand, appFlash, netFlash].reduce(
    (sum, { medium }) => sum + medium.unstablePages().length,
    0,
  );
}
