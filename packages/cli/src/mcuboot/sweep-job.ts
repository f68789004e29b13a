// SPDX-License-Identifier: Apache-2.0
import type { SweepCounts, SweepOptions } from "@tandem/mcuboot";

/** What a thread is started with. */
export interface SweepJob {
  readonly options: SweepOptions;
  /** The thread runs the points whose index leaves the rest `index` when divided by `of`. */
  readonly index: number;
  readonly of: number;
}

/** What a thread posts; `busyMs` is without its start. */
export type SweepMessage =
  | { readonly kind: "progress"; readonly points: number }
  | { readonly kind: "done"; readonly counts: SweepCounts; readonly busyMs: number };
