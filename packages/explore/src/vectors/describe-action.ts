// SPDX-License-Identifier: Apache-2.0
import type { BootAction } from "./boot-vector.js";

/** An action as people read it; data by its length. */
export function describeAction(action: BootAction): string {
  switch (action.kind) {
    case "store-erase":
      return `store-erase block ${action.block}`;
    case "store-program":
      return `store-program page ${action.page}`;
    case "app-erase":
      return `app-erase 0x${action.address.toString(16)}`;
    case "app-write":
      return `app-write 0x${action.address.toString(16)} + ${action.data.length}`;
    case "net-version":
      return `net-version ${action.answer ?? "none"}`;
    case "net-copy":
      return `net-copy ${action.data.length} bytes ${action.answer}`;
    case "counter-raise":
      return `counter-raise ${action.value}`;
    case "net-off":
    case "pcd-clear":
    case "seal":
    case "watchdog-start":
    case "watchdog-feed":
      return action.kind;
    default:
      return action satisfies never;
  }
}
