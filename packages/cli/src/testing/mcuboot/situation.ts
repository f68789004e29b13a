// SPDX-License-Identifier: Apache-2.0
import type { FlashBoard } from "@tandem/mcuboot";

/** Flash as people meet it, and what has to be said of it. */
export interface Situation {
  /** In docs/explain.md; never changes. */
  readonly id: string;
  /** What the flash holds, for the table. */
  readonly title: string;
  readonly board: () => FlashBoard;
  /** The finding that answers the question comes first; all have to be there. */
  readonly findings: readonly string[];
  /** Version that the next two boots start, null for nothing. */
  readonly starts: readonly [string | null, string | null];
}
