// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { MemoryStorage, NandChip } from "@tandem/flash";
import { SetState, lookUpBlock, planStore } from "@tandem/store";
import type { BankImage, StateRecord } from "@tandem/store";

import { Checks, resultOf } from "../../checks.js";
import type { Violation } from "../../checks.js";
import { POWER_ON, forkState } from "../../device-state.js";
import type { DeviceNode, DeviceState } from "../../device-state.js";
import { forgeImage } from "../../forge-image.js";
import { KnownPages } from "../../known-pages.js";
import { PageFactsCache } from "../../page-facts.js";
import { makeRelease } from "../../releases.js";
import { runSession } from "../../session.js";
import type { Session } from "../../session.js";
import { decayPage } from "../../store-damage.js";
import { StoreView } from "../../store-view.js";
import type { ViewedHead } from "../../store-view.js";
import { createTwin } from "../../world.js";
import type { World } from "../../world.js";
import type { Catch, OtherFault } from "./plant.js";

/** Sessions without a fault that a device gets to come to rest. */
const MAX_FOLLOWED = 40;

/** A moment of the story, and the device in it. */
interface Moment {
  readonly node: DeviceNode;
  /** Newest record then. */
  readonly record: StateRecord;
}

/** A device with a fault, and what must hold of it all the same. */
interface Case {
  readonly node: DeviceNode;
  readonly holds: "starts" | "everything" | "everything-or-refused" | "everything-but-result";
  /** Power goes whenever the network core is written while this bank is installed. */
  readonly brownoutBank?: number | null;
}

/** Makes one kind of fault at each moment of a story without cuts, until the first violation. */
export function huntOtherFault(world: World, fault: OtherFault, maxSessions: number): Catch {
  const known = new KnownPages(world.geometry, [world.factory, world.next]);
  const checks = new Checks(world, known);
  let sessions = 0;
  for (const { node, holds, brownoutBank = null } of casesOf(world, fault)) {
    let at = node;
    for (let number = 0; sessions < maxSessions; number++) {
      const session = runWithBrownout(world, at, brownoutBank);
      sessions += 1;
      const violations = breaches(world, session, checks.checkSession(session, 0), holds);
      if (number === MAX_FOLLOWED) {
        violations.push({ invariant: "I4", text: `not at rest after ${number} sessions` });
      }
      if (violations.length > 0) return { violations, sessions, line: null };
      const { end, after } = session;
      const isOver = end.kind !== "reset" && end.kind !== "power-lost";
      if (isOver) break;
      at = { state: after, entry: end.kind === "reset" ? end.entry : POWER_ON };
    }
  }
  return { violations: [], sessions, line: null };
}

function runWithBrownout(world: World, node: DeviceNode, bank: number | null): Session {
  const session = runSession(world, node);
  const isInstalled = session.events.some((text) => text.startsWith(`installing bank ${bank},`));
  const operation = session.steps.findIndex(
    ({ operation: { device, kind } }) => device === "net-flash" && kind === "write",
  );
  if (!isInstalled || operation === -1) return session;
  return runSession(world, node, { cut: { operation, when: "inside", tear: null } });
}

function breaches(
  world: World,
  { end }: Session,
  all: readonly Violation[],
  holds: Case["holds"],
): Violation[] {
  const isRefused = end.kind === "rest" && resultOf(world, end.found.status) === "refused";
  return all.filter(({ invariant }) => {
    if (holds === "starts") return invariant === "I1" || invariant === "I2";
    if (invariant !== "result") return true;
    return holds === "everything" || (holds === "everything-or-refused" && !isRefused);
  });
}

function casesOf(world: World, fault: OtherFault): Iterable<Case> {
  const { sessions, moments } = storyOf(world);
  switch (fault) {
    case "lost-store":
      return moments.map((moment) => withStore(moment, new MemoryStorage()));
    case "exchanged-store":
      return moments.flatMap((moment) =>
        sessions.map(({ node }) => withStore(moment, node.state.nand.fork())),
      );
    case "forged-image":
      return moments.flatMap((moment) => forged(world, moment));
    case "miscorrection":
      return sessions.flatMap((moment) => withMiscorrection(world, moment));
    case "loss":
      return sessions.flatMap((moment) => withLoss(world, moment));
    case "brownout":
      return [{ node: world.root, holds: "everything-but-result", brownoutBank: 1 }];
    case "damaged-slot":
      return [...sessions, ...moments.slice(-1)].flatMap((moment) => withDamage(world, moment));
    default:
      return fault satisfies never;
  }
}

/** The story as it goes without a fault: where sessions begin, and each operation of them. */
function storyOf(world: World): { readonly sessions: Moment[]; readonly moments: Moment[] } {
  const facts = new PageFactsCache(world.geometry);
  const sessions: Moment[] = [];
  const moments: Moment[] = [];
  const momentOf = (node: DeviceNode): Moment[] => {
    const { chains } = new StoreView(world.geometry, node.state.nand, facts);
    const record = chains[0].candidates[0]?.record;
    return record === undefined ? [] : [{ node, record }];
  };
  let node = world.root;
  for (let number = 0; number < MAX_FOLLOWED; number++) {
    sessions.push(...momentOf(node));
    const session: Session = runSession(world, node);
    for (const { before, operation } of session.steps) {
      if (operation.device !== "nand")
        moments.push(...momentOf({ state: before, entry: POWER_ON }));
    }
    const { end, after } = session;
    moments.push(...momentOf({ state: after, entry: POWER_ON }));
    if (end.kind !== "reset") break;
    node = { state: after, entry: end.entry };
  }
  return { sessions, moments };
}

