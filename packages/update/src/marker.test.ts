// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { MemoryStorage, NorChip, NRF5340_APP_FLASH, PowerLoss, flashArea } from "@tandem/flash";
import type { Cut, Power, RuleViolation } from "@tandem/flash";
import { describe, expect, it } from "vitest";

import { Marker } from "./marker.js";
import type { MarkerKind } from "./marker.js";

const violations: RuleViolation[] = [];

function markerOn(storage: MemoryStorage, power?: Power): Marker {
  const chip = new NorChip({
    name: "app-flash",
    profile: NRF5340_APP_FLASH,
    storage,
    ...(power === undefined ? {} : { power }),
    onViolation: (violation) => violations.push(violation),
  });
  return new Marker(flashArea(chip, 0, 2 * 4096));
}

const idOf = (n: number): Uint8Array => createRandom(n).bytes(32);
const KINDS: readonly MarkerKind[] = ["installing", "trial", "accepted"];

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
      const kind = KINDS[i % 3] ?? "trial";
      markerOn(storage).write(kind, idOf(i));
      const before = markerOn(storage).read();
      expect(before.kind).toBe(kind);
      expect(before.releaseId).toEqual(idOf(i).subarray(0, 16));
      markerOn(storage).write(kind, idOf(i));
      expect(markerOn(storage).read().sequence).toBe(before.sequence);
    }
    expect(violations).toEqual([]);
  });

  it("is old, new or installing after a cut anywhere in a write, and then goes on", () => {
    for (const when of ["before", "inside", "after"] as const) {
      for (let entries = 100; entries < 120; entries++) {
        for (let at = 0; at < 2; at++) {
          const storage = new MemoryStorage();
          for (let i = 0; i < entries; i++)
            markerOn(storage).write(KINDS[i % 3] ?? "trial", idOf(i));
          const old = markerOn(storage).read();
          let count = 0;
          const cut: Cut = { when, random: createRandom(entries) };
          const power: Power = { begin: () => (count++ === at ? cut : null) };
          writeUntilCut(markerOn(storage, power), idOf(999));
          const found = markerOn(storage).read();
          const isNew = found.kind === "accepted" && found.releaseId[0] === idOf(999)[0];
          expect(isNew || found.kind === "installing" || found.sequence === old.sequence).toBe(
            true,
          );
          markerOn(storage).write("trial", idOf(1000));
          expect(markerOn(storage).read().releaseId).toEqual(idOf(1000).subarray(0, 16));
        }
      }
    }
    expect(violations).toEqual([]);
  });
});
