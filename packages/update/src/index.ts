// SPDX-License-Identifier: Apache-2.0
export { BootCoordinator, MAX_INSTALL_ATTEMPTS, TRIAL_BOOTS } from "./boot-coordinator.js";
export type { BootDecision, BootEvent, BootOptions, BootPorts } from "./boot-coordinator.js";
export { createBootGoHook } from "./boot-go-hook.js";
export type { HookActions } from "./boot-go-hook.js";
export type { CoreInstaller, InstallResult } from "./core-installer.js";
export { FlashCore } from "./flash-core.js";
export type { LostOrigin } from "./lost-origin.js";
export { MARKER_ENTRY_BYTES, Marker, decodeMarkerEntry } from "./marker.js";
export type { MarkerKind, MarkerState } from "./marker.js";
export { PcdCore } from "./pcd-core.js";
export type { PcdPort, PcdStatus } from "./pcd-core.js";
export { describeReason } from "./reason.js";
export type { Reason, ReasonCode, ReasonStep } from "./reason.js";
export type { StoredRelease } from "./stored-release.js";
export type { Trust } from "./trust.js";
export { UpdateService } from "./update-service.js";
export type { FinishVerdict, UpdateServiceOptions, UpdateStatus } from "./update-service.js";
export type { ImageSlot } from "./verify-bank.js";
