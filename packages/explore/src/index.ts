// SPDX-License-Identifier: Apache-2.0
export { MODES, explore } from "./exploration.js";
export type {
  ExplorationOptions,
  ExplorationProgress,
  ExplorationReport,
  Finding,
  Mode,
} from "./exploration.js";
export { FLASH_KINDS, PROFILE_NAMES } from "./geometry.js";
export type { FlashKind, ProfileName } from "./geometry.js";
export { describeSession, replay } from "./replay.js";
export type { ReplayedSession } from "./replay.js";
export { SCENARIOS } from "./scenario.js";
export { parseLine } from "./trail.js";
export { createWorld } from "./world.js";
export type { World, WorldName } from "./world.js";
