// SPDX-License-Identifier: Apache-2.0
import { PeerError } from "@tandem/base";
import type { ImageVersion } from "@tandem/image";
import type { BootOutcome, Nrf5340Twin, RunningApplication } from "@tandem/twin";

import type { Context } from "../context.js";
import type { TwinDirectory } from "./twin-directory.js";

/** Resets a running device, or gives power to one that is off, until an application runs. */
export function bootDevice(twin: Nrf5340Twin, isRunning: boolean): BootOutcome {
  return twin.bootToApplication(isRunning ? twin.reset("soft") : twin.powerOn());
}

/** Marks the device as off until its state is saved, and has its application run. */
export function startWork(directory: TwinDirectory, context: Context): RunningApplication {
  const running = directory.isRunning ? { netVersion: directory.netVersion } : null;
  directory.beginWork();
  if (running === null) context.err("the device is off: booting it first\n");
  return runningApplication(directory.twin, running);
}

/**
 * The application of a device: the one that runs already, or the one that a boot starts.
 * @throws {PeerError} twin/stopped when the device starts nothing
 */
function runningApplication(
  twin: Nrf5340Twin,
  running: { readonly netVersion: ImageVersion | null } | null,
): RunningApplication {
  const attached = running === null ? null : twin.attach(running.netVersion);
  if (attached !== null) return attached;
  const outcome = bootDevice(twin, false);
  if (outcome.kind === "application") return outcome.app;
  const why = outcome.kind === "stopped" ? outcome.why : outcome.kind;
  throw new PeerError("twin/stopped", `the device does not start: ${why}`);
}
