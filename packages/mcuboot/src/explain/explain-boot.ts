// SPDX-License-Identifier: Apache-2.0
import { formatVersion } from "@tandem/image";

import { resolveBootConfig } from "../boot-config.js";
import type { ResolvedBootConfig } from "../boot-config.js";
import type { BootFlashArea } from "../boot-flash-area.js";
import type { BootResult, ImageDecision, SlotName } from "../boot-result.js";
import type { FlashBoard } from "../flash-board.js";
import { explainStep } from "./explain-step.js";
import type { Finding } from "./finding.js";
import { outlook } from "./outlook.js";
import type { StepContext } from "./step-context.js";
import { readSlotFacts } from "./slot-facts.js";
import type { SlotFacts } from "./slot-facts.js";

/** What one boot does, in words. */
export interface ExplainedBoot {
  /** What the trailers asked for and what was done, per image. */
  readonly decisions: readonly ImageDecision[];
  /** Every step of the boot in its order. */
  readonly findings: readonly Finding[];
  /** The image that starts; null when nothing does. */
  readonly starts: { readonly slot: SlotName; readonly version: string } | null;
  /** The last finding, when nothing starts. */
  readonly why: Finding | null;
  /** Writes and erases of flash. */
  readonly operations: number;
  /** The slots after this boot. */
  readonly slots: readonly SlotFacts[];
}

/** What MCUboot will do with the flash of a board, and why. */
export interface Explanation {
  /** The slots as they stand now. */
  readonly slots: readonly SlotFacts[];
  /** The next two boots, if the application between them does nothing. */
  readonly boots: readonly [ExplainedBoot, ExplainedBoot];
  /** What follows from both boots together. */
  readonly outlook: readonly Finding[];
}

/** Explains the next two boots of a board; runs them on a fork and leaves the board alone. */
export function explainBoot(board: FlashBoard): Explanation {
  const fork = board.fork();
  const config = resolveBootConfig(fork.bootOptions.config);
  const slots = readSlots(fork, config);
  const first = explainNext(fork, config, slots);
  const second = explainNext(fork, config, first.slots);
  const boots = [first, second] as const;
  return { slots, boots, outlook: outlook(boots, { config, slots, board }) };
}

/** What the explanation of a step needs to know of the board, before its boot. */
export function stepContext(board: FlashBoard): StepContext {
  const config = resolveBootConfig(board.bootOptions.config);
  return { config, hasKeys: hasKeys(board), slots: readSlots(board, config) };
}

function explainNext(
  board: FlashBoard,
  config: ResolvedBootConfig,
  slots: readonly SlotFacts[],
): ExplainedBoot {
  const result = board.boot();
  const context = { config, slots, hasKeys: hasKeys(board) };
  const findings = result.steps.map((step) => explainStep(step, context));
  return {
    decisions: result.decisions,
    findings,
    starts: startsOf(result),
    why: result.kind === "none" ? explainStep(result.why, context) : null,
    operations: board.operations.count,
    slots: readSlots(board, config),
  };
}

function hasKeys({ bootOptions }: FlashBoard): boolean {
  return (bootOptions.keys ?? []).length > 0;
}

function startsOf(result: BootResult): ExplainedBoot["starts"] {
  if (result.kind === "none") return null;
  return { slot: result.slot, version: formatVersion(result.header.version) };
}

/** Every slot of the board, and the scratch area behind them. */
function readSlots(board: FlashBoard, config: ResolvedBootConfig): SlotFacts[] {
  const { images, scratch } = board.bootOptions;
  const facts = images.flatMap(({ primary, secondary }, image) => {
    const found = [readSlotFacts(primary, { image, slot: "primary", config, imageOffset: 0 })];
    if (secondary !== undefined) {
      const imageOffset = config.mode === "offset" ? firstSectorSize(secondary) : 0;
      found.push(readSlotFacts(secondary, { image, slot: "secondary", config, imageOffset }));
    }
    return found;
  });
  if (scratch !== undefined) {
    facts.push(readSlotFacts(scratch, { image: 0, slot: "scratch", config, imageOffset: 0 }));
  }
  return facts;
}

function firstSectorSize(area: BootFlashArea): number {
  return area.sectors[0]?.size ?? 0;
}
