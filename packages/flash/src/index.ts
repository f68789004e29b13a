// SPDX-License-Identifier: Apache-2.0
export { flashArea } from "./flash-area.js";
export type { FlashArea } from "./flash-area.js";
export { NandChip } from "./nand-chip.js";
export type { NandChipOptions } from "./nand-chip.js";
export { W25N01GV } from "./nand-profile.js";
export type { NandProfile } from "./nand-profile.js";
export { NorChip, NRF5340_APP_FLASH, NRF5340_NET_FLASH } from "./nor-chip.js";
export type { NorChipOptions, NorProfile } from "./nor-chip.js";
export type { PagedFlash, PageRead } from "./paged-flash.js";
export { MemoryStorage } from "./page-storage.js";
export type { PageStorage } from "./page-storage.js";
export { NO_CLOCK, PowerLoss, STEADY_POWER } from "./power.js";
export type { Cut, FlashOperation, ModelClock, Power, RuleViolation } from "./power.js";
