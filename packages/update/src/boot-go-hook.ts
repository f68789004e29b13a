// SPDX-License-Identifier: Apache-2.0
import { BootCoordinator } from "./boot-coordinator.js";
import type { BootOptions } from "./boot-options.js";

/** What the hook needs to carry out a decision. */
export interface HookActions {
  /** Resets the chip; does not return. */
  readonly reset: () => never;
  /**
   * Nothing may start: serial recovery, or a halt. The watchdog of a trial runs on across a soft
   * reset and cannot be stopped: a recovery that waits for somebody has to feed it.
   */
  readonly recovery: (why: string) => void;
}

/**
 * `boot_go_hook` of MCUboot: runs the coordinator, then lets MCUboot validate and start the
 * primary image, resets, or refuses to start anything.
 */
export function createBootGoHook(
  options: BootOptions,
  actions: HookActions,
): () => "FIH_BOOT_HOOK_REGULAR" | "FIH_FAILURE" {
  return () => {
    const decision = new BootCoordinator(options).run();
    switch (decision.kind) {
      case "start":
        return "FIH_BOOT_HOOK_REGULAR";
      case "reset":
        return actions.reset();
      case "recovery":
        actions.recovery(decision.why);
        return "FIH_FAILURE";
      default:
        return decision satisfies never;
    }
  };
}
