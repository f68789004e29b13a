// SPDX-License-Identifier: Apache-2.0

/** Text that is HTML or SVG already: nothing in it is escaped again. */
export class Markup {
  readonly text: string;

  /** @param text trusted: use the `html` tag for whatever comes from elsewhere */
  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in an `html` template. */
export type Part = Markup | string | number | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * Tag of a template whose values are escaped, for text and quoted attributes alike. Not for values
 * in scripts, styles or addresses.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const values = parts.map(textOf);
  return new Markup(strings.map((string, index) => string + (values[index] ?? "")).join(""));
}

function textOf(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === "number") return String(part);
  if (typeof part === "string") return escaped(part);
  return part.map(textOf).join("");
}

/** Without what is no character of HTML. */
function escaped(text: string): string {
  return text
    .replaceAll(
      /[^\t\n\r\u{20}-\u{7e}\u{a0}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu,
      "\u{fffd}",
    )
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
