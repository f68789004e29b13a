// SPDX-License-Identifier: Apache-2.0
import { RECORD_STATES } from "../coverage.js";
import { html } from "./markup.js";
import type { Markup } from "./markup.js";
import type { StateTransition } from "./story-outline.js";

const STEP = 104;
const BASELINE = 130;
const BOX = { width: 84, height: 26 };

/** Record states from left to right: transitions forward above them, back below. */
export function stateGraph(transitions: readonly StateTransition[]): Markup {
  const names = new Set(transitions.flatMap(({ from, to }) => [from, to]));
  const known: readonly string[] = RECORD_STATES.filter((name) => names.has(name));
  const states = [...known, ...[...names].filter((name) => !known.includes(name))];
  const width = Math.max(1, states.length) * STEP;
  const label = `record states and the ${transitions.length} transitions between them`;
  const size = `min-width:${0.7 * width}px;max-width:${1.2 * width}px`;
  return html`<svg
    viewBox="0 0 ${width} ${2 * BASELINE}"
    style="${size}"
    role="img"
    aria-label="${label}"
  >
    <defs>
      <marker
        id="tip"
        viewBox="0 0 8 8"
        refX="7"
        refY="4"
        markerUnits="userSpaceOnUse"
        markerWidth="9"
        markerHeight="9"
        orient="auto"
      >
        <path d="M0 0 L8 4 L0 8 z" fill="currentColor" />
      </marker>
    </defs>
    ${transitions.map((transition) => arc(transition, states))}${states.map(box)}
  </svg>`;
}

function arc({ from, to, stories }: StateTransition, states: readonly string[]): Markup {
  const a = centre(states.indexOf(from));
  const b = centre(states.indexOf(to));
  const isForward = b > a;
  const side = isForward ? -1 : 1;
  const foot = BASELINE + (side * BOX.height) / 2;
  const top = foot + side * Math.min(96, 22 + Math.abs(b - a) * 0.2);
  const shift = isForward ? 12 : -12;
  const text = `${from} to ${to}: in ${stories} stories`;
  return html`<path
      d="M${a + shift} ${foot} Q${(a + b) / 2} ${2 * top - foot} ${b - shift} ${foot}"
      fill="none"
      stroke="currentColor"
      stroke-opacity="0.7"
      stroke-width="${Math.min(4, 0.8 + 0.3 * stories)}"
      marker-end="url(#tip)"
      ><title>${text}</title></path
    ><text x="${(a + b) / 2}" y="${top + side * 9 + 4}" text-anchor="middle">${stories}</text>`;
}

function box(name: string, index: number): Markup {
  const x = centre(index);
  return html`<rect
      x="${x - BOX.width / 2}"
      y="${BASELINE - BOX.height / 2}"
      width="${BOX.width}"
      height="${BOX.height}"
      rx="5"
      fill="var(--paper)"
      stroke="currentColor"
    /><text x="${x}" y="${BASELINE + 4}" text-anchor="middle">${name}</text>`;
}

function centre(index: number): number {
  return index * STEP + STEP / 2;
}
