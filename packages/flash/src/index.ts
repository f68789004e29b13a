// SPDX-License-Identifier: Apache-2.0
export { flashArea } from "./flash-area.js";
export type { FlashArea } from "./flash-area.js";
export { MediumState } from "./medium-state.js";
export type { BlockState, MediumJson, PageState } from "./medium-state.js";
export { NandChip } from "./nand-chip.js";
export type { NandChipOptions, NandSnapshot } from "./nand-chip.js";
export type { NandCells } from "./nand-cells.js";
export type { NandPhysics } from "./nand-physics.js";
export { FEATURE, STATUS } from "./nand-registers.js";
export type { NandRegisters } from "./nand-registers.js";
export { SPIM_HZ, nandOn } from "./nand-profile.js";
export type {
  BadBlockMark,
  FigureSource,
  NandEcc,
  NandProfile,
  NandTiming,
  SpareLayout,
  SpareRegion,
} from "./nand-profile.js";
export {
  GD5F1GQ5,
  MT29F1G01,
  NAND_PROFILES,
  TC58CVG,
  W25N01GV,
  W25N512GV,
} from "./nand-profiles.js";
export {
  detectDumpLayout,
  DUMP_LAYOUTS,
  dumpBytes,
  dumpOf,
  layoutsOfSize,
  loadDump,
  saveDump,
} from "./dump.js";
export type { DumpLayout, DumpSource } from "./dump.js";
export { NorChip } from "./nor-chip.js";
export type { NorChipOptions } from "./nor-chip.js";
export { NorPages } from "./nor-pages.js";
export { MX25R6435F, NRF5340_APP_FLASH, NRF5340_NET_FLASH } from "./nor-profile.js";
export type { NorProfile } from "./nor-profile.js";
export type { PagedFlash, PageRead } from "./paged-flash.js";
export { MemoryStorage } from "./page-storage.js";
export type { PageStorage } from "./page-storage.js";
export { ERASE_TEARS, NO_CLOCK, PowerLoss, PROGRAM_TEARS, STEADY_POWER, tearsOf } from "./power.js";
export type {
  Cut,
  EraseTear,
  FlashOperation,
  ModelClock,
  Power,
  ProgramTear,
  RuleViolation,
  Tear,
} from "./power.js";
