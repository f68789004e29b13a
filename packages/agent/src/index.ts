// SPDX-License-Identifier: Apache-2.0
export type { RetryNotice } from "./attempt.js";
export { downloadRelease } from "./download-release.js";
export type {
  DownloadEvent,
  DownloadOptions,
  DownloadProgress,
  DownloadReport,
} from "./download-release.js";
export type { DownloadTarget } from "./download-target.js";
export { healRelease } from "./heal-release.js";
export type { HealOptions, HealReport, PlacedRange } from "./heal-release.js";
export type { HealTarget, LostOrigin, LostRange } from "./heal-target.js";
export type { Timeouts } from "./https-connection.js";
export type { ServerOptions } from "./release-client.js";
export type { RetryOptions } from "./retry.js";
