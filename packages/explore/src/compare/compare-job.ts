// SPDX-License-Identifier: Apache-2.0
import { InternalError } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";

import { MemoCrypto } from "../memo-crypto.js";
import { COMPARED_ROWS } from "./rows.js";
import { COMPARED_STORIES } from "./stories.js";
import { sweepStory } from "./sweep-story.js";
import type { StorySweep, SweepStoryOptions } from "./sweep-story.js";

/** One story of one row. */
export interface CompareJob {
  readonly row: string;
  readonly story: string;
  /** Cuts to run at most. */
  readonly sample: number;
}

/**
 * All jobs of a comparison, story by story: when time is short, every row has been through some of
 * them.
 */
export function compareJobs(options: {
  readonly rows: readonly string[];
  readonly stories: readonly string[];
  readonly sample: number;
}): readonly CompareJob[] {
  const { rows, stories, sample } = options;
  return COMPARED_STORIES.filter(({ name }) => stories.includes(name)).flatMap(
    ({ name: story, needsB0n }) =>
      COMPARED_ROWS.filter(({ name, hasB0n }) => rows.includes(name) && (hasB0n || !needsB0n)).map(
        ({ name: row }) => ({ row, story, sample }),
      ),
  );
}

/** Works off jobs one after the other; what it has hashed serves the next one. */
export class CompareRunner {
  readonly #crypto: MemoCrypto = new MemoCrypto(nodeCrypto);

  /** Begins a job; it is done in pieces, one per point. */
  run(
    job: CompareJob,
    options: Omit<SweepStoryOptions, "crypto" | "sample">,
  ): Generator<void, StorySweep> {
    const row = COMPARED_ROWS.find(({ name }) => name === job.row);
    const story = COMPARED_STORIES.find(({ name }) => name === job.story);
    if (row === undefined || story === undefined) {
      throw new InternalError("explore/compare", `no job ${job.row}/${job.story}`);
    }
    return sweepStory(row, story, { ...options, crypto: this.#crypto, sample: job.sample });
  }
}
