// SPDX-License-Identifier: Apache-2.0
import { InternalError } from "@tandem/base";
import type { MemoryStorage } from "@tandem/flash";
import { describe, expect, it } from "vitest";

import { addSlot } from "./core-key.js";
import { POWER_ON } from "./device-state.js";
import type { DeviceState } from "./device-state.js";
import { Fingerprint, fingerprintOf } from "./fingerprint.js";
import { cutState } from "./forked-cuts.js";
import { addJournal } from "./journal-key.js";
import { KnownPages } from "./known-pages.js";
import { PageFactsCache } from "./page-facts.js";
import { runSession } from "./session.js";
import type { Session } from "./session.js";
import { StateKeys } from "./state-key.js";
import { StoreView } from "./store-view.js";
import type { ViewedRecord } from "./store-view.js";
import { createWorld } from "./world.js";

const world = createWorld({ profile: "small", flash: "nand-1bit", scenario: "good" });
const { geometry, factory, next, root } = world;
const known = new KnownPages(geometry, [factory, next]);

function keyOf(add: (key: Fingerprint) => void): string {
  const key = new Fingerprint();
  add(key);
  return `${key.high},${key.low}`;
}

describe("the closed key of a journal", () => {
  const view = new StoreView(geometry, root.state.nand, new PageFactsCache(geometry));
  const [found] = view.winners;
  if (found === undefined) throw new InternalError("explore/test", "no record in the journal");
  const keyWith = (winners: readonly ViewedRecord[], flags = 0): string =>
    keyOf((key) => addJournal(key, { winners, blockFlags: () => flags }, geometry));

  it("tells the old record, the new one, and either of them apart, and failed blocks", () => {
    const other = { ...found, key: fingerprintOf(new Uint8Array(3)) };
    const third = { ...found, key: fingerprintOf(new Uint8Array(4)) };
    const either = [keyWith([found, other]), keyWith([found, third])];
    const keys = [keyWith([found]), keyWith([other]), ...either, keyWith([found], 2)];
    expect(new Set(keys).size).toBe(5);
  });

  it("asks for nothing else of a record than what it says", () => {
    expect(keyWith([{ ...found, sequence: found.sequence + 7n }])).toBe(keyWith([found]));
  });
});

describe.each([
  ["app", geometry.map.appSlot.start / geometry.map.appFlash.pageBytes],
  ["net", geometry.map.netSlot.start / geometry.map.netFlash.pageBytes],
] as const)("the closed key of the %s slot", (core, first) => {
  const whole = root.state[core === "app" ? "appFlash" : "netFlash"];
  const keyWith = (change: (storage: MemoryStorage) => void, isOverwritten = true): string => {
    const storage = whole.fork();
    change(storage);
    return keyOf((key) => addSlot(key, { core, storage, geometry, known, isOverwritten }));
  };
  const blank = (page: number) => (storage: MemoryStorage) => storage.erase(first + page, 1);
  const unstable = (page: number) => (storage: MemoryStorage) =>
    storage.medium.setPage(first + page, { goodChance: 9, span: { start: 8, length: 4 } });

  it("tells what is whole from what is broken, and from what is whole at times", () => {
    const keys = [keyWith(() => undefined), keyWith(blank(1)), keyWith(unstable(1))];
    expect(new Set(keys).size).toBe(3);
  });

  it("takes what is broken for one, as long as it is written anew before anything goes by it", () => {
    const twice = (storage: MemoryStorage): void => {
      blank(1)(storage);
      unstable(1)(storage);
    };
    expect(keyWith(twice)).toBe(keyWith(blank(1)));
    expect(keyWith(twice, false)).not.toBe(keyWith(blank(1), false));
  });
});

describe("the closed key of a device that loses power", () => {
  const keys = new StateKeys(geometry, known, "closed");
  const download = runSession(world, root);
  const install = runSession(world, { state: download.after, entry: POWER_ON });
  const cutIn = (session: Session, operation: number): DeviceState =>
    cutState(geometry, session, { operation, when: "inside", tear: "unstable" });
  const markerKey = (state: DeviceState): string =>
    JSON.stringify(keys.partsOf({ state, entry: POWER_ON }, keys.viewOf(state))[4]);

  it("tells an unstable page in a bank only where receiving may go on from one place or another", () => {
    const { pageBytes, pagesPerBlock } = geometry.chip.shape;
    const journalPages = geometry.limits.journalBlocks * pagesPerBlock;
    const pages = download.steps.flatMap(({ operation: { kind, device, address } }, number) => {
      const page = address / pageBytes;
      if (device !== "nand" || kind !== "program" || page < journalPages) return [];
      return [{ page, isSeen: keys.countUnstable(cutIn(download, number)) === 1 }];
    });
    const seen = pages.filter(({ isSeen }) => isSeen).map(({ page }) => page);
    // Headers of the first copy, but for each image's first block: what is begun vouches for the
    // block before it. Application: blocks 20 to 22; network core: 26 and 27.
    expect(seen).toEqual([21, 22, 27].map((block) => block * pagesPerBlock));
    expect(pages.length).toBeGreaterThan(30);
  });

  it("tells each entry of the marker, each mark in it, and entries that are unstable", () => {
    const writes = install.steps.flatMap(({ operation: { device, kind, address } }, number) =>
      device === "app-flash" && kind === "write" && address >= geometry.map.marker.start
        ? [number]
        : [],
    );
    const found = writes.flatMap((number) => [
      markerKey(cutState(geometry, install, { operation: number, when: "after", tear: null })),
      markerKey(cutIn(install, number)),
    ]);
    // Installing, a mark for each core, and the trial.
    expect(writes.length).toBe(4);
    expect(new Set(found).size).toBe(8);
  });
});
