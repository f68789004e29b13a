// SPDX-License-Identifier: Apache-2.0
import type { FlashOperation } from "@tandem/flash";
import { stateName } from "@tandem/store";

import type { DeviceState } from "./device-state.js";
import { NO_FAULTS } from "./faults.js";
import type { TransportFault } from "./faults.js";
import { Journey, JourneyChecks } from "./journey.js";
import type { JourneyStep } from "./journey.js";
import { PageFactsCache } from "./page-facts.js";
import type { Session } from "./session.js";
import { StoreView } from "./store-view.js";
import type { Edge } from "./trail.js";
import type { World } from "./world.js";

/** One session of a replay. */
export interface ReplayedSession extends JourneyStep {
  readonly edge: Edge;
}

/** Sessions without a fault after the last one of a line, so that its consequences show. */
const MORE_SESSIONS = 24;

/**
 * Runs the sessions of a finding, with power that is really cut, and then as many more without a
 * fault as it takes to come to rest.
 */
export function* replay(world: World, edges: readonly Edge[]): Generator<ReplayedSession> {
  const journey = new Journey(new JourneyChecks(world));
  for (let number = 0; number < edges.length + MORE_SESSIONS; number++) {
    const edge = edges[number] ?? { faults: NO_FAULTS, choices: "", cut: null };
    const step = journey.run(edge);
    yield { ...step, edge };
    const { kind } = step.session.end;
    if (kind !== "reset" && kind !== "power-lost" && number >= edges.length - 1) return;
  }
}

/** A replayed session as text. */
export function describeSession(world: World, replayed: ReplayedSession, number: number): string[] {
  const { session, from, choices, violations, edge } = replayed;
  const { steps, events } = session;
  const chosen = choices === "" ? "" : `, choices ${choices}`;
  const { decay, badAt, transport } = edge.faults;
  return [
    `session ${number}: ${from.entry.reason}${chosen}`,
    ...(decay === null ? [] : [`  page ${decay.page} of the store ${DECAY_WORDS[decay.kind]}`]),
    ...(transport === null ? [] : [`  transport: ${TRANSPORT_WORDS[transport]}`]),
    ...events.map((text) => `    ${text}`),
    ...steps.map(({ operation }, index) => {
      const fails =
        index === badAt && operation.device === "nand" ? ", which fails: the block goes bad" : "";
      return `    ${index} ${describeOperation(operation)}${fails}`;
    }),
    `  ${describeEnd(session, edge)}`,
    ...describeJournal(world, replayed.to.state).map((text) => `    ${text}`),
    ...violations.map(({ invariant, text }) => `  VIOLATION ${invariant}: ${text}`),
  ];
}

const DECAY_WORDS = {
  lost: "has decayed: ECC cannot correct it any more",
  weak: "has decayed: as many bits are wrong as ECC corrects",
} as const;

const TRANSPORT_WORDS: Readonly<Record<TransportFault, string>> = {
  dropped: "the connection goes in the middle of an image; another one goes on from there",
  truncated: "a file ends early",
  "wrong-content": "a fragment holds another byte than the file",
  exchanged: "the server exchanges the file in the middle of the download",
  "other-release": "the server offers another release in the middle, and then this one again",
  "stale-etag": "the file comes from its start again",
};

function describeEnd({ end, steps }: Session, { cut }: Edge): string {
  const operation = steps.at(-1)?.operation;
  const isAtOperation = cut?.operation === steps.length - 1;
  if (operation === undefined || cut === null || !isAtOperation) return end.kind;
  const what = cut.when === "reset" ? `reset (${cut.reason}) during` : `power lost ${cut.when}`;
  const left = cut.tear === null ? "" : `, which leaves: ${cut.tear}`;
  return `${what} ${describeOperation(operation)}${left}`;
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
