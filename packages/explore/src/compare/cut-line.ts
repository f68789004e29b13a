// SPDX-License-Identifier: Apache-2.0
import { FormatError } from "@tandem/base";

import { NO_FAULTS } from "../faults.js";
import type { CutPoint } from "../session.js";
import { formatEdge, parseEdge } from "../trail.js";
import { COMPARED_ROWS } from "./rows.js";
import type { ComparedRow } from "./rows.js";
import { COMPARED_STORIES } from "./stories.js";
import type { ComparedStory } from "./stories.js";

/** One cut in a story: in which session, counted from 0, and where in it. */
export interface PlacedCut {
  readonly session: number;
  readonly cut: CutPoint;
}

/** A row, a story and at most one cut. */
export interface ComparedLife {
  readonly row: ComparedRow;
  readonly story: ComparedStory;
  /** Null: no power cut. */
  readonly placed: PlacedCut | null;
}

/** A life as one line, e.g. `ncs-move/good 1@14i:some-bits`, or `ncs-move/good -` without a cut. */
export function formatLife(row: string, story: string, placed: PlacedCut | null): string {
  const where =
    placed === null
      ? "-"
      : `${placed.session}${formatEdge({ faults: NO_FAULTS, choices: "", cut: placed.cut })}`;
  return `${row}/${story} ${where}`;
}

/**
 * What `formatLife` wrote.
 * @throws {FormatError} explore/line
 */
export function parseLife(line: string): ComparedLife {
  const [, rowName, storyName, where = ""] = /^\s*([^/\s]+)\/(\S+)\s+(\S+)\s*$/.exec(line) ?? [];
  const row = COMPARED_ROWS.find(({ name }) => name === rowName);
  const story = COMPARED_STORIES.find(({ name }) => name === storyName);
  if (row === undefined || story === undefined) {
    throw new FormatError("explore/line", `${line}, expected e.g. ncs-move/good 1@14i:some-bits`);
  }
  if (where === "-") return { row, story, placed: null };
  const [, session, rest = ""] = /^(\d{1,4})(@.+)$/.exec(where) ?? [];
  const cut = session === undefined ? null : parseEdge(rest).cut;
  if (cut === null || cut.when === "reset") {
    throw new FormatError("explore/line", `cut ${where}, expected e.g. 1@14i:some-bits or -`);
  }
  return { row, story, placed: { session: Number(session), cut } };
}
