// SPDX-License-Identifier: Apache-2.0
export type { AppScript, FirmwareScripts, NetScript } from "./firmware-script.js";
export { Nrf5340Twin } from "./nrf5340/device.js";
export type {
  BootOutcome,
  ChipWiring,
  TwinOptions,
  TwinState,
  TwinStorages,
} from "./nrf5340/device.js";
export { APP_SLOT, MEMORY_MAP, NET_SLOT, NRF5340_MAP } from "./nrf5340/memory-map.js";
export type { DeviceMap, FlashSlot } from "./nrf5340/memory-map.js";
export { provision } from "./nrf5340/provision.js";
export { selfTest } from "./nrf5340/running-application.js";
export type { RunningApplication, SelfTestResult } from "./nrf5340/running-application.js";
export type { Counters, KnownNetImage } from "./observer.js";
export { PowerSupply } from "./power-supply.js";
export type { PlannedCut } from "./power-supply.js";
export { McuReset } from "./signals.js";
export type { ResetReason } from "./signals.js";
