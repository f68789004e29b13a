// SPDX-License-Identifier: Apache-2.0
import { createRandom, isErased } from "@tandem/base";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { NandChip } from "./nand-chip.js";
import type { NandChipOptions } from "./nand-chip.js";
import type { NandProfile } from "./nand-profile.js";
import { GD5F1GQ5, MT29F1G01, NAND_PROFILES, TC58CVG, W25N01GV } from "./nand-profiles.js";
import { FEATURE, STATUS } from "./nand-registers.js";
import { MemoryStorage } from "./page-storage.js";
import { ERASE_TEARS, PowerLoss, PROGRAM_TEARS } from "./power.js";
import type { Cut, FlashOperation, Power, RuleViolation, Tear } from "./power.js";

function makeChip(options: Partial<NandChipOptions> = {}): {
  chip: NandChip;
  rules: RuleViolation["rule"][];
} {
  const rules: RuleViolation["rule"][] = [];
  const chip = new NandChip({
    name: "nand",
    profile: W25N01GV,
    storage: new MemoryStorage(),
    onViolation: (violation) => rules.push(violation.rule),
    ...options,
  });
  return { chip, rules };
}

function pageOf(seed: number): Uint8Array {
  return createRandom(seed).bytes(2048);
}

/** Power that goes inside one operation of a kind. */
class TearPower implements Power {
  next: { readonly kind: FlashOperation["kind"]; readonly cut: Cut } | null = null;

  begin(operation: FlashOperation): Cut | null {
    if (this.next?.kind !== operation.kind) return null;
    const { cut } = this.next;
    this.next = null;
    return cut;
  }
}

function torn(kind: "program" | "erase", tear: Tear, seed: number, storage: MemoryStorage): void {
  const power = new TearPower();
  const { chip } = makeChip({ power, storage });
  if (kind === "erase") chip.programPage(0, pageOf(1));
  power.next = { kind, cut: { when: "inside", random: createRandom(seed), tear } };
  const operation = (): unknown =>
    kind === "erase" ? chip.eraseBlock(0) : chip.programPage(0, pageOf(1));
  expect(operation).toThrow(PowerLoss);
}

function zeros(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) for (let bit = 0; bit < 8; bit++) count += ((byte >> bit) & 1) ^ 1;
  return count;
}

function rawOf(storage: MemoryStorage): Uint8Array {
  return makeChip({ storage }).chip.readRaw(0);
}

/** What a chip tells of `bits` flips per sector: corrected bits, ECC status, detail feature. */
function told(profile: NandProfile, bits: number): number[] {
  const { chip } = makeChip({ profile });
  chip.programPage(0, pageOf(1));
  chip.decayPage(0, bits, createRandom(1));
  const { correctedBits } = chip.readPage(0);
  return [
    correctedBits,
    chip.readStatus() >> 4,
    chip.readFeature(profile.ecc?.detail?.address ?? 0),
  ];
}

function sectorOf(seed: number): Uint8Array {
  return createRandom(seed).bytes(512);
}

