// SPDX-License-Identifier: Apache-2.0
import { describeLeft } from "../compare/compare.js";
import type { ComparedRowResult, ComparisonReport } from "../compare/compare.js";
import { FAILURES, FAILURE_NAMES } from "../compare/sweep-story.js";
import type { StorySweep } from "../compare/sweep-story.js";
import { html } from "./markup.js";
import type { Markup } from "./markup.js";
import { countCell, facts, page, replays, scrolling, table } from "./page.js";
import { stripChart, stripLegend } from "./strip-chart.js";

/** A comparison as a page that needs nothing but itself. */
export function renderComparison(report: ComparisonReport): string {
  const { rows, boots, seconds, complete, begun, asked, left } = report;
  const points = rows.reduce((sum, row) => sum + row.points, 0);
  const possible = rows.reduce((sum, row) => sum + row.possible, 0);
  return page("One update of both cores, under the same faults", [
    facts([
      ["points", `${points} of ${possible}: no cut, or one before, inside or after an operation`],
      [
        "stories",
        `${begun} of ${asked}, all rows together${left.length === 0 ? "" : `; not begun: ${describeLeft(report)}`}`,
      ],
      ["boots", `up to ${boots} without a fault after each cut`],
      ["time", `${seconds.toFixed(1)} s${complete ? "" : ", not complete"}`],
    ]),
    table(
      ["", "points", ...FAILURES.map((failure) => FAILURE_NAMES[failure])],
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
  const { points, possible, failures, examples } = sweep;
  const found = FAILURES.filter((failure) => failures[failure] > 0);
  const counts = found
    .map((failure) => `${FAILURE_NAMES[failure]} ${failures[failure]}`)
    .join(", ");
  const lines = found.map(
    (failure) =>
      [
        FAILURE_NAMES[failure],
        `tandem explore compare replay '${examples[failure] ?? ""}'`,
      ] as const,
  );
  return html`<div class="strip">
    <div>
      ${title}<br /><small
        >${points} of ${possible} points${counts === "" ? "" : `: ${counts}`}</small
      >
    </div>
    <div>${scrolling(stripChart(sweep))} ${replays(lines)}</div>
  </div>`;
}
