// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { MemoryStorage, NandChip } from "@tandem/flash";
import { SetState, lookUpBlock, stateName } from "@tandem/store";
import type { BankImage, StateRecord } from "@tandem/store";

import { stepOf } from "../coverage.js";
import { forkState } from "../device-state.js";
import type { DeviceNode, DeviceState, Entry } from "../device-state.js";
import { POWER_ON } from "../device-state.js";
import { cutState, cutsOf } from "../forked-cuts.js";
import { forgeImage } from "../forge-image.js";
import { PageFactsCache } from "../page-facts.js";
import { makeRelease } from "../releases.js";
import { runSession } from "../session.js";
import type { Session } from "../session.js";
import { StoreView } from "../store-view.js";
import type { World } from "../world.js";

/** A device that is worth a vector. */
export interface VectorState {
  /** What it is about: a vector is taken from each group before a second one from any. */
  readonly group: string;
  readonly node: () => DeviceNode;
}

/** A device between two sessions of a story, its newest record, and the session that follows. */
interface Moment {
  readonly node: DeviceNode;
  readonly record: StateRecord;
  readonly session: Session;
}

/** Sessions of a story, and boots after damage, at most. */
const MOST_SESSIONS = 32;
const WATCHDOG: Entry = { reason: "watchdog", watchdogRuns: false };

/**
 * States to boot from: each session of a story without a fault; the same cut at each operation; and
 * devices whose store is gone or of another time, whose accepted bank is lost, whose application
 * core is damaged, whose network image is forged, and whose pages have decayed, with what their boots
 * lead to. None has pages that read differently from time to time.
 * @param isWanted asked before damage is followed: stories differ little in what comes of it
 */
export function* vectorStates(
  world: World,
  isWanted: (group: string) => boolean,
): Generator<VectorState> {
  const facts = new PageFactsCache(world.geometry);
  const moments = [...momentsOf(world, world.root, facts)];
  for (const moment of moments) {
    const { node, record } = moment;
    const state = stateName(record.state);
    yield { group: `story ${state}`, node: () => node };
    yield* cutsIn(world, moment, { moments, facts });
    for (const [what, damaged] of damagesOf(world, node, record)) {
      const group = `${what} ${state}`;
      if (isWanted(group)) yield* followed(world, group, damaged);
    }
  }
}

function* momentsOf(world: World, from: DeviceNode, facts: PageFactsCache): Generator<Moment> {
  let node = from;
  for (let number = 0; number < MOST_SESSIONS; number++) {
    const session = runSession(world, node);
    const view = new StoreView(world.geometry, node.state.nand, facts);
    if (view.floor !== null) yield { node, record: view.floor.record, session };
    const { end, after } = session;
    if (end.kind === "rest") {
      // Switched off and on again once more.
      const last = new StoreView(world.geometry, after.nand, facts).floor;
      const rest = { state: after, entry: POWER_ON };
      if (last !== null)
        yield { node: rest, record: last.record, session: runSession(world, rest) };
    }
    if (end.kind !== "reset") return;
    node = { state: after, entry: end.entry };
  }
}

function* cutsIn(
  world: World,
  { session }: Moment,
  story: { readonly moments: readonly Moment[]; readonly facts: PageFactsCache },
): Generator<VectorState> {
  const { moments, facts } = story;
  const { geometry } = world;
  for (const [number, { operation, before }] of session.steps.entries()) {
    const { floor } = new StoreView(geometry, before.nand, facts);
    if (floor === null) continue;
    const state = stateName(floor.record.state);
    const step = stepOf(geometry, operation, state).replace(" ", "-");
    for (const cut of cutsOf(operation, number)) {
      if (cut.tear === "unstable") continue;
      const node = (): DeviceNode => ({
        state: cutState(geometry, session, cut),
        entry: POWER_ON,
      });
      yield { group: `cut ${state} ${step} ${cut.tear ?? cut.when}`, node };
      if (cut.when === "after") {
        yield { group: `no-store cut ${state} ${step}`, node: () => withoutStore(node()) };
        if (state === "INSTALLING") {
          const { record } = floor;
          yield { group: `net-forged ${step}`, node: () => withForgedNet(world, node(), record) };
          for (const other of moments) {
            const group = `store-of ${stateName(other.record.state)} ${step}`;
            yield { group, node: () => withStoreOf(node(), other.node) };
          }
        }
      }
    }
  }
}

/** The newest record of a device in words: its state, and whether a stopgap runs. */
export function recordWords({ geometry }: World, { nand }: DeviceState): readonly string[] {
  const { floor } = new StoreView(geometry, nand, new PageFactsCache(geometry));
  if (floor === null) return ["none"];
  const { state, isLimp } = floor.record;
  return isLimp ? [stateName(state), "limp"] : [stateName(state)];
}

