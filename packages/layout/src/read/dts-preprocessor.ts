// SPDX-License-Identifier: Apache-2.0

/** Devicetree source without preprocessor lines, character for character where it was. */
export interface PreprocessedDts {
  readonly text: string;
  /** Object-like macros: name to replacement text. */
  readonly macros: ReadonlyMap<string, string>;
  /** Files that are included but not read. */
  readonly includes: readonly string[];
}

/**
 * Takes preprocessor lines out and remembers what simple ones define. Both branches of a condition
 * stay: which one is built is not known here.
 */
export function preprocessDts(text: string): PreprocessedDts {
  const macros = new Map<string, string>();
  const includes: string[] = [];
  let continued = false;
  const lines = text.split("\n").map((line) => {
    const directive =
      /^\s*#\s*(define|undef|include|if|ifdef|ifndef|elif|else|endif|error|warning|pragma|line)\b(.*?)\r?$/.exec(
        line,
      );
    if (directive === null && !continued) return line;
    continued = line.trimEnd().endsWith("\\");
    const [, name, rest = ""] = directive ?? [];
    if (name === "define") {
      const define = /^\s+([A-Za-z_]\w*)\s+(.*)$/.exec(rest.replace(/\/\/.*$|\/\*.*?\*\//g, ""));
      if (define?.[1] !== undefined) macros.set(define[1], (define[2] ?? "").trim());
    }
    if (name === "include") includes.push(rest.trim().replace(/^[<"]|[>"].*$/g, ""));
    return " ".repeat(line.length);
  });
  return { text: lines.join("\n"), macros, includes };
}
