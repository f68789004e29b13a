// SPDX-License-Identifier: Apache-2.0
import { FormatError } from "@tandem/base";
import { ERASE_TEARS, PROGRAM_TEARS } from "@tandem/flash";
import type { Cut, Tear } from "@tandem/flash";

import { NO_FAULTS, TRANSPORT_FAULTS } from "./faults.js";
import type { SessionFaults } from "./faults.js";
import { FLASH_KINDS, PROFILE_NAMES } from "./geometry.js";
import { CHOICE_LETTERS } from "./session-choices.js";
import type { Interruption, ResetPoint } from "./session.js";
import type { WorldName } from "./world.js";

/** One session on the way to a state. */
export interface Edge {
  readonly faults: SessionFaults;
  /** Letters of `SessionChoices`: how unstable pages read and firmware on trial behaved. */
  readonly choices: string;
  /** Null: the session ran to its end. */
  readonly cut: Interruption | null;
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

const WORD = new RegExp(`^([${CHOICE_LETTERS}]*)(?:-|@(\\d+)([biaswl])(?::([a-z-]+))?)$`);
const WHEN_LETTER = { before: "b", inside: "i", after: "a" } as const;
const WHEN: readonly Cut["when"][] = ["before", "inside", "after"];
const RESET_LETTER = { soft: "s", watchdog: "w", lockup: "l" } as const;
const RESETS: readonly ResetPoint["reason"][] = ["soft", "watchdog", "lockup"];
const DECAY_LETTER = { lost: "d", weak: "w" } as const;
const TEARS: readonly Tear[] = [...PROGRAM_TEARS, ...ERASE_TEARS];

/**
 * A world and sessions as one line, e.g. `small/nand-1bit/good - d70,- x12,@13i:one-bit g-`. A word
 * per session: its faults, each with a comma (`d` or `w` and a page that is lost or weak before it
 * begins, `x` and the number of the operation at which a block goes bad, or what the transport
 * does); the letters of choices; and `-`, or `@`, the number of the operation that is cut (`b`,
 * `i`, `a`: before, inside, after) or during which the chip is reset (`s`, `w`, `l`: soft,
 * watchdog, lockup), and what that leaves of it.
 */
export function formatLine(world: WorldName, edges: readonly Edge[]): string {
  return [`${world.profile}/${world.flash}/${world.scenario}`, ...edges.map(formatEdge)].join(" ");
}

/** One session as a word of a line. */
export function formatEdge({ faults, choices, cut }: Edge): string {
  const { decay, badAt, transport } = faults;
  const before = [
    ...(decay === null ? [] : [`${DECAY_LETTER[decay.kind]}${decay.page},`]),
    ...(badAt === null ? [] : [`x${badAt},`]),
    ...(transport === null ? [] : [`${transport},`]),
  ].join("");
  if (cut === null) return `${before}${choices}-`;
  const letter = cut.when === "reset" ? RESET_LETTER[cut.reason] : WHEN_LETTER[cut.when];
  const tear = cut.tear === null ? "" : `:${cut.tear}`;
  return `${before}${choices}@${cut.operation}${letter}${tear}`;
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
  const parts = word.split(",");
  const match = WORD.exec(parts.pop() ?? "");
  if (match === null)
    throw new FormatError("explore/line", `session ${word}, expected e.g. g@3i:old`);
  const [, choices = "", operation, letter = "", tearName] = match;
  const faults = parts.reduce(withFault, NO_FAULTS);
  if (operation === undefined) return { faults, choices, cut: null };
  const at = { operation: Number(operation), tear: parseTear(tearName) };
  const when = WHEN.find((known) => WHEN_LETTER[known] === letter);
  if (when !== undefined) return { faults, choices, cut: { ...at, when } };
  const reason = RESETS.find((known) => RESET_LETTER[known] === letter) ?? "soft";
  return { faults, choices, cut: { ...at, when: "reset", reason } };
}

function parseTear(name: string | undefined): Tear | null {
  const tear = TEARS.find((known) => known === name) ?? null;
  if (name !== undefined && tear === null) {
    throw new FormatError("explore/line", `tear ${name}, expected one of ${TEARS.join(", ")}`);
  }
  return tear;
}

function withFault(faults: SessionFaults, text: string): SessionFaults {
  const [, letter, number] = /^([dwx])(\d{1,9})$/.exec(text) ?? [];
  if (letter === "x") return { ...faults, badAt: Number(number) };
  if (letter !== undefined) {
    return { ...faults, decay: { page: Number(number), kind: letter === "d" ? "lost" : "weak" } };
  }
  const transport = TRANSPORT_FAULTS.find((known) => known === text);
  if (transport !== undefined) return { ...faults, transport };
  const known = TRANSPORT_FAULTS.join(", ");
  throw new FormatError("explore/line", `fault ${text}, expected e.g. d70, w70, x3 or ${known}`);
}