/** A page of what the application core holds is gone: MCUboot would not start it. */
function withDamage(world: World, { node }: Moment): readonly Case[] {
  const { start, sizeBytes } = world.geometry.map.appSlot;
  const { pageBytes } = world.geometry.map.appFlash;
  return Array.from({ length: sizeBytes / pageBytes }, (_, page): Case => {
    const state = forkState(node.state);
    createTwin(world, state).appFlash.erasePage(start + page * pageBytes);
    return { node: { ...node, state }, holds: "everything-but-result" };
  });
}

/** Another chip is in its place; whatever it says, only what belongs together may start. */
function withStore({ node }: Moment, nand: MemoryStorage): Case {
  const state: DeviceState = { ...forkState(node.state), nand };
  return { node: { state, entry: POWER_ON }, holds: "starts" };
}

/**
 * Somebody has written another network core image to the candidate's bank, with summaries that fit:
 * the store is not signed. b0n would take it.
 */
function forged(world: World, { node, record }: Moment): readonly Case[] {
  const { crypto, geometry } = world;
  const image = record.banks[record.candidateBank ?? -1]?.images[1];
  if (image === undefined || !image.isReceived) return [];
  const other = makeRelease(crypto, geometry, { version: "6.6.6", securityCounter: 9 });
  const bytes = other.images[1];
  if (bytes === undefined || bytes.length !== image.sizeBytes) return [];
  const state = forkState(node.state);
  forgeImage(world, state, image, bytes);
  return [{ node: { state, entry: POWER_ON }, holds: "starts" }];
}

/** One page is bad: of one copy of the accepted or the received release, or of one chain. */
function withMiscorrection(world: World, { node, record }: Moment): readonly Case[] {
  const banks = [record.acceptedBank, record.candidateBank];
  const places = banks.flatMap((bank) => placesOfBank(world, record, bank)).flat();
  const newest = new StoreView(world.geometry, node.state.nand, new PageFactsCache(world.geometry));
  const pages = [...places, ...newest.chains.flatMap(({ heads }) => lastPage(newest, heads[0]))];
  return pages.map((page) => {
    const state = forkState(node.state);
    const flash = world.geometry.chip.make(state.nand, {});
    if (flash instanceof NandChip) flash.cells.corruptSilently(page, createRandom(page));
    return { node: { ...node, state }, holds: "everything" };
  });
}

/** Where the newest record of a chain stands. */
function lastPage(view: StoreView, head: ViewedHead | undefined): readonly number[] {
  if (head === undefined) return [];
  const pages = Array.from({ length: view.shape.pagesPerBlock }, (_, i) => head.firstPage + i);
  return pages.filter((page) => view.page(page).record !== null).slice(-1);
}

/** A page of the accepted release is gone in both copies: then nothing may be touched. */
function withLoss(world: World, { node, record }: Moment): readonly Case[] {
  const { state, acceptedBank } = record;
  const isUntouched =
    state === SetState.READY ||
    state === SetState.WRITING ||
    state === SetState.CANDIDATE ||
    state === SetState.STAGED;
  if (!isUntouched) return [];
  return placesOfBank(world, record, acceptedBank).map((pages) => {
    const device = forkState(node.state);
    for (const page of pages) decayPage(world.geometry, device.nand, { page, kind: "lost" });
    return { node: { ...node, state: device }, holds: "everything-or-refused" };
  });
}

/** Where each page of a bank stands, in both copies. */
function placesOfBank(
  { geometry }: World,
  record: StateRecord,
  bank: number | null,
): readonly (readonly number[])[] {
  const plan = planStore(geometry.chip.shape, geometry.limits);
  const images = record.banks[bank ?? -1]?.images ?? [];
  return images.filter(({ isReceived }) => isReceived).flatMap((image) => placesOf(image, plan));
}

/** Where the pages of an image stand, summaries too: in both copies. */
function placesOf(image: BankImage, plan: ReturnType<typeof planStore>): readonly number[][] {
  const { pageBytes, pagesPerBlock, dataPagesPerBlock } = plan;
  const count = Math.ceil(image.sizeBytes / pageBytes);
  const at = (index: number, shift: number): number[] =>
    image.copies.flatMap((extents) => {
      const block = lookUpBlock(extents, Math.floor(index / dataPagesPerBlock))?.block;
      return block === undefined
        ? []
        : [block * pagesPerBlock + 1 + (index % dataPagesPerBlock) + shift];
    });
  return Array.from({ length: count }, (_, index) => {
    const endsBlock = index === count - 1 || index % dataPagesPerBlock === dataPagesPerBlock - 1;
    return endsBlock ? [at(index, 0), at(index, 1)] : [at(index, 0)];
  }).flat();
}
