// SPDX-License-Identifier: Apache-2.0
import { Explorer } from "./explorer.js";
import type { Figures, Found, Share } from "./explorer.js";
import type { FaultCounts, FaultKind } from "./faults.js";
import type { TearChoice } from "./forked-cuts.js";
import type { HashingFigures } from "./memo-crypto.js";
import type { Precision } from "./state-key.js";
import { StateSet } from "./state-set.js";
import { createWorld } from "./world.js";
import type { World, WorldName } from "./world.js";

/** One world to go through. */
export interface Job {
  readonly world: WorldName;
  /** Faults on one path. */
  readonly depth: number;
  /** Kinds of fault; default: cuts. */
  readonly faults?: readonly FaultKind[];
  readonly tears: TearChoice;
  /** Unstable pages that a device may have at a time. */
  readonly maxUnstable: number;
  readonly precision: Precision;
}

/** What a worker has to know besides its job. */
export interface JobShare {
  readonly share: Share;
  /** Memory of the states that all workers have seen. */
  readonly seen: SharedArrayBuffer;
}

/** How far one worker is with its share. */
export interface JobProgress {
  readonly figures: Figures;
  readonly pending: number;
}

/** What one worker made of its share. */
export interface JobResult extends JobProgress {
  readonly coverage: readonly (readonly [string, number])[];
  readonly results: readonly (readonly [string, number])[];
  readonly faults: FaultCounts;
  readonly found: readonly Found[];
  readonly links: readonly number[];
  readonly hashing: HashingFigures;
}

/** Violations that are kept of one share: there is no use in more of them. */
const MAX_FOUND = 200;

/** Works off one share of a job, a slice at a time, so that its host can listen in between. */
export class JobRunner {
  readonly #explorer: Explorer;
  readonly #found: Found[] = [];
  readonly #hashing: () => HashingFigures;

  /** @param world the one that the job names */
  constructor(job: Job, { share, seen }: JobShare, world: World = createWorld(job.world)) {
    const { depth, tears, maxUnstable, precision, faults = ["cuts"] } = job;
    this.#hashing = (): HashingFigures => world.crypto.figures;
    this.#explorer = new Explorer({
      world,
      seen: new StateSet(seen),
      depth,
      faults,
      tears,
      maxUnstable,
      precision,
      share,
      onFound: (found) => {
        if (this.#found.length < MAX_FOUND) this.#found.push(found);
      },
    });
  }

  /** Expands states until `isOver` says so; false when none is left. */
  run(isOver: () => boolean): boolean {
    while (!isOver()) if (!this.#explorer.step()) return false;
    return true;
  }

  /** Expands one state; false when none is left. */
  step(): boolean {
    return this.#explorer.step();
  }

  get progress(): JobProgress {
    return { figures: { ...this.#explorer.figures }, pending: this.#explorer.pending };
  }

  get result(): JobResult {
    const { coverage, results, links, faults } = this.#explorer;
    return {
      ...this.progress,
      coverage: [...coverage],
      results: [...results],
      faults: { ...faults },
      found: this.#found,
      links,
      hashing: this.#hashing(),
    };
  }
}
