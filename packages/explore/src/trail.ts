// SPDX-License-Identifier: Apache-2.0
import { FormatError } from "@tandem/base";
import { ERASE_TEARS, PROGRAM_TEARS } from "@tandem/flash";
import type { Cut, Tear } from "@tandem/flash";

import { CHOICE_LETTERS } from "./session-choices.js";
import type { CutPoint } from "./session.js";
import type { WorldName } from "./world.js";
import { FLASH_KINDS, PROFILE_NAMES } from "./geometry.js";

/** One session on the way to a state. */
export interface Edge {
  /** Page of the store that decays before the session begins. */
  readonly decay: number | null;
  /** Letters of `SessionChoices`: how unstable pages read and firmware on trial behaved. */
  readonly choices: string;
  /** Null: the session ran to its end. */
  readonly cut: CutPoint | null;
}

/** The way from the root, as a chain that states share. */
export interface Trail {
  readonly parent: Trail | null;
  readonly edge: Edge;
}

/** The sessions from the root on. */
export function edgesOf(trail: Trail | null): readonly Edge[] {
  const edges: Edge[] = [];
  for (let at = trail; at !== null; at = at.parent) edges.push(at.edge);
  return edges.toReversed();
}

const WORD = new RegExp(`^(?:d(\\d+),)?([${CHOICE_LETTERS}]*)(?:-|@(\\d+)([bia])(?::([a-z-]+))?)$`);
const WHEN_LETTER = { before: "b", inside: "i", after: "a" } as const;
const WHEN: readonly Cut["when"][] = ["before", "inside", "after"];
const TEARS: readonly Tear[] = [...PROGRAM_TEARS, ...ERASE_TEARS];

/**
 * A world and sessions as one line, e.g. `small/nand-1bit/good - - @3i:one-bit g-`: a word per
 * session, with `d` and a page that decays, the letters of choices, and `-` or `@`, the
 * number of the operation that is cut, when, and what it leaves.
 */
export function formatLine(world: WorldName, edges: readonly Edge[]): string {
  return [`${world.profile}/${world.flash}/${world.scenario}`, ...edges.map(formatEdge)].join(" ");
}

/** One session as a word of a line. */
export function formatEdge({ decay, choices, cut }: Edge): string {
  const before = decay === null ? "" : `d${decay},`;
  if (cut === null) return `${before}${choices}-`;
  const tear = cut.tear === null ? "" : `:${cut.tear}`;
  return `${before}${choices}@${cut.operation}${WHEN_LETTER[cut.when]}${tear}`;
}

/**
 * What `formatLine` wrote.
 * @throws {FormatError} explore/line
 */
export function parseLine(line: string): {
  readonly world: WorldName;
  readonly edges: readonly Edge[];
} {
  const [name = "", ...words] = line.trim().split(/\s+/);
  const [first, second, scenario] = name.split("/");
  const profile = PROFILE_NAMES.find((known) => known === first);
  const flash = FLASH_KINDS.find((known) => known === second);
  if (profile === undefined || flash === undefined || scenario === undefined) {
    throw new FormatError("explore/line", `${name}, expected profile/flash/scenario`);
  }
  return { world: { profile, flash, scenario }, edges: words.map(parseEdge) };
}

/**
 * What `formatEdge` wrote.
 * @throws {FormatError} explore/line
 */
export function parseEdge(word: string): Edge {
  const match = WORD.exec(word);
  if (match === null)
    throw new FormatError("explore/line", `session ${word}, expected e.g. g@3i:old`);
  const [, decay, choices = "", operation, letter, tearName] = match;
  const when = WHEN.find((known) => WHEN_LETTER[known] === letter);
  const tear = TEARS.find((known) => known === tearName) ?? null;
  if (tearName !== undefined && tear === null) {
    throw new FormatError("explore/line", `tear ${tearName}, expected one of ${TEARS.join(", ")}`);
  }
  return {
    decay: decay === undefined ? null : Number(decay),
    choices,
    cut: when === undefined ? null : { operation: Number(operation), when, tear },
  };
}
