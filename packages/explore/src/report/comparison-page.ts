// SPDX-License-Identifier: Apache-2.0
import type { ComparedRowResult, ComparisonReport } from "../compare/compare.js";
import { FAILURES } from "../compare/sweep-story.js";
import type { Failure, StorySweep } from "../compare/sweep-story.js";
import { html } from "./markup.js";
import type { Markup } from "./markup.js";
import { countCell, facts, page, table } from "./page.js";
import { stripChart, stripLegend } from "./strip-chart.js";

const COLUMNS: Readonly<Record<Failure, string>> = {
  mixedStarts: "mixed starts",
  unbootable: "unbootable",
  rollbackFailures: "rollback failures",
  lostUpdates: "lost updates",
};

/** A comparison as a page that needs nothing but itself. */
export function renderComparison(report: ComparisonReport): string {
  const { rows, boots, seconds, complete, begun, asked } = report;
  const points = rows.reduce((sum, row) => sum + row.points, 0);
  const possible = rows.reduce((sum, row) => sum + row.possible, 0);
  return page("One update of both cores, under the same faults", [
    facts([
      ["points", `${points} of ${possible}: no cut, or one before, inside or after an operation`],
      ["stories", `${begun} of ${asked}, all rows together`],
      ["boots", `up to ${boots} without a fault after each cut`],
      ["time", `${seconds.toFixed(1)} s${complete ? "" : ", not complete"}`],
    ]),
    table(
      ["", "points", ...FAILURES.map((failure) => COLUMNS[failure])],
      rows.map(
        (row) =>
          html`<tr class="${row.isBaseline ? "" : "ours"}">
            <th scope="row">${row.title}</th>
            <td>${row.points}</td>
            ${FAILURES.map((failure) => countCell(row.failures[failure]))}
          </tr>`,
      ),
    ),
    definitions(),
    html`<h2>By story, along the update</h2>`,
    stripLegend(),
    rows.map((row) => rowSection(row, report)),
    html`<h2>Examples</h2>`,
    rows.map(examples),
  ]);
}

function definitions(): Markup {
  return facts([
    ["mixed starts", "a core was started beside firmware of another release, or a part of one"],
    ["unbootable", "no application stays up any more, however often power comes back"],
    ["rollback failures", "the new release is bad, and the old one does not run on both cores"],
    ["lost updates", "nothing is wrong with the new release, and the device ends with the old one"],
  ]);
}

function rowSection(row: ComparedRowResult, report: ComparisonReport): Markup {
  return html`<h3>${row.title}</h3>
    ${row.stories.map((sweep) => strip(sweep, report.stories[sweep.story] ?? sweep.story))}`;
}

function strip(sweep: StorySweep, title: string): Markup {
  const found = FAILURES.filter((failure) => sweep.failures[failure] > 0)
    .map((failure) => `${COLUMNS[failure]} ${sweep.failures[failure]}`)
    .join(", ");
  return html`<div class="strip">
    <div>
      ${title}<br /><small>${sweep.points} points${found === "" ? "" : `: ${found}`}</small>
    </div>
    ${stripChart(sweep)}
  </div>`;
}

function examples({ title, examples: lines }: ComparedRowResult): Markup {
  const found = FAILURES.flatMap((failure) => {
    const line = lines[failure];
    return line === undefined
      ? []
      : [html`<li>${COLUMNS[failure]}: <code>tandem explore compare replay '${line}'</code></li>`];
  });
  return found.length === 0
    ? html``
    : html`<h3>${title}</h3>
        <ul>
          ${found}
        </ul>`;
}
