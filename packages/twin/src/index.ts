// SPDX-License-Identifier: Apache-2.0
export type { AppScript, FirmwareScripts, NetScript } from "./firmware-script.js";
export { NcsApplication } from "./ncs/ncs-application.js";
export type { Mark, MarkAnswer } from "./ncs/ncs-application.js";
export { ncsBuild } from "./ncs/ncs-build.js";
export type { NcsBuild, NcsBuildOptions } from "./ncs/ncs-build.js";
export { NcsNrf5340 } from "./ncs/ncs-device.js";
export type { NcsBootOutcome, NcsDeviceOptions, NcsState, NcsStorages } from "./ncs/ncs-device.js";
export { ncsLayout } from "./ncs/ncs-layout.js";
export type { NcsFlash, NcsLayout, NcsMode, NcsSlot, NetUpdate } from "./ncs/ncs-layout.js";
export { NETWORK_CORE_IMAGE, nrf53BootHooks } from "./ncs/nrf53-hooks.js";
export type { Nrf53BootHooksOptions } from "./ncs/nrf53-hooks.js";
export { knowRelease, provisionNcs } from "./ncs/provision-ncs.js";
export type { NcsRelease } from "./ncs/provision-ncs.js";
export { SDK_BEHAVIOURS, behavioursOf } from "./ncs/sdk-behaviours.js";
export type { SdkBehaviour, SdkBehaviourRow } from "./ncs/sdk-behaviours.js";
export { SerialRecovery } from "./ncs/serial-recovery.js";
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
export type { Counters, KnownNetImage, ReleasePair } from "./observer.js";
export { PowerSupply } from "./power-supply.js";
export type { PlannedCut } from "./power-supply.js";
export { McuReset, RESETREAS } from "./signals.js";
export type { ResetReason } from "./signals.js";