/** The state, and those that its boots lead to. */
function* followed(world: World, group: string, from: DeviceNode): Generator<VectorState> {
  let node = from;
  for (let boots = 0; boots < MOST_SESSIONS; boots++) {
    const at = node;
    const later = boots === 0 ? "" : ` later ${recordWords(world, at.state).join(" ")}`;
    yield { group: group + later, node: () => at };
    const { end, after } = runSession(world, at);
    if (end.kind === "reset") node = { state: after, entry: end.entry };
    // An application without a store runs until something resets it.
    else if (end.kind === "error" && boots < 4) node = { state: after, entry: WATCHDOG };
    else return;
  }
}

/** What may happen to a device while it is off, by name. */
function* damagesOf(
  world: World,
  node: DeviceNode,
  record: StateRecord,
): Generator<readonly [string, DeviceNode]> {
  yield ["no-store", withoutStore(node)];
  yield ["app-damaged", withDamagedApp(node)];
  const { TRIAL, REJECTED, STAGED } = SetState;
  if (record.state === TRIAL || record.state === REJECTED) {
    yield ["bank-lost", withLostBank(world, node, record)];
  }
  if (record.state === STAGED) yield* decayed(world, node, record);
}

function withoutStore({ state, entry }: DeviceNode): DeviceNode {
  return { state: { ...forkState(state), nand: new MemoryStorage() }, entry };
}

/** Somebody has put another device's store in, or one of another time. */
function withStoreOf({ state, entry }: DeviceNode, other: DeviceNode): DeviceNode {
  return { state: { ...forkState(state), nand: other.state.nand.fork() }, entry };
}

/** Somebody has exchanged the network core's image in the store, behind all checks of it. */
function withForgedNet(
  world: World,
  { state, entry }: DeviceNode,
  record: StateRecord,
): DeviceNode {
  const image = record.banks[record.targetBank ?? -1]?.images[1];
  const { crypto, geometry } = world;
  const other = makeRelease(crypto, geometry, { version: "6.6.6", securityCounter: 9 });
  const forged = forkState(state);
  const bytes = other.images[1];
  if (image !== undefined && bytes?.length === image.sizeBytes) {
    forgeImage(world, forged, image, bytes);
  }
  return { state: forged, entry };
}

function withDamagedApp({ state, entry }: DeviceNode): DeviceNode {
  const damaged = forkState(state);
  // Whatever is first: the image's header is in it.
  for (let page = 0; page < MOST_APP_PAGES; page++) {
    const bytes = damaged.appFlash.read(page);
    if (bytes === null) continue;
    damaged.appFlash.write(
      page,
      bytes.map((byte) => byte & 0x5a),
    );
    break;
  }
  return { state: damaged, entry };
}

/** More pages than the application core's flash has. */
const MOST_APP_PAGES = 0x10_0000 / 512;

/** Both copies of the accepted bank's first image are gone: something else has to be found. */
function withLostBank(world: World, { state, entry }: DeviceNode, record: StateRecord): DeviceNode {
  const lost = forkState(state);
  const [image] = record.banks[record.acceptedBank ?? -1]?.images ?? [];
  for (const block of image === undefined ? [] : firstBlocks(image)) eraseBlock(world, lost, block);
  return { state: lost, entry };
}

function firstBlocks({ copies }: BankImage): readonly number[] {
  return copies
    .map((extents) => lookUpBlock(extents, 0)?.block)
    .filter((block) => block !== undefined);
}

function eraseBlock({ geometry }: World, { nand }: DeviceState, block: number): void {
  const { shape, pagesPerStoragePage } = geometry.chip;
  const pages = shape.pagesPerBlock / pagesPerStoragePage;
  nand.erase(block * pages, pages);
}

/** One page of either bank, weak or lost in one of its copies. */
function* decayed(
  world: World,
  { state, entry }: DeviceNode,
  record: StateRecord,
): Generator<readonly [string, DeviceNode]> {
  const { acceptedBank, candidateBank } = record;
  for (const [bank, name] of [
    [acceptedBank, "accepted"],
    [candidateBank, "candidate"],
  ] as const) {
    const [image] = record.banks[bank ?? -1]?.images ?? [];
    const [block] = image === undefined ? [] : firstBlocks(image);
    if (block === undefined) continue;
    for (const kind of ["weak", "lost"] as const) {
      const worse = forkState(state);
      const flash = world.geometry.chip.make(worse.nand, {});
      if (!(flash instanceof NandChip)) return;
      const bits = flash.eccStrengthBits + (kind === "lost" ? 1 : 0);
      flash.decayPage(block * flash.geometry.pagesPerBlock + 1, bits, createRandom(block));
      yield [`${kind}-page ${name}`, { state: worse, entry }];
    }
  }
}
