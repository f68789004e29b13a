// SPDX-License-Identifier: Apache-2.0
export { BOOT_MODES, UNSUPPORTED_MODES, resolveBootConfig } from "./boot-config.js";
export type { BootConfig, BootMode, ResolvedBootConfig } from "./boot-config.js";
export { bootFlashArea } from "./boot-flash-area.js";
export type { BootFlashArea, FlashSector } from "./boot-flash-area.js";
export { bootGo } from "./boot-go.js";
export type { BootOptions, ImageAreas } from "./boot-options.js";
export type {
  BootEnds,
  BootReason,
  BootResult,
  BootStarts,
  BootStep,
  ImageDecision,
  IncompatibleSlots,
  InvalidImage,
  SlotName,
} from "./boot-result.js";
export {
  BOOT_EBADIMAGE,
  BOOT_EBADVECT,
  BOOT_EFLASH,
  bootSetConfirmed,
  bootSetNext,
  bootSetPending,
  bootSwapType,
  readSwapState,
  swapEraseTrailerSectors,
} from "./bootutil-public.js";
export { dryRunBoot } from "./dry-run.js";
export type { DryRun } from "./dry-run.js";
export { explainBoot, stepContext } from "./explain/explain-boot.js";
export type { ExplainedBoot, Explanation } from "./explain/explain-boot.js";
export { explainStep } from "./explain/explain-step.js";
export type { Finding, Severity } from "./explain/finding.js";
export type { HeaderFacts, SlotFacts, TlvFacts, TrailerFacts } from "./explain/slot-facts.js";
export { FlashBoard } from "./flash-board.js";
export type { BoardArea, BoardDevice, FlashBoardOptions } from "./flash-board.js";
export { BOOT_HOOK_REGULAR, FihResult } from "./hooks.js";
export type { BootHooks, SlotIndex } from "./hooks.js";
export type { SecurityCounterPort } from "./security-counter.js";
export { FlashOperations, SimpleFlash } from "./simple-flash.js";
export type { SimpleFlashOptions, SimpleFlashSnapshot } from "./simple-flash.js";
export { bootGoSingleSlot } from "./single-slot.js";
export type { SingleSlotOptions, SingleSlotResponse } from "./single-slot.js";
export { addSweepCounts, countSweepPoints, runSweep } from "./sweep/sweep.js";
export type { SweepCounts, SweepPart } from "./sweep/sweep.js";
export { SWEEP_MODES } from "./sweep/sweep-options.js";
export type { SweepFlip, SweepMode, SweepOptions } from "./sweep/sweep-options.js";
export {
  BOOT_SWAP_TYPE_FAIL,
  BOOT_SWAP_TYPE_NONE,
  BOOT_SWAP_TYPE_PANIC,
  BOOT_SWAP_TYPE_PERM,
  BOOT_SWAP_TYPE_REVERT,
  BOOT_SWAP_TYPE_TEST,
  swapTypeName,
} from "./swap-types.js";
export type { SwapTypeName } from "./swap-types.js";
export type { FlagState, MagicState, SwapState } from "./trailer.js";
