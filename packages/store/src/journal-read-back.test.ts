// SPDX-License-Identifier: Apache-2.0
import { NandChip, STEADY_POWER } from "@tandem/flash";
import { describe, expect, it } from "vitest";

import { Store } from "./store.js";
import { Bench, LIMITS, PROFILE } from "./testing/test-bench.js";

const OPTIONS = { limits: LIMITS };
const RECORDS = 8;

/** A chip of which one program goes wrong and says that it went well. */
class LyingChip extends NandChip {
  programs = 0;
  /** Number of the program; null: none. */
  wrongAt: number | null = null;

  override programPage(page: number, data: Uint8Array): "ok" | "failed" {
    if (this.programs++ !== this.wrongAt) return super.programPage(page, data);
    const wrong = data.slice();
    wrong[100] = ~(wrong[100] ?? 0) & 0xff;
    return super.programPage(page, wrong);
  }
}

function writeRecords(bench: Bench, wrongAt: number | null): number {
  const chip = new LyingChip({
    name: "nand",
    profile: PROFILE,
    storage: bench.storage,
    power: STEADY_POWER,
    onViolation: (violation) => bench.violations.push(violation),
  });
  const store = Store.format(chip, OPTIONS);
  const before = chip.programs;
  chip.wrongAt = wrongAt === null ? null : before + wrongAt;
  for (let cursor = 1; cursor <= RECORDS; cursor++) {
    store.commit({ cursor });
    // Whichever chain is lost, and whatever comes next: a record that was committed is there.
    for (const chain of [0, 1]) {
      const found = Store.mount(bench.withoutChain(chain, new Set()), OPTIONS).record.cursor;
      expect(found, `without chain ${chain}, program ${wrongAt} wrong`).toBe(cursor);
    }
  }
  return chip.programs - before;
}

describe("a program of the journal that goes wrong unseen", () => {
  it("is found by reading it back, and its record written elsewhere", () => {
    const programs = writeRecords(new Bench(), null);
    expect(programs).toBeGreaterThan(2 * RECORDS);
    for (let at = 0; at < programs; at++) {
      const bench = new Bench();
      writeRecords(bench, at);
      expect(bench.violations).toEqual([]);
    }
  });
});
