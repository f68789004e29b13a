// SPDX-License-Identifier: Apache-2.0
import type { FlashOperation } from "@tandem/flash";
import { PowerSupply } from "@tandem/twin";

import { TEAR_SEED, planCut } from "../session.js";
import type { CutPoint } from "../session.js";

/** The supply of one session: lists its operations, and goes where the cut says. */
export function supplyOf(cut: CutPoint | null, operations: FlashOperation[]): PowerSupply {
  const power = new PowerSupply({
    seed: TEAR_SEED,
    onOperation: (operation) => void operations.push(operation),
  });
  if (cut !== null) planCut(power, cut);
  return power;
}
