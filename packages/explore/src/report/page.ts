// SPDX-License-Identifier: Apache-2.0
import { Markup, html } from "./markup.js";
import type { Part } from "./markup.js";

const STYLE = new Markup(`
  :root { color-scheme: light dark; --line: #8884; --soft: #8882; --text: #1c2024; --paper: #fff; }
  @media (prefers-color-scheme: dark) { :root { --text: #e6e8ea; --paper: #16191c; } }
  body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--paper);
    margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
  h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
  h3 { font-size: 1rem; margin: 1.4rem 0 0.3rem; }
  .scroll { overflow-x: auto; }
  table { border-collapse: collapse; }
  th, td { padding: 0.3rem 0.7rem; border-bottom: 1px solid var(--line); text-align: right;
    white-space: nowrap; vertical-align: top; }
  th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 9rem; }
  thead th { border-bottom-width: 2px; }
  tr.ours td, tr.ours th { background: #2e7d3222; }
  .zero { opacity: 0.45; } .bad { color: #c62828; font-weight: 600; }
  @media (prefers-color-scheme: dark) { .bad { color: #ff8a80; } }
  code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere; }
  svg { display: block; width: 100%; height: auto; }
  svg text { fill: currentColor; font: 11px system-ui, sans-serif; }
  dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.1rem 1rem; }
  dl.facts dd { margin: 0; }
  .legend span { display: inline-block; margin-right: 1.2rem; }
  .legend i { display: inline-block; width: 0.9em; height: 0.9em; margin-right: 0.35em;
    vertical-align: -0.1em; border: 1px solid var(--line); }
  .strip { display: grid; grid-template-columns: 11rem minmax(0, 1fr); gap: 0.6rem;
    align-items: start; margin-bottom: 0.5rem; }
  .strip svg { min-width: 44rem; }
  summary { font-size: 0.85rem; cursor: pointer; }
  @media (max-width: 48rem) {
    .strip { grid-template-columns: minmax(0, 1fr); gap: 0.2rem; margin-bottom: 1rem; }
    dl.facts { grid-template-columns: 1fr; } dl.facts dd { margin: 0 0 0.4rem 1rem; }
  }
`);

/** A whole page that needs nothing but itself. */
export function page(title: string, body: Part): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'"
        />
        <title>${title}</title>
        <style>
          ${STYLE}
        </style>
      </head>
      <body>
        <h1>${title}</h1>
        ${body}
      </body>
    </html> `.text;
}

/** What scrolls on its own where it is too wide, with keys as well. */
export function scrolling(body: Part): Markup {
  return html`<div class="scroll" tabindex="0">${body}</div>`;
}

/** A table, that scrolls when it is too wide. */
export function table(headings: readonly Part[], rows: readonly Markup[]): Markup {
  return scrolling(
    html`<table>
      <thead>
        <tr>
          ${headings.map((heading) => html`<th scope="col">${heading}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>`,
  );
}

/** A number of failures. */
export function countCell(count: number): Markup {
  return html`<td class="${count === 0 ? "zero" : "bad"}">${count}</td>`;
}

/** Lines of the command that show failures again, folded away; nothing where there are none. */
export function replays(lines: readonly (readonly [string, string])[]): Markup {
  if (lines.length === 0) return html``;
  return html`<details>
    <summary>run one again</summary>
    <ul>
      ${lines.map(([failure, line]) => html`<li>${failure}: <code>${line}</code></li>`)}
    </ul>
  </details>`;
}

/** Names and values. */
export function facts(entries: readonly (readonly [string, Part])[]): Markup {
  return html`<dl class="facts">
    ${entries.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}
