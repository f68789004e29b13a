// SPDX-License-Identifier: Apache-2.0
import { InternalError, createRandom } from "@tandem/base";
import { NandChip } from "@tandem/flash";
import type { FlashOperation } from "@tandem/flash";
import { stateName } from "@tandem/store";

import { Checks } from "./checks.js";
import type { Violation } from "./checks.js";
import { POWER_ON, forkState } from "./device-state.js";
import type { DeviceNode, DeviceState } from "./device-state.js";
import { KnownPages } from "./known-pages.js";
import { PageFactsCache } from "./page-facts.js";
import { SessionChoices } from "./session-choices.js";
import { runSession } from "./session.js";
import type { Session } from "./session.js";
import { StoreView } from "./store-view.js";
import type { Edge } from "./trail.js";
import type { World } from "./world.js";

/** One session of a replay. */
export interface ReplayedSession {
  readonly session: Session;
  /** How unstable pages were read and firmware on trial behaved. */
  readonly choices: string;
  /** Node in which the session began. */
  readonly from: DeviceNode;
  /** Node in which the next one begins. */
  readonly to: DeviceNode;
  readonly cuts: number;
  readonly violations: readonly Violation[];
}

/** Sessions without a fault after the last one of a line, so that its consequences show. */
const MORE_SESSIONS = 24;

/**
 * Runs the sessions of a finding, with power that is really cut, and then as many more without a
 * fault as it takes to come to rest.
 */
export function* replay(world: World, edges: readonly Edge[]): Generator<ReplayedSession> {
  const known = new KnownPages(world.geometry, [world.factory, world.next]);
  const checks = new Checks(world, known);
  const facts = new PageFactsCache(world.geometry);
  const viewOf = (state: DeviceState): StoreView =>
    new StoreView(world.geometry, state.nand, facts);
  let node = world.root;
  let cuts = 0;
  for (let number = 0; number < edges.length + MORE_SESSIONS; number++) {
    const edge = edges[number] ?? { decay: null, choices: "", cut: null };
    const from = edge.decay === null ? node : decayed(world, node, edge.decay);
    const choices = new SessionChoices(edge.choices);
    const session = runSession(world, from, { choices, cut: edge.cut });
    const { end, after } = session;
    const to = { state: after, entry: end.kind === "reset" ? end.entry : POWER_ON };
    const view = viewOf(after);
    const last = session.steps.at(-1)?.before ?? from.state;
    const violations = [
      ...checks.checkSession(session, from.state, cuts),
      ...checks.checkState(after, view),
      ...checks.checkProgress(viewOf(last).floor, view),
    ];
    if (edge.cut !== null) cuts += 1;
    yield { session, choices: choices.letters, from, to, cuts, violations };
    if (end.kind !== "reset" && end.kind !== "power-lost" && number >= edges.length - 1) return;
    node = to;
  }
}

/** A copy of the node in which a page of the store cannot be read any more. */
function decayed(world: World, node: DeviceNode, page: number): DeviceNode {
  const state = forkState(node.state);
  const flash = world.geometry.chip.make(state.nand, {});
  const bits = flash.eccStrengthBits + 1;
  if (flash instanceof NandChip) flash.decayPage(page, bits, createRandom(page));
  else throw new InternalError("explore/decay", "only NAND pages decay");
  return { ...node, state };
}

/** A replayed session as text. */
export function describeSession(world: World, replayed: ReplayedSession, number: number): string[] {
  const { session, from, choices, violations } = replayed;
  const { end, steps, events } = session;
  const cut = end.kind === "power-lost" ? steps.at(-1)?.operation : undefined;
  const chosen = choices === "" ? "" : `, choices ${choices}`;
  return [
    `session ${number}: ${from.entry.reason}${chosen}`,
    ...events.map((text) => `    ${text}`),
    ...steps.map(({ operation }, index) => `    ${index} ${describeOperation(operation)}`),
    `  ${cut === undefined ? end.kind : `power lost at ${describeOperation(cut)}`}`,
    ...describeJournal(world, replayed.to.state).map((text) => `    ${text}`),
    ...violations.map(({ invariant, text }) => `  VIOLATION ${invariant}: ${text}`),
  ];
}

function describeOperation({ kind, device, address, length }: FlashOperation): string {
  return `${kind} ${device} 0x${address.toString(16)} + ${length}`;
}

/** What each page of the journal says, newest block of each chain first. */
function describeJournal(world: World, state: DeviceState): string[] {
  const view = new StoreView(world.geometry, state.nand, new PageFactsCache(world.geometry));
  const { pagesPerBlock } = view.shape;
  return view.chains.flatMap((chain, id) =>
    chain.heads.map(({ firstPage }) => {
      const pages: string[] = [];
      for (let page = firstPage; page < firstPage + pagesPerBlock; page++) {
        const { record, isBlank, status } = view.page(page);
        if (isBlank && status === "ok") continue;
        const unstable = view.isUnstable(page) ? "?" : "";
        const copy = record?.isCopy === true ? "=" : "";
        const text =
          record === null ? "torn" : `${copy}${record.sequence} ${stateName(record.record.state)}`;
        pages.push(text + unstable);
      }
      return `chain ${id}, block ${firstPage / pagesPerBlock}: ${pages.join(", ")}`;
    }),
  );
}
