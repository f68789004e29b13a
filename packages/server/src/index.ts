// SPDX-License-Identifier: Apache-2.0
export type { Publication, PublishedRelease, RefusedRelease, ReleaseCheck } from "./publish.js";
export { createReleaseCheck } from "./release-check.js";
export type { LoadedRelease, PublishedFile, ReleaseFinding } from "./release-directory.js";
export { createReleaseServer } from "./release-server.js";
export type { ReleaseServer, ReleaseServerOptions, ServerEvent } from "./release-server.js";
