// SPDX-License-Identifier: Apache-2.0
export { compare, describeLeft } from "./compare/compare.js";
export type {
  CompareOptions,
  CompareProgress,
  ComparedRowResult,
  ComparisonReport,
} from "./compare/compare.js";
export { parseLife } from "./compare/cut-line.js";
export { describeRelived, relive } from "./compare/relive.js";
export { COMPARED_ROWS } from "./compare/rows.js";
export { COMPARED_STORIES } from "./compare/stories.js";
export { FAILURES, FAILURE_NAMES } from "./compare/sweep-story.js";
export type { Failure, StorySweep } from "./compare/sweep-story.js";
export { RECORD_STATES, STEPS } from "./coverage.js";
export type { Coverage, CoverageCell } from "./coverage.js";
export { DEFAULT_FAULTS, MODES, explore } from "./exploration.js";
export type {
  ExplorationOptions,
  ExplorationProgress,
  ExplorationReport,
  Finding,
  Mode,
} from "./exploration.js";
export { FAULT_KINDS } from "./faults.js";
export type { FaultCounts, FaultKind } from "./faults.js";
export { FLASH_KINDS, PROFILE_NAMES } from "./geometry.js";
export type { FlashKind, ProfileName } from "./geometry.js";
export { JobRunner } from "./job.js";
export { checkVectors, makeVectors } from "./vectors/vectors.js";
export type { MadeVectors, VectorCheck, VectorOptions } from "./vectors/vectors.js";
export { walkAtRandom } from "./random-walk.js";
export type { RandomWalkOptions, RandomWalkProgress, RandomWalkReport } from "./random-walk.js";
export { describeSession, replay } from "./replay.js";
export type { ReplayedSession } from "./replay.js";
export { renderComparison } from "./report/comparison-page.js";
export { renderExploration } from "./report/exploration-page.js";
export { outlineStories } from "./report/story-outline.js";
export { SCENARIOS } from "./scenario.js";
export { StateSet } from "./state-set.js";
export { parseLine } from "./trail.js";
export { createWorld } from "./world.js";
export type { World, WorldName } from "./world.js";
