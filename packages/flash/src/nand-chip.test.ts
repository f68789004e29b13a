// SPDX-License-Identifier: Apache-2.0
import { createRandom, isErased } from "@tandem/base";
import { describe, expect, it } from "vitest";

import { NandChip } from "./nand-chip.js";
import { W25N01GV } from "./nand-profiles.js";
import { MemoryStorage } from "./page-storage.js";
import { PowerLoss, STEADY_POWER } from "./power.js";
import type { Cut, ModelClock, Power, RuleViolation } from "./power.js";

function makeChip(options: { power?: Power; storage?: MemoryStorage; clock?: ModelClock } = {}): {
  chip: NandChip;
  violations: RuleViolation[];
} {
  const violations: RuleViolation[] = [];
  const chip = new NandChip({
    name: "nand",
    profile: W25N01GV,
    storage: options.storage ?? new MemoryStorage(),
    power: options.power ?? STEADY_POWER,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    onViolation: (violation) => violations.push(violation),
  });
  return { chip, violations };
}

function pageOf(seed: number): Uint8Array {
  return createRandom(seed).bytes(W25N01GV.pageBytes);
}

/** Power that goes at the next operation. */
function cutNow(when: Cut["when"], seed = 1): Power {
  return { begin: () => ({ when, random: createRandom(seed) }) };
}

describe("NandChip", () => {
  it("reads back what was programmed, and 0xFF where nothing was", () => {
    const { chip } = makeChip();
    chip.eraseBlock(3);
    expect(chip.programPage(3 * 64, pageOf(1))).toBe("ok");
    expect(chip.readPage(3 * 64)).toMatchObject({ data: pageOf(1), status: "ok" });
    expect(isErased(chip.readPage(3 * 64 + 1).data)).toBe(true);
  });

  it("corrects one flipped bit per sector and reports two", () => {
    const { chip } = makeChip();
    chip.programPage(0, pageOf(1));
    chip.decayPage(0, 1, createRandom(1));
    expect(chip.readPage(0)).toEqual({ data: pageOf(1), status: "corrected", correctedBits: 1 });
    chip.programPage(1, pageOf(2));
    chip.decayPage(1, 2, createRandom(2));
    expect(chip.readPage(1).status).toBe("uncorrectable");
  });

  it("reports each rule that is broken", () => {
    const { chip, violations } = makeChip();
    chip.markFactoryBad(9);
    chip.programPage(5, pageOf(1));
    chip.programPage(5, pageOf(2));
    chip.programPage(4, pageOf(3));
    chip.programPage(9 * 64 + 1, pageOf(4));
    chip.eraseBlock(9);
    expect(violations.map((violation) => violation.rule)).toEqual([
      "program-twice",
      "program-out-of-order",
      "program-bad-block",
      "erase-bad-block",
    ]);
    expect(chip.isMarkedBad(9)).toBe(false);
  });

  it("knows the order of programs that another session made", () => {
    const storage = new MemoryStorage();
    makeChip({ storage }).chip.programPage(7, pageOf(1));
    const { chip, violations } = makeChip({ storage });
    chip.programPage(6, pageOf(2));
    expect(violations.map((violation) => violation.rule)).toEqual(["program-out-of-order"]);
  });

  it("fails programs and erases of a worn block", () => {
    const { chip } = makeChip();
    chip.wearOut(2);
    expect(chip.programPage(128, pageOf(1))).toBe("failed");
    expect(chip.eraseBlock(2)).toBe("failed");
  });

  it("leaves nothing behind a cut before a program, everything behind one after it", () => {
    const before = new MemoryStorage();
    expect(() =>
      makeChip({ storage: before, power: cutNow("before") }).chip.programPage(0, pageOf(1)),
    ).toThrow(PowerLoss);
    expect(isErased(makeChip({ storage: before }).chip.readPage(0).data)).toBe(true);
    const after = new MemoryStorage();
    expect(() =>
      makeChip({ storage: after, power: cutNow("after") }).chip.programPage(0, pageOf(1)),
    ).toThrow(PowerLoss);
    expect(makeChip({ storage: after }).chip.readPage(0).data).toEqual(pageOf(1));
  });

  it("tears a page that is cut inside: never more zeros than were to be written", () => {
    for (let seed = 0; seed < 50; seed++) {
      const storage = new MemoryStorage();
      const { chip } = makeChip({ storage, power: cutNow("inside", seed) });
      expect(() => chip.programPage(0, pageOf(1))).toThrow(PowerLoss);
      const stored = storage.read(0) ?? new Uint8Array(0);
      pageOf(1).forEach((byte, i) => expect((stored[i] ?? 0) & byte).toBe(byte));
    }
  });

  it("counts programs on a block whose erase was cut as a violation until it is erased whole", () => {
    let isCut = false;
    const power: Power = {
      begin: () => (isCut ? { when: "inside", random: createRandom(4) } : null),
    };
    const { chip, violations } = makeChip({ power });
    chip.programPage(0, pageOf(1));
    isCut = true;
    expect(() => chip.eraseBlock(0)).toThrow(PowerLoss);
    isCut = false;
    chip.programPage(63, pageOf(2));
    expect(violations.map((violation) => violation.rule)).toContain("program-after-cut-erase");
    const before = violations.length;
    chip.eraseBlock(0);
    chip.programPage(0, pageOf(3));
    expect(violations.length).toBe(before);
  });

  it("lets the time of a page read at 32 MHz pass: 576 microseconds", () => {
    let us = 0;
    const { chip } = makeChip({ clock: { elapse: (more) => void (us += more) } });
    chip.readPage(0);
    expect(us).toBeGreaterThan(570);
    expect(us).toBeLessThan(580);
  });

  it("refuses pages outside the chip and data of another size", () => {
    const { chip } = makeChip();
    expect(() => chip.readPage(65_536)).toThrow("nand: page 65536 of 65536");
    expect(() => chip.programPage(0, new Uint8Array(10))).toThrow("with 10 bytes, expected 2048");
  });
});
