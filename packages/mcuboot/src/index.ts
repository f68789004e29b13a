// SPDX-License-Identifier: Apache-2.0
export { FihResult } from "./hooks.js";
export type { BootHooks } from "./hooks.js";
export { bootGo } from "./single-slot.js";
export type { BootResponse, SingleSlotOptions } from "./single-slot.js";