describe("NandChip registers", () => {
  it("tells corrected bits as each part can", () => {
    expect(told(W25N01GV, 1)).toEqual([1, 1, 0]);
    expect(told(W25N01GV, 2)).toEqual([0, 2, 0]);
    expect(told(MT29F1G01, 2)).toEqual([3, 1, 0]);
    expect(told(MT29F1G01, 5)).toEqual([6, 3, 0]);
    expect(told(MT29F1G01, 8)).toEqual([8, 5, 0]);
    expect(told(MT29F1G01, 9)).toEqual([0, 2, 0]);
    expect(told(GD5F1GQ5, 3)).toEqual([3, 1, 0x20]);
    expect(told(TC58CVG, 2)).toEqual([2, 1, 0x20]);
    expect(told(TC58CVG, 7)).toEqual([7, 3, 0x70]);
  });

  it("refuses writes from power-up until its blocks are unlocked", () => {
    const { chip, rules } = makeChip({ startsUnlocked: false });
    expect([chip.programPage(0, pageOf(1)), chip.eraseBlock(1)]).toEqual(["failed", "failed"]);
    expect(rules).toEqual(["program-locked", "erase-locked"]);
    expect(isErased(chip.readPage(0).data)).toBe(true);
    chip.unlockBlocks();
    expect(chip.programPage(0, pageOf(1))).toBe("ok");
    chip.powerCycle();
    expect(chip.readFeature(FEATURE.PROTECTION)).toBe(0x7c);
  });

  it("leaves the ECC off after a raw read, and reports what goes wrong then", () => {
    const { chip, rules } = makeChip();
    chip.programPage(0, pageOf(1));
    chip.decayPage(0, 1, createRandom(1));
    expect(chip.readRaw(0)).toHaveLength(2112);
    expect(chip.readPage(0).data).not.toEqual(pageOf(1));
    chip.programPage(1, pageOf(2));
    chip.enableEcc();
    expect(chip.readPage(0).data).toEqual(pageOf(1));
    expect(rules).toEqual(["read-ecc-off", "program-ecc-off"]);
  });

  it("sets and clears the failure bits, and reports programs behind a failure", () => {
    const { chip, rules } = makeChip({ physics: { failEveryNthProgram: 2 } });
    chip.programPage(0, pageOf(1));
    expect(chip.programPage(1, pageOf(2))).toBe("failed");
    expect(chip.readStatus() & STATUS.P_FAIL).toBe(STATUS.P_FAIL);
    expect(chip.programPage(2, pageOf(3))).toBe("ok");
    expect(chip.readStatus() & STATUS.P_FAIL).toBe(0);
    expect(rules).toEqual(["program-failed-block"]);
  });

  it("counts partial programs against the NOP, and sectors that are programmed twice", () => {
    const { chip, rules } = makeChip({ profile: { ...W25N01GV, nop: 2 } });
    chip.programSectors(0, 0, sectorOf(1));
    chip.programSectors(0, 512, sectorOf(2));
    expect(rules).toEqual([]);
    expect(chip.readPage(0)).toMatchObject({ status: "ok" });
    expect(chip.readPage(0).data.subarray(512, 1024)).toEqual(sectorOf(2));
    chip.programSectors(0, 1024, sectorOf(3));
    chip.programSectors(0, 0, sectorOf(4));
    expect(rules).toEqual(["nop-exceeded", "program-twice", "nop-exceeded"]);
  });

  it.each(NAND_PROFILES)(
    "$name: finds factory marks and its own, and takes its time",
    (profile) => {
      let us = 0;
      const { chip } = makeChip({ profile, clock: { elapse: (more) => void (us += more) } });
      chip.markFactoryBad(5);
      chip.markBad(6);
      chip.programPage(7 * 64, pageOf(1));
      expect([5, 6, 7, 8].map((block) => chip.isMarkedBad(block))).toEqual([
        true,
        true,
        false,
        false,
      ]);
      expect(us).toBeGreaterThan(0);
      us = 0;
      const worst = makeChip({
        profile,
        timing: "worst",
        clock: { elapse: (more) => void (us += more) },
      });
      worst.chip.eraseBlock(1);
      expect(us).toBe(profile.worst?.eraseUs);
    },
  );
});

describe("cuts with a chosen tear", () => {
  it("leaves of a program what the kind says", () => {
    const whole = new MemoryStorage();
    makeChip({ storage: whole }).chip.programPage(0, pageOf(1));
    const all = zeros(rawOf(whole));
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...PROGRAM_TEARS), (seed, tear) => {
        const storage = new MemoryStorage();
        torn("program", tear, seed, storage);
        const left = zeros(storage.read(0) ?? new Uint8Array(0));
        const counts = {
          nothing: [0, 0],
          "one-bit": [1, 1],
          "some-bits": [0, all],
          "all-but-one-bit": [all - 1, all - 1],
          complete: [all, all],
          unstable: [all, all],
        } as const;
        expect(left).toBeGreaterThanOrEqual(counts[tear][0]);
        expect(left).toBeLessThanOrEqual(counts[tear][1]);
      }),
      { numRuns: 60 },
    );
  });

  it("leaves unstable pages that read well at first and never in the end", () => {
    const storage = new MemoryStorage();
    torn("program", "unstable", 3, storage);
    const { chip } = makeChip({ storage, random: createRandom(9) });
    const reads = Array.from({ length: 100 }, () => chip.readPage(0).status);
    expect(reads).toContain("ok");
    expect(reads.slice(-40)).not.toContain("ok");
    chip.eraseBlock(0);
    chip.programPage(0, pageOf(2));
    expect(Array.from({ length: 20 }, () => chip.readPage(0).status)).not.toContain(
      "uncorrectable",
    );
  });

  it("leaves of an erase what the kind says", () => {
    const left = ERASE_TEARS.map((tear) => {
      const storage = new MemoryStorage();
      torn("erase", tear, 2, storage);
      const isBlank = isErased(makeChip({ storage }).chip.readPage(0).data);
      return [tear, isBlank, storage.medium.block(0).isWeak];
    });
    expect(left).toEqual([
      ["old", false, false],
      ["mixed", expect.any(Boolean), true],
      ["blank-weak", true, true],
      ["complete", true, false],
    ]);
  });

  it("gives programs in a weak block bit errors until a complete erase", () => {
    const storage = new MemoryStorage();
    torn("erase", "blank-weak", 2, storage);
    const { chip, rules } = makeChip({ storage });
    for (let page = 0; page < 8; page++) chip.programPage(page, pageOf(page));
    expect(rules).toContain("program-after-cut-erase");
    const errors = Array.from({ length: 8 }, (_, page) => chip.readPage(page).status);
    expect(errors.filter((status) => status !== "ok")).not.toEqual([]);
    chip.eraseBlock(0);
    chip.programPage(0, pageOf(1));
    expect(chip.readPage(0).status).toBe("ok");
  });

  it("refuses the tear of another kind of operation", () => {
    const power: Power = {
      begin: () => ({ when: "inside", random: createRandom(1), tear: "mixed" }),
    };
    expect(() => makeChip({ power }).chip.programPage(0, pageOf(1))).toThrow("tear mixed");
  });
});

