// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import type { Cut, FlashOperation, Power } from "@tandem/flash";

/** Where power is to go: the first operation for which `matches` holds, after `skip` others. */
export interface PlannedCut {
  readonly when: Cut["when"];
  readonly matches: (operation: FlashOperation) => boolean;
  /** Matching operations that pass before the cut; default: none. */
  readonly skip?: number;
  /** What the cut leaves of the operation; absent: the supply's seed decides. */
  readonly tear?: Cut["tear"];
}

/** The supply of the twin: counts operations, tells a trace, and goes when it is planned to. */
export class PowerSupply implements Power {
  readonly #seed: number;
  readonly #onOperation: (operation: FlashOperation, number: number) => void;
  #count = 0;
  #planned: PlannedCut | null = null;
  #passed = 0;

  constructor(options: {
    readonly seed: number;
    readonly onOperation?: (operation: FlashOperation, number: number) => void;
  }) {
    this.#seed = options.seed;
    this.#onOperation = options.onOperation ?? (() => undefined);
  }

  /** Flash operations so far. */
  get operations(): number {
    return this.#count;
  }

  /** Plans one cut; a later plan replaces it. */
  planCut(cut: PlannedCut): void {
    this.#planned = cut;
    this.#passed = 0;
  }

  begin(operation: FlashOperation): Cut | null {
    this.#count += 1;
    this.#onOperation(operation, this.#count);
    const planned = this.#planned;
    if (planned === null || !planned.matches(operation)) return null;
    if (this.#passed++ < (planned.skip ?? 0)) return null;
    this.#planned = null;
    const { when, tear } = planned;
    const random = createRandom(this.#seed + this.#count);
    return tear === undefined ? { when, random } : { when, tear, random };
  }
}
