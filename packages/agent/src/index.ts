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
export type { Timeouts } from "./https-connection.js";
export type { RetryOptions } from "./retry.js";
