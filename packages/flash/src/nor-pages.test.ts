// SPDX-License-Identifier: Apache-2.0
import { createRandom, isErased } from "@tandem/base";
import { describe, expect, it } from "vitest";

import { NorChip } from "./nor-chip.js";
import { NorPages } from "./nor-pages.js";
import { MX25R6435F } from "./nor-profile.js";
import { MemoryStorage } from "./page-storage.js";
import { ERASE_TEARS, PowerLoss, PROGRAM_TEARS } from "./power.js";
import type { FlashOperation, Power, Tear } from "./power.js";

/** A chip that keeps its operations and is cut inside the one with a number. */
function makeChip(cutAt = -1, tear?: Tear): { chip: NorChip; operations: FlashOperation[] } {
  const operations: FlashOperation[] = [];
  const power: Power = {
    begin: (operation) => {
      if (operations.push(operation) - 1 !== cutAt) return null;
      const random = createRandom(cutAt);
      return { when: "inside", random, ...(tear === undefined ? {} : { tear }) };
    },
  };
  const profile = MX25R6435F;
  const chip = new NorChip({ name: "qspi", profile, storage: new MemoryStorage(), power });
  return { chip, operations };
}

const PAGE = createRandom(1).bytes(2048);

/** Model time of programming one page. */
function timeOf(timing: "typical" | "worst"): number {
  let us = 0;
  const clock = { elapse: (more: number): void => void (us += more) };
  const storage = new MemoryStorage();
  const chip = new NorChip({ name: "qspi", profile: MX25R6435F, storage, clock, timing });
  new NorPages(chip).programPage(0, PAGE);
  return us;
}

describe("NorPages", () => {
  it("makes pages of several programs and blocks of the largest erases", () => {
    const { chip, operations } = makeChip();
    const pages = new NorPages(chip);
    expect(pages.geometry).toEqual({ pageBytes: 2048, pagesPerBlock: 32, blockCount: 128 });
    pages.eraseBlock(1);
    expect(pages.programPage(33, PAGE)).toBe("ok");
    expect(operations.map(({ kind, length }) => [kind, length])).toEqual([
      ["erase", 65_536],
      ...Array.from({ length: 8 }, () => ["write", 256]),
    ]);
    expect(pages.readPage(33)).toEqual({ data: PAGE, status: "ok", correctedBits: 0 });
    expect(pages.isMarkedBad(1)).toBe(false);
  });

  it("leaves part of a page when one of its programs is cut", () => {
    for (const tear of PROGRAM_TEARS) {
      const { chip } = makeChip(3, tear);
      const pages = new NorPages(chip);
      expect(() => pages.programPage(0, PAGE)).toThrow(PowerLoss);
      const { data } = pages.readPage(0);
      expect(data.subarray(0, 768)).toEqual(PAGE.subarray(0, 768));
      expect(isErased(data.subarray(1024))).toBe(true);
      expect([tear, isErased(data.subarray(768, 1024))]).toEqual([tear, tear === "nothing"]);
    }
  });

  it("reads the words of an unstable program differently from time to time", () => {
    const { chip } = makeChip(0, "unstable");
    expect(() => chip.write(0, PAGE.subarray(0, 256))).toThrow(PowerLoss);
    const reads = Array.from({ length: 200 }, () => chip.read(0, 256));
    const good = reads.filter((bytes) => bytes.every((byte, i) => byte === PAGE[i])).length;
    expect(good).toBeGreaterThan(0);
    expect(good).toBeLessThan(200);
  });

  it("leaves of an erase what the kind says", () => {
    for (const tear of ERASE_TEARS) {
      const { chip } = makeChip(1, tear);
      chip.write(0, PAGE.subarray(0, 256));
      expect(() => chip.erasePage(0)).toThrow(PowerLoss);
      const left = chip.read(0, 256);
      const isBlank = tear === "blank-weak" || tear === "complete";
      expect([tear, isErased(left)]).toEqual([tear, isBlank]);
    }
  });

  it("takes the time of programs, erases and the bus, typical or worst", () => {
    expect(timeOf("typical")).toBeCloseTo(8 * (850 + 18), 0);
    expect(timeOf("worst")).toBeCloseTo(8 * (4000 + 18), 0);
  });

  it("refuses pages outside, data of another size, and pages that do not fit", () => {
    const { chip } = makeChip();
    const pages = new NorPages(chip);
    expect(() => pages.readPage(4096)).toThrow("qspi: page 4096 of 4096");
    expect(() => pages.programPage(0, PAGE.subarray(1))).toThrow("expected 2048");
    expect(() => new NorPages(chip, { pageBytes: 3000 })).toThrow("pages of 3000");
  });

  it("forks with its bits", () => {
    const { chip } = makeChip();
    chip.write(0, PAGE);
    const snapshot = chip.snapshot();
    const fork = chip.fork();
    chip.erasePage(0);
    expect(fork.read(0, 2048)).toEqual(PAGE);
    chip.restore(snapshot);
    expect(chip.read(0, 2048)).toEqual(PAGE);
  });
});
