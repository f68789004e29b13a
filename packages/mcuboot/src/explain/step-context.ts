// SPDX-License-Identifier: Apache-2.0
import type { ResolvedBootConfig } from "../boot-config.js";
import type { BootReason, SlotName } from "../boot-result.js";
import type { SlotFacts } from "./slot-facts.js";

/** Reasons by their names. */
export type ReasonOf<R extends BootReason["reason"]> = Extract<BootReason, { reason: R }>;

/** What the explanation of a step may look at beside the step. */
export interface StepContext {
  readonly config: ResolvedBootConfig;
  /** MCUboot has keys, and checks signatures. */
  readonly hasKeys: boolean;
  /** The slots as the boot found them. */
  readonly slots: readonly SlotFacts[];
}

/** True for the modes that keep the image that ran before. */
export function isSwapMode({ mode }: ResolvedBootConfig): boolean {
  return mode === "scratch" || mode === "move" || mode === "offset";
}

/** The slot of an image as the boot found it. */
export function slotOf(
  { slots }: StepContext,
  image: number,
  slot: SlotName,
): SlotFacts | undefined {
  return slots.find((facts) => facts.image === image && facts.slot === slot);
}

/** `1.2.3`, or what stands there instead of an image. */
export function versionOf(facts: SlotFacts | undefined): string {
  if (facts === undefined) return "no slot";
  return facts.header?.version ?? (facts.isBlank ? "nothing" : "no image");
}