describe("time, wear and resets", () => {
  it("completes or aborts what a reset of the processor interrupts, and keeps its registers", () => {
    for (const inFlightAfterReset of ["completes", "aborted"] as const) {
      let left = 2;
      const clock = {
        elapse: (): void => {
          if (--left === 0) throw new RangeError("watchdog");
        },
      };
      const { chip } = makeChip({ clock, inFlightAfterReset, startsUnlocked: false });
      left = 100;
      chip.unlockBlocks();
      left = 2;
      expect(() => chip.programPage(0, pageOf(1))).toThrow(RangeError);
      left = 100;
      const isWhole = chip.readPage(0).status === "ok";
      expect(isWhole).toBe(inFlightAfterReset === "completes");
      expect(chip.readFeature(FEATURE.PROTECTION)).toBe(0);
    }
  });

  it("wears a block out after its cycles", () => {
    const { chip } = makeChip({ physics: { enduranceCycles: 3 } });
    const erases = Array.from({ length: 5 }, () => chip.eraseBlock(4));
    expect(erases).toEqual(["ok", "ok", "ok", "failed", "failed"]);
    expect(chip.programPage(4 * 64, pageOf(1))).toBe("failed");
  });

  it("disturbs a block that is read often, and ages the whole chip", () => {
    const { chip } = makeChip({ physics: { readsPerDisturbedBit: 50 } });
    for (let page = 0; page < 64; page++) chip.programPage(page, pageOf(page));
    for (let read = 0; read < 2000; read++) chip.readPage(0);
    const bad = Array.from({ length: 64 }, (_, page) => chip.readPage(page).status);
    expect(bad.filter((status) => status !== "ok").length).toBeGreaterThan(10);
    const aged = makeChip({ profile: MT29F1G01 }).chip;
    aged.programPage(0, pageOf(1));
    aged.cells.age(6, createRandom(4));
    expect(aged.readPage(0)).toMatchObject({ status: "corrected", data: pageOf(1) });
  });

  it("can be made to hold wrong data that the ECC takes for good", () => {
    const { chip } = makeChip();
    chip.programPage(0, pageOf(1));
    chip.cells.corruptSilently(0, createRandom(1));
    expect(chip.readPage(0).status).toBe("ok");
    expect(chip.readPage(0).data).not.toEqual(pageOf(1));
  });
});

describe("snapshots and forks", () => {
  it("keep bits, hidden state and registers apart from the original", () => {
    const { chip } = makeChip({ startsUnlocked: false });
    chip.unlockBlocks();
    chip.programPage(0, pageOf(1));
    const before = chip.snapshot();
    const fork = chip.fork();
    fork.programPage(1, pageOf(2));
    fork.wearOut(3);
    expect(isErased(chip.readPage(1).data)).toBe(true);
    expect([chip.eraseBlock(3), fork.eraseBlock(3)]).toEqual(["ok", "failed"]);
    chip.eraseBlock(0);
    chip.restore(before);
    expect(chip.readPage(0).data).toEqual(pageOf(1));
    expect(fork.readPage(0).data).toEqual(pageOf(1));
  });

  it("refuse chips whose storage is not in memory", () => {
    const storage = { read: () => null, write: () => undefined, erase: () => undefined };
    expect(() => makeChip({ storage }).chip.snapshot()).toThrow("only chips in memory");
  });
});
