// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { MemoryStorage, NorChip, NRF5340_APP_FLASH, PowerLoss, flashArea } from "@tandem/flash";
import type { Cut, Power, RuleViolation } from "@tandem/flash";
import { describe, expect, it } from "vitest";

import { Marker } from "./marker.js";
import type { MarkerKind } from "./marker.js";

const violations: RuleViolation[] = [];

function markerOn(
  storage: MemoryStorage,
  power?: Power,
  unstableReadIsGood?: () => boolean,
): Marker {
  const chip = new NorChip({
    name: "app-flash",
    profile: NRF5340_APP_FLASH,
    storage,
    ...(power === undefined ? {} : { power }),
    ...(unstableReadIsGood === undefined ? {} : { unstableReadIsGood }),
    onViolation: (violation) => violations.push(violation),
  });
  return new Marker(flashArea(chip, 0, 2 * 4096));
}

const idOf = (n: number): Uint8Array => createRandom(n).bytes(32);
const KINDS: readonly MarkerKind[] = ["installing", "trial", "accepted", "stopgap"];

function write(marker: Marker, kind: MarkerKind, id: Uint8Array): void {
  if (kind === "installing") marker.beginInstall(id, []);
  else marker.write(kind, id);
}

function writeUntilCut(marker: Marker, id: Uint8Array): void {
  try {
    marker.write("accepted", id);
  } catch (error) {
    if (!(error instanceof PowerLoss)) throw error;
  }
}

describe("Marker", () => {
  it("counts a blank area as installing", () => {
    expect(markerOn(new MemoryStorage()).read().kind).toBe("installing");
  });

  it("keeps the newest entry through any number of pages, and writes nothing twice", () => {
    const storage = new MemoryStorage();
    for (let i = 0; i < 700; i++) {
      const kind = KINDS[i % 4] ?? "trial";
      const marker = markerOn(storage);
      write(marker, kind, idOf(i));
      const before = markerOn(storage).read();
      expect(before.kind).toBe(kind);
      expect(before.releaseId).toEqual(idOf(i).subarray(0, 16));
      write(marker, kind, idOf(i));
      expect(markerOn(storage).read().sequence).toBe(before.sequence);
    }
    expect(violations).toEqual([]);
  });

  it("is old or new after a cut anywhere in a write, and then goes on", () => {
    for (const when of ["before", "inside", "after"] as const) {
      // Around the end of a page.
      for (let entries = 78; entries < 92; entries++) {
        for (let at = 0; at < 2; at++) {
          const storage = new MemoryStorage();
          for (let i = 0; i < entries; i++) {
            write(markerOn(storage), KINDS[i % 4] ?? "trial", idOf(i));
          }
          const old = markerOn(storage).read();
          let count = 0;
          const cut: Cut = { when, random: createRandom(entries) };
          const power: Power = { begin: () => (count++ === at ? cut : null) };
          writeUntilCut(markerOn(storage, power), idOf(999));
          const found = markerOn(storage).read();
          const isNew = found.kind === "accepted" && found.releaseId[0] === idOf(999)[0];
          expect(isNew || found.sequence === old.sequence).toBe(true);
          markerOn(storage).write("trial", idOf(1000));
          expect(markerOn(storage).read().releaseId).toEqual(idOf(1000).subarray(0, 16));
        }
      }
    }
    expect(violations).toEqual([]);
  });

  it("knows which cores hold their image while a release is installed", () => {
    const storage = new MemoryStorage();
    const [a, b] = [idOf(1), idOf(2)];
    markerOn(storage).write("accepted", a);
    const marker = markerOn(storage);
    marker.beginInstall(b, [false, false, true]);
    expect(markerOn(storage).read()).toMatchObject({
      kind: "installing",
      marks: ["blank", "blank", "cleared", "blank"],
    });
    marker.coreInstalled(1);
    const { sequence } = markerOn(storage).read();
    marker.beginInstall(b, [false, true, true]);
    expect(markerOn(storage).read()).toMatchObject({
      sequence,
      marks: ["blank", "cleared", "cleared", "blank"],
    });
    // A core that is touched again does not hold its image any more.
    marker.beginInstall(b, [false, false, true]);
    expect(markerOn(storage).read().marks).toEqual(["blank", "blank", "cleared", "blank"]);
    expect(violations).toEqual([]);
  });

  it("says installing for good before a core is touched, also after a cut that left it unstable", () => {
    // In the last place of a page, and before it.
    for (const entries of [84, 10]) {
      const storage = new MemoryStorage();
      for (let i = 0; i < entries; i++) markerOn(storage).write("accepted", idOf(i));
      const cut: Cut = { when: "inside", tear: "unstable", random: createRandom(1) };
      const cutMarker = markerOn(storage, { begin: () => cut });
      expect(() => cutMarker.beginInstall(idOf(999), [])).toThrow(PowerLoss);
      expect(markerOn(storage, undefined, () => false).read().kind).toBe("accepted");
      const isGood = { now: true };
      const marker = markerOn(storage, undefined, () => isGood.now);
      expect(marker.read().kind).toBe("installing");
      marker.beginInstall(idOf(999), []);
      isGood.now = false;
      expect(marker.read()).toMatchObject({
        kind: "installing",
        releaseId: idOf(999).subarray(0, 16),
      });
    }
    expect(violations).toEqual([]);
  });

  it("believes its newest entry when a torn one before it reads well again", () => {
    const storage = new MemoryStorage();
    // One place is left in the first page: the second one has been filled before it.
    for (let i = 0; i < 85 + 84; i++) markerOn(storage).write("accepted", idOf(i));
    const cut: Cut = { when: "inside", tear: "unstable", random: createRandom(1) };
    const cutMarker = markerOn(storage, { begin: () => cut });
    expect(() => cutMarker.write("trial", idOf(999))).toThrow(PowerLoss);
    markerOn(storage, undefined, () => false).beginInstall(idOf(1000), []);
    expect(markerOn(storage, undefined, () => true).read()).toMatchObject({
      kind: "installing",
      releaseId: idOf(1000).subarray(0, 16),
    });
    expect(violations).toEqual([]);
  });

  it("counts three starts of a release on trial, cut ones too", () => {
    const storage = new MemoryStorage();
    markerOn(storage).write("trial", idOf(1));
    let count = 0;
    const cut: Cut = { when: "inside", tear: "some-bits", random: createRandom(3) };
    const power: Power = { begin: () => (count++ === 0 ? cut : null) };
    expect(() => markerOn(storage, power).countTrialStart()).toThrow(PowerLoss);
    const starts = [1, 2, 3].map(() => markerOn(storage).countTrialStart());
    expect(starts.filter(Boolean).length).toBe(2);
    expect(markerOn(storage).read().kind).toBe("trial");
  });
});
