// SPDX-License-Identifier: Apache-2.0
import { IMAGE_SITUATIONS } from "./image-situations.js";
import { NRF5340_SITUATIONS, PAIR_SITUATIONS, XIP_SITUATIONS } from "./set-situations.js";
import type { Situation } from "./situation.js";
import { SWAP_SITUATIONS } from "./swap-situations.js";

/** Every situation of docs/explain.md, in the order of its table. */
export const SITUATIONS: readonly Situation[] = [
  ...SWAP_SITUATIONS,
  ...IMAGE_SITUATIONS,
  ...PAIR_SITUATIONS,
  ...NRF5340_SITUATIONS,
  ...XIP_SITUATIONS,
];
