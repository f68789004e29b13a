// SPDX-License-Identifier: Apache-2.0
import { RECORD_STATES, STEPS } from "../coverage.js";
import type { Coverage, CoverageCell } from "../coverage.js";
import type { ExplorationReport, Finding } from "../exploration.js";
import type { StorySweep } from "../compare/sweep-story.js";
import { html } from "./markup.js";
import type { Markup } from "./markup.js";
import { facts, page, scrolling, table } from "./page.js";
import { stateGraph } from "./state-graph.js";
import { stripChart, stripLegend } from "./strip-chart.js";
import type { StoryOutline } from "./story-outline.js";

/** An exploration as a page that needs nothing but itself. */
export function renderExploration(report: ExplorationReport, outline: StoryOutline): string {
  const { mode, profile, flash, scenarios, states, edges, cuts, sessions } = report;
  const { seconds, edgesPerSecond, mostSessions, complete, violations } = report;
  return page(`Exploration: ${profile}, ${flash}, ${mode}`, [
    facts([
      ["states", states],
      ["edges", `${edges}, of them ${cuts} cuts`],
      ["sessions", `${sessions} run; cuts are made on what they leave at each operation`],
      ["time", `${seconds.toFixed(1)} s, ${edgesPerSecond} edges per second`],
      ["covered", complete ? "everything" : "NOT everything: the time was over"],
      ["to rest", `at most ${mostSessions} sessions without a fault, from any state`],
      ["stories", scenarios.join(", ")],
      ["violations", violations.length],
    ]),
    html`<h2>Findings</h2>`,
    findings(violations),
    html`<h2>How devices came to rest</h2>`,
    results(report.coverage.results),
    html`<h2>Record states</h2>
      <p>Numbers at the arrows: stories that go this way without a fault.</p>`,
    scrolling(stateGraph(outline.transitions)),
    html`<h2>Coverage</h2>
      <p>
        Operations that were cut, by record state and by what was written. A dash: no cut can come
        there, and its tip says why.
      </p>`,
    coverage(report.coverage),
    html`<h2>Outcome by operation</h2>
      <p>
        Each story without a fault from left to right. The colour is that of the worst end that a
        cut of the operation came to.
      </p>`,
    stripLegend(),
    outline.sweeps.map(strip),
  ]);
}

function findings(violations: readonly Finding[]): Markup {
  if (violations.length === 0) return html`<p>No violation.</p>`;
  return html`<ul>
    ${violations.map(
      ({ invariant, text, line }) =>
        html`<li>
          <strong class="bad">${invariant}</strong> ${text}<br /><code
            >tandem explore replay '${line}'</code
          >
        </li>`,
    )}
  </ul>`;
}

function results(counts: Readonly<Record<string, number>>): Markup {
  const rows = Object.entries(counts).map(
    ([name, count]) =>
      html`<tr>
        <th scope="row">${name}</th>
        <td>${count}</td>
      </tr>`,
  );
  return table(["result", "devices"], rows);
}

function coverage({ cells }: Coverage): Markup {
  const counts = Object.values(cells).flatMap((row) => Object.values(row));
  const most = Math.max(1, ...counts.map((cell) => (typeof cell === "number" ? cell : 0)));
  return table(
    ["record", ...STEPS],
    RECORD_STATES.map(
      (state) =>
        html`<tr>
          <th scope="row">${state}</th>
          ${STEPS.map((step) => coverageCell(cells[state]?.[step] ?? 0, most))}
        </tr>`,
    ),
  );
}

/** Shaded by the logarithm of the count, so that rare cells still show. */
function coverageCell(cell: CoverageCell, most: number): Markup {
  if (typeof cell !== "number") return html`<td class="zero" title="${cell.impossible}">-</td>`;
  if (cell === 0) return html`<td class="bad">0</td>`;
  const share = Math.log(1 + cell) / Math.log(1 + most);
  return html`<td style="background:rgba(21,101,192,${(0.08 + 0.4 * share).toFixed(2)})">
    ${cell}
  </td>`;
}

function strip(sweep: StorySweep): Markup {
  return html`<div class="strip">
    <div>${sweep.story}<br /><small>${sweep.points} of ${sweep.possible} points</small></div>
    ${scrolling(stripChart(sweep))}
  </div>`;
}
