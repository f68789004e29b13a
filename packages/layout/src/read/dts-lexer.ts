// SPDX-License-Identifier: Apache-2.0
import { badInput } from "./source-text.js";
import type { SourceText } from "./source-text.js";

/** One token of a devicetree source. */
export interface DtsToken {
  readonly kind: "word" | "string" | "punctuation" | "end";
  /** A string without its quotes. */
  readonly text: string;
  readonly offset: number;
  /** Characters in the source. */
  readonly length: number;
}

/** Most tokens of one file. */
const MAX_TOKENS = 400_000;

type Pattern = readonly [DtsToken["kind"] | "skip", RegExp];

const PATTERNS: readonly Pattern[] = [
  ["skip", /\s+|\/\/[^\n]*|\/\*[^]*?\*\//y],
  ["string", /"(?:[^"\\\n]|\\.)*"/y],
  // /delete-node/ and its like are words: a slash begins them and ends them.
  [
    "word",
    /\/(?:dts-v1|plugin|delete-node|delete-property|memreserve|include|omit-if-no-ref|bits)\//y,
  ],
  ["word", /&\{[^}\n]*\}|&[A-Za-z_][A-Za-z0-9_]*/y],
  // A property name may hold "#", ",", ".", "+", "?" and "-", a node name "@" too.
  ["word", /[A-Za-z0-9_#][A-Za-z0-9_#,.+?@-]*/y],
  ["punctuation", /<<|>>|<=|>=|==|!=|&&|\|\||[{}<>[\]()=;:,+\-*/%&|^~!?.$@'\\#]/y],
];

/** Between "<" and ">" the same characters are operators. */
const CELL_WORD: Pattern = ["word", /[A-Za-z0-9_]+/y];
const PATTERNS_IN_CELLS = PATTERNS.map((pattern) =>
  pattern[1].source.startsWith("[A-Za-z0-9_#]") ? CELL_WORD : pattern,
);

/**
 * Splits devicetree source into tokens. Preprocessor lines are taken out before.
 * @throws {FormatError} layout/bad-devicetree
 */
export function tokenizeDts(source: SourceText, text: string): readonly DtsToken[] {
  const tokens: DtsToken[] = [];
  let offset = 0;
  let inCells = false;
  let parentheses = 0;
  while (offset < text.length) {
    const found = matchAt(text, offset, inCells ? PATTERNS_IN_CELLS : PATTERNS);
    if (found === null) {
      const what = text.startsWith("/*", offset)
        ? "a comment that does not end"
        : text[offset] === '"'
          ? "a string that does not end on its line"
          : JSON.stringify(text[offset]);
      throw badInput("layout/bad-devicetree", what, source.placeOf(offset, 1));
    }
    const { kind, length } = found;
    if (kind !== "skip") {
      const raw = text.slice(offset, offset + length);
      tokens.push({ kind, text: kind === "string" ? raw.slice(1, -1) : raw, offset, length });
      if (raw === "(") parentheses += 1;
      else if (raw === ")") parentheses -= 1;
      else if (raw === ";") parentheses = 0;
      // In parentheses they compare.
      if (raw === "<" && parentheses === 0) inCells = true;
      else if ((raw === ">" && parentheses === 0) || raw === ";") inCells = false;
    }
    if (tokens.length > MAX_TOKENS) {
      const place = source.placeOf(offset, 1);
      throw badInput("layout/bad-devicetree", `more than ${MAX_TOKENS} tokens`, place);
    }
    offset += length;
  }
  tokens.push({ kind: "end", text: "the end of the file", offset: text.length, length: 0 });
  return tokens;
}

function matchAt(text: string, offset: number, patterns: readonly Pattern[]) {
  // A comment that does not end must not be taken for a division.
  if (text.startsWith("/*", offset) && !text.includes("*/", offset + 2)) return null;
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = offset;
    const match = pattern.exec(text);
    if (match !== null) return { kind, length: match[0].length };
  }
  return null;
}
