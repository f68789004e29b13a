// SPDX-License-Identifier: Apache-2.0
import type { Located, Place } from "../place.js";
import { badInput } from "./source-text.js";
import type { SourceText } from "./source-text.js";

/** One line that gives a symbol a value. */
export interface Assignment {
  /** With its prefix, `CONFIG_` or `SB_CONFIG_`. */
  readonly symbol: string;
  /** `y`, `n` or `m`, a number as written, or the contents of a string. */
  readonly value: string;
  readonly place: Place;
}

/** A .config, a configuration fragment or a defconfig. */
export interface KconfigFile {
  readonly file: string;
  /** True for a .config as built: what it does not mention is off. */
  readonly complete: boolean;
  readonly assignments: readonly Assignment[];
  /** Lines that Kconfig refuses. */
  readonly malformed: readonly Located<string>[];
}

/** More malformed lines than these mean that it is some other kind of file. */
const MAX_MALFORMED_LINES = 20;

/**
 * Reads lines as kconfiglib does: `SYMBOL=value`, `# SYMBOL is not set`, comments.
 * @throws {FormatError} layout/bad-kconfig when it is no configuration at all
 */
export function readKconfig(source: SourceText): KconfigFile {
  const assignments: Assignment[] = [];
  const malformed: Located<string>[] = [];
  let offset = 0;
  for (const raw of source.text.split("\n")) {
    const line = raw.trimEnd();
    const place = source.placeOf(offset, Math.max(1, line.length));
    offset += raw.length + 1;
    const unset = /^# ((?:SB_)?CONFIG_[A-Za-z0-9_]+) is not set$/.exec(line);
    if (unset !== null) assignments.push({ symbol: unset[1] ?? "", value: "n", place });
    if (line.trim() === "" || line.trimStart().startsWith("#")) continue;
    const match = /^((?:SB_)?CONFIG_[A-Za-z0-9_]+)=(.*)$/.exec(line);
    const value = parseValue(match?.[2] ?? "");
    if (match?.[1] !== undefined && value !== null) {
      assignments.push({ symbol: match[1], value, place });
    } else malformed.push({ value: line.slice(0, 200), place });
    if (malformed.length > MAX_MALFORMED_LINES) break;
  }
  const [first] = malformed;
  if (first !== undefined && malformed.length > Math.min(MAX_MALFORMED_LINES, assignments.length)) {
    const found = JSON.stringify(first.value.slice(0, 60));
    throw badInput("layout/bad-kconfig", `${found}, expected CONFIG_NAME=value`, first.place);
  }
  const name = source.name.split("/").at(-1) ?? "";
  return { file: source.name, complete: name.startsWith(".config"), assignments, malformed };
}

/**
 * Null for what no kind of symbol takes. As kconfiglib does it: of y, n and m the first character
 * counts, a string ends at its quote, a number stands alone.
 */
function parseValue(text: string): string | null {
  const state = /^([ynm])(?!\w)/.exec(text)?.[1];
  if (state !== undefined) return state;
  const number = text.trim();
  if (/^-?\d+$/.test(number) || /^0[xX][0-9a-fA-F]+$/.test(number)) return number;
  const string = /^"((?:[^"\\]|\\.)*)"/.exec(text);
  return string === null ? null : (string[1] ?? "").replace(/\\(.)/g, "$1");
}
