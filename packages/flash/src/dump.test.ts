// SPDX-License-Identifier: Apache-2.0
import { FormatError, bytesEqual, concatBytes, createRandom } from "@tandem/base";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  detectDumpLayout,
  DUMP_LAYOUTS,
  dumpBytes,
  dumpOf,
  layoutsOfSize,
  loadDump,
  saveDump,
} from "./dump.js";
import { NandChip } from "./nand-chip.js";
import type { NandProfile } from "./nand-profile.js";
import { MT29F1G01, W25N01GV } from "./nand-profiles.js";
import { MemoryStorage } from "./page-storage.js";

const PROFILES: readonly NandProfile[] = [W25N01GV, MT29F1G01].map((profile) => ({
  ...profile,
  pagesPerBlock: 4,
  blockCount: 6,
}));

function filled(profile: NandProfile): MemoryStorage {
  const storage = new MemoryStorage();
  const chip = new NandChip({ name: "nand", profile, storage });
  for (const page of [0, 1, 4, 9]) chip.programPage(page, createRandom(page).bytes(2048));
  return storage;
}

function refuse(): never {
  throw new RangeError("read");
}

describe("dumps", () => {
  for (const profile of PROFILES) {
    it.each(DUMP_LAYOUTS)(`${profile.name}: come back as they were saved, %s`, (layout) => {
      const storage = filled(profile);
      const bytes = concatBytes(...saveDump(storage, profile, layout));
      expect(bytes).toHaveLength(dumpBytes(profile, layout));
      expect(detectDumpLayout(profile, dumpOf(bytes))).toBe(layout);
      const loaded = new MemoryStorage();
      loadDump(loaded, profile, dumpOf(bytes), layout);
      for (let page = 0; page < 24; page++) {
        const [was, is] = [storage.read(page), loaded.read(page)];
        expect(was === null || is === null ? was === is : bytesEqual(was, is)).toBe(true);
      }
    });
  }

  it("are refused by length before anything is read or allocated", () => {
    const [profile = W25N01GV] = PROFILES;
    const lengths = DUMP_LAYOUTS.map((layout) => dumpBytes(profile, layout));
    fc.assert(
      fc.property(
        fc.oneof(fc.nat(), fc.maxSafeNat()).filter((size) => !lengths.includes(size)),
        fc.constantFrom(...DUMP_LAYOUTS),
        (sizeBytes, layout) => {
          const source = { sizeBytes, read: refuse };
          expect(() => layoutsOfSize(profile, sizeBytes)).toThrow(FormatError);
          expect(() => detectDumpLayout(profile, source)).toThrow(FormatError);
          expect(() => loadDump(new MemoryStorage(), profile, source, layout)).toThrow(FormatError);
        },
      ),
    );
  });

  it("that end early though their length was right are refused, naming the place", () => {
    const [profile = W25N01GV] = PROFILES;
    for (const layout of DUMP_LAYOUTS) {
      const source = { sizeBytes: dumpBytes(profile, layout), read: () => new Uint8Array(7) };
      expect(() => loadDump(new MemoryStorage(), profile, source, layout)).toThrow(
        "dump ends at 0x0: 7 bytes",
      );
    }
  });

  it("of any bytes can be loaded and read", () => {
    const [profile = W25N01GV] = PROFILES;
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...DUMP_LAYOUTS), (seed, layout) => {
        const storage = new MemoryStorage();
        const bytes = createRandom(seed).bytes(dumpBytes(profile, layout));
        loadDump(storage, profile, dumpOf(bytes), layout);
        const chip = new NandChip({ name: "nand", profile, storage });
        expect(["ok", "corrected", "uncorrectable"]).toContain(chip.readPage(3).status);
      }),
      { numRuns: 20 },
    );
  });
});
