// SPDX-License-Identifier: Apache-2.0
import type { BootResult, BootStep } from "@tandem/mcuboot";

/** Steps that every boot has. */
const USUAL: ReadonlySet<BootStep["reason"]> = new Set([
  "status-source",
  "image-valid",
  "slot-empty",
]);

/** What MCUboot did, without what it does in every boot; nothing for a boot that was cut. */
export function bootEvents(boot: BootResult | null): string[] {
  return (boot?.steps ?? [])
    .filter((step) => !USUAL.has(step.reason) && !("swapType" in step && step.swapType === "none"))
    .map((step) => {
      const swapType = "swapType" in step ? ` ${step.swapType}` : "";
      const why = "why" in step ? ` ${step.why}` : "";
      return `MCUboot, image ${step.image}: ${step.reason}${swapType}${why} (${step.source})`;
    });
}
