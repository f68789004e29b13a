// SPDX-License-Identifier: Apache-2.0
export { openFileStorage } from "./file-storage.js";
export type { FileStorage } from "./file-storage.js";
