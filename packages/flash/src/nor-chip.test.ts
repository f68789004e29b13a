// SPDX-License-Identifier: Apache-2.0
import { createRandom, isErased } from "@tandem/base";
import { describe, expect, it } from "vitest";

import { flashArea } from "./flash-area.js";
import { NorChip } from "./nor-chip.js";
import { NRF5340_APP_FLASH } from "./nor-profile.js";
import { MemoryStorage } from "./page-storage.js";
import { PowerLoss, STEADY_POWER } from "./power.js";
import type { FlashOperation, Power, RuleViolation } from "./power.js";

function makeChip(power: Power = STEADY_POWER): { chip: NorChip; violations: RuleViolation[] } {
  const violations: RuleViolation[] = [];
  const chip = new NorChip({
    name: "app-flash",
    profile: NRF5340_APP_FLASH,
    storage: new MemoryStorage(),
    power,
    onViolation: (violation) => violations.push(violation),
  });
  return { chip, violations };
}

describe("NorChip", () => {
  it("reads back writes that cross pages, and erases single pages", () => {
    const { chip } = makeChip();
    const bytes = createRandom(1).bytes(10_000);
    chip.write(4000, bytes);
    expect(chip.read(4000, 10_000)).toEqual(bytes);
    chip.erasePage(4096);
    expect(isErased(chip.read(4096, 4096))).toBe(true);
    expect(chip.read(8192, 100)).toEqual(bytes.subarray(4192, 4292));
  });

  it("counts a write over written bytes as a violation, and only clears bits", () => {
    const { chip, violations } = makeChip();
    chip.write(0, Uint8Array.of(0xf0, 0xf0, 0xf0, 0xf0));
    chip.write(0, Uint8Array.of(0x3c, 0x3c, 0x3c, 0x3c));
    expect(violations.map((violation) => violation.rule)).toEqual(["program-twice"]);
    expect(chip.read(0, 1)[0]).toBe(0x30);
  });

  it("writes in operations of at most 1,024 bytes, torn at a word", () => {
    const operations: FlashOperation[] = [];
    const power: Power = {
      begin: (operation) => {
        operations.push(operation);
        return operations.length === 3 ? { when: "inside", random: createRandom(5) } : null;
      },
    };
    const { chip } = makeChip(power);
    expect(() => chip.write(0, new Uint8Array(4096))).toThrow(PowerLoss);
    expect(operations.map((operation) => operation.length)).toEqual([1024, 1024, 1024]);
    const written = chip.read(0, 4096).findIndex((byte) => byte === 0xff);
    expect(written).toBeGreaterThanOrEqual(2048);
    expect(written).toBeLessThan(3072);
    expect(written % 4).toBe(0);
  });

  it("refuses unaligned writes and accesses outside", () => {
    const { chip } = makeChip();
    expect(() => chip.write(2, new Uint8Array(4))).toThrow("multiples of 4");
    expect(() => chip.read(0x100000, 1)).toThrow("app-flash");
    expect(() => flashArea(chip, 0x1000, 0x1000).read(0xfff, 2)).toThrow("in an area of 4096");
  });
});
