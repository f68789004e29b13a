// SPDX-License-Identifier: Apache-2.0
import {
  automaticSectors,
  codePartition,
  mappedPartitions,
  mergedNodes,
  slotsDiffer,
  writeBlocks,
} from "./devicetree.js";
import { defaultKey, publishedKey, unsigned } from "./keys.js";
import { knownIssues } from "./known-issues.js";
import {
  badBlockReserve,
  eraseBlocks,
  nandOnQspi,
  needsMapping,
  noScrub,
  slotOnNand,
} from "./nand.js";
import {
  externalWithoutMultiImage,
  modeContradiction,
  multiImageWithSwap,
  revertExpected,
  twoModes,
} from "./net-core-update.js";
import { malformedLine, secureRam, unmetDependency, wrongPrefix } from "./options.js";
import { beyondMemory, overlap } from "./overlap.js";
import {
  headerSize,
  imageTooLarge,
  impossibleDependency,
  networkVersion,
  swapRoom,
  wrongCore,
} from "./package-images.js";
import {
  deprecatedPm,
  duplicateName,
  incompleteEntry,
  padSize,
  spanMismatch,
  staticGaps,
  unusedLayout,
} from "./partition-manager.js";
import { fprotectOff, pcdAlignment, pcdDiffers, pcdNotFixed, protectionUnit } from "./pcd.js";
import type { Rule } from "./rule.js";
import {
  networkPrimary,
  partitionAlignment,
  ramFlashSize,
  sectorCount,
  slotAlignment,
  slotSizes,
  slotWithoutPair,
} from "./slots.js";
import { networkDowngrade, networkVersionDefault, networkVersionReader } from "./versions.js";

/** Every rule, in the order of docs/check.md. */
export const RULES: readonly Rule[] = [
  multiImageWithSwap,
  externalWithoutMultiImage,
  revertExpected,
  overlap,
  beyondMemory,
  partitionAlignment,
  slotSizes,
  slotAlignment,
  networkPrimary,
  ramFlashSize,
  slotWithoutPair,
  sectorCount,
  writeBlocks,
  duplicateName,
  incompleteEntry,
  spanMismatch,
  staticGaps,
  padSize,
  unusedLayout,
  deprecatedPm,
  pcdNotFixed,
  pcdAlignment,
  pcdDiffers,
  protectionUnit,
  fprotectOff,
  secureRam,
  modeContradiction,
  twoModes,
  unmetDependency,
  wrongPrefix,
  malformedLine,
  mappedPartitions,
  mergedNodes,
  slotsDiffer,
  codePartition,
  automaticSectors,
  publishedKey,
  defaultKey,
  unsigned,
  imageTooLarge,
  impossibleDependency,
  headerSize,
  wrongCore,
  networkVersion,
  swapRoom,
  networkVersionReader,
  networkDowngrade,
  networkVersionDefault,
  nandOnQspi,
  slotOnNand,
  eraseBlocks,
  badBlockReserve,
  needsMapping,
  noScrub,
  ...knownIssues,
];
