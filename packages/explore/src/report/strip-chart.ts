// SPDX-License-Identifier: Apache-2.0
import type { OperationOutcome, StorySweep, TimelineRun } from "../compare/sweep-story.js";
import { html } from "./markup.js";
import type { Markup } from "./markup.js";

/** What each outcome is called, and its colour; the worst first. */
const OUTCOMES: Readonly<Record<OperationOutcome, readonly [string, string]>> = {
  unbootable: ["nothing comes up any more", "#c62828"],
  mixedStarts: ["a core started beside another release", "#8e24aa"],
  rollbackFailures: ["new release bad, old one not back", "#ef6c00"],
  lostUpdates: ["update lost", "#fbc02d"],
  old: ["old release on both cores", "#78909c"],
  new: ["new release on both cores", "#2e7d32"],
  "-": ["not tried", "#8883"],
};

const WIDTH = 1000;
const STRIP = { top: 14, height: 22 };
const DEVICES = { top: 38, height: 5 };
const HEIGHT = 61;
const DEVICE_COLOURS = ["#1565c0", "#00838f", "#6d4c41", "#ad1457"];

/** What the colours of a strip chart mean. */
export function stripLegend(): Markup {
  return html`<p class="legend">
    ${Object.values(OUTCOMES).map(
      ([name, colour]) => html`<span><i style="background:${colour}"></i>${name}</span>`,
    )}
  </p>`;
}

/** The operations of an update from left to right, each in the colour of its worst cut. */
export function stripChart({ timeline, story }: Pick<StorySweep, "timeline" | "story">): Markup {
  const outcomes = timeline.flatMap((run) => run.outcomes);
  if (outcomes.length === 0) return html`<p>no flash operations</p>`;
  const scale = WIDTH / outcomes.length;
  const names = [...new Set(timeline.map(({ device }) => device))];
  const bars = timeline.map((run, index) => {
    const at = timeline.slice(0, index).reduce((sum, before) => sum + before.outcomes.length, 0);
    return deviceBar(run, names, { at, scale });
  });
  const label = `${story}: ${outcomes.length} flash operations`;
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
    ${outcomeBars(outcomes, scale)}${bars}${sessionMarks(timeline, scale)}${deviceNames(names)}
  </svg>`;
}

/** A line where a session begins, with its number where there is room. */
function sessionMarks(timeline: readonly TimelineRun[], scale: number): Markup[] {
  const marks: Markup[] = [];
  let at = 0;
  let free = 0;
  for (const [index, { session, outcomes }] of timeline.entries()) {
    const x = at * scale;
    at += outcomes.length;
    if (timeline[index - 1]?.session === session) continue;
    const text = session === 0 ? "session 0" : String(session);
    marks.push(
      html`<line
        x1="${fixed(x)}"
        x2="${fixed(x)}"
        y1="2"
        y2="44"
        stroke="currentColor"
        stroke-width="0.8"
      />`,
    );
    if (x < free) continue;
    marks.push(html`<text x="${fixed(x + 3)}" y="10">${text}</text>`);
    free = x + 7 * text.length + 6;
  }
  return marks;
}

/** One rectangle per run of equal outcomes. */
function outcomeBars(outcomes: readonly OperationOutcome[], scale: number): Markup[] {
  const bars: Markup[] = [];
  for (let first = 0; first < outcomes.length;) {
    const outcome = outcomes[first] ?? "-";
    let end = first + 1;
    while (outcomes[end] === outcome) end += 1;
    const [name, colour] = OUTCOMES[outcome];
    const where = end - first === 1 ? `operation ${first}` : `operations ${first} to ${end - 1}`;
    bars.push(
      html`<rect
        x="${fixed(first * scale)}"
        y="${STRIP.top}"
        width="${fixed((end - first) * scale)}"
        height="${STRIP.height}"
        fill="${colour}"
        ><title>${where}: ${name}</title></rect
      >`,
    );
    first = end;
  }
  return bars;
}

function deviceBar(
  { device, outcomes }: TimelineRun,
  names: readonly string[],
  place: { readonly at: number; readonly scale: number },
): Markup {
  const { at, scale } = place;
  const colour = deviceColour(names.indexOf(device));
  return html`<rect
    x="${fixed(at * scale)}"
    y="${DEVICES.top}"
    width="${fixed(outcomes.length * scale)}"
    height="${DEVICES.height}"
    fill="${colour}"
    ><title>${device}: ${outcomes.length} operations</title></rect
  >`;
}

function deviceNames(names: readonly string[]): Markup[] {
  return names.map(
    (name, index) =>
      html`<rect
          x="${index * 110}"
          y="49"
          width="8"
          height="8"
          fill="${deviceColour(index)}"
        /><text x="${index * 110 + 12}" y="57">${name}</text>`,
  );
}

function deviceColour(index: number): string {
  return DEVICE_COLOURS[index % DEVICE_COLOURS.length] ?? "#888";
}

function fixed(value: number): string {
  return value.toFixed(2);
}
