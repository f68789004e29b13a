// SPDX-License-Identifier: Apache-2.0
import { PeerError } from "@tandem/base";
import type { ImageVersion } from "@tandem/image";
import type { BootOutcome, Nrf5340Twin, RunningApplication } from "@tandem/twin";

/** Resets a running device, or gives power to one that is off, until an application runs. */
export function bootDevice(twin: Nrf5340Twin, isRunning: boolean): BootOutcome {
  return twin.bootToApplication(isRunning ? twin.reset("soft") : twin.powerOn());
}

/**
 * The application of a device: the one that runs already, or the one that a boot starts.
 * @throws {PeerError} twin/stopped when the device starts nothing
 */
export function runningApplication(
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
