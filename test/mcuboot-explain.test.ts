// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";

import * as fc from "fast-check";
import { BOOT_MODES, explainBoot } from "@tandem/mcuboot";
import type { Explanation, FlashBoard } from "@tandem/mcuboot";
import { describe, expect, it } from "vitest";

import { describeExplanation } from "../packages/cli/src/mcuboot/describe-explanation.js";
import { DumpBuilder } from "../packages/cli/src/testing/mcuboot/dump-builder.js";
import { SITUATIONS } from "../packages/cli/src/testing/mcuboot/situations.js";
import { EXPLAIN_PAGE, generateExplain } from "../scripts/generate-explain.js";

function bytesOf(board: FlashBoard): Buffer {
  return Buffer.concat([...board.devices.values()].map(({ bytes }) => bytes));
}

describe("explainBoot", () => {
  it.each(SITUATIONS)("$id: $title", ({ board, findings, starts }) => {
    const explanation = explainBoot(board());
    const found = [...explanation.boots[0].findings, ...explanation.outlook].map(({ id }) => id);
    expect(found).toEqual(expect.arrayContaining([...findings]));
    expect(explanation.boots.map((boot) => boot.starts?.version ?? null)).toEqual(starts);
  });

  it("says what the boots then really do, and leaves the board as it is", () => {
    for (const { id, board: build } of SITUATIONS) {
      const board = build();
      const before = bytesOf(board);
      const { boots } = explainBoot(board);
      expect(bytesOf(board).equals(before), id).toBe(true);
      for (const told of boots) {
        const result = board.boot();
        expect(result.decisions, id).toEqual(told.decisions);
        expect(board.operations.count, id).toBe(told.operations);
        expect(result.kind === "boot" ? result.slot : null, id).toBe(told.starts?.slot ?? null);
      }
    }
  });

  it("asks for a change wherever nothing starts", () => {
    const dead = SITUATIONS.filter(({ starts }) => starts[0] === null);
    expect(dead.length).toBeGreaterThan(5);
    for (const { id, board } of dead) expect(changesOf(board()), id).not.toEqual([]);
  });

  it.each(["factory-image", "trial-confirmed", "marked-permanent", "xip-newest"])(
    "asks for no change where all is well: %s",
    (id) => {
      const situation = SITUATIONS.find((one) => one.id === id);
      expect(situation && changesOf(situation.board())).toEqual([]);
    },
  );
});

function changesOf(board: FlashBoard): string[] {
  const { boots, outlook } = explainBoot(board);
  return [...boots[0].findings, ...outlook].flatMap(({ change }) => change ?? []);
}

/** Places that decide: headers, TLVs behind them, trailers; and any other. */
const offsetInSlot = fc.oneof(
  fc.integer({ min: 0, max: 31 }),
  fc.integer({ min: 20_512, max: 20_800 }),
  fc.integer({ min: -64, max: -1 }),
  fc.integer({ min: -1600, max: -1 }),
  fc.integer({ min: 0, max: 0xffff }),
);
const byte = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 0xff), fc.integer({ min: 0, max: 0xff }));
const patches = fc.array(fc.tuple(fc.nat(9), offsetInSlot, fc.array(byte, { maxLength: 8 })), {
  minLength: 1,
  maxLength: 12,
});

/** Slots of 64 KiB stand one behind the other; the index wraps around. */
function patch(board: FlashBoard, changes: readonly (readonly [number, number, number[]])[]): void {
  for (const flash of board.devices.values()) {
    for (const [slot, offset, bytes] of changes) {
      const at = slot * 0x10000 + (offset < 0 ? 0x10000 + offset : offset);
      for (const [i, value] of bytes.entries()) flash.bytes[(at + i) % flash.size] = value;
    }
    flash.touched();
  }
}

/** A document with an end, text for people, and nothing that JSON cannot hold. */
function expectWhole(explanation: Explanation): void {
  expect(explanation.boots).toHaveLength(2);
  for (const { starts, why } of explanation.boots) expect(starts === null).toBe(why !== null);
  expect(describeExplanation(explanation).length).toBeGreaterThan(5);
  expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation);
}

describe("any flash", () => {
  it("is explained after any change to a situation", () => {
    const boards = SITUATIONS.map(({ board }) => board());
    fc.assert(
      fc.property(fc.nat(boards.length - 1), patches, (index, changes) => {
        const board = boards[index]?.fork();
        if (board === undefined) return;
        patch(board, changes);
        expectWhole(explainBoot(board));
      }),
      { numRuns: 400 },
    );
  });

  it("is explained when it holds nothing but noise", () => {
    const noise = fc.uint8Array({ minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(
        fc.constantFrom(...BOOT_MODES),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(8, 16, 32),
        fc.boolean(),
        noise,
        patches,
        (mode, count, maxAlign, bootstrap, bytes, changes) => {
          const imageCount = mode === "single" ? 1 : count;
          const { board } = new DumpBuilder({ mode, imageCount, maxAlign, bootstrap });
          for (const flash of board.devices.values()) {
            for (let at = 0; at < flash.size; at += bytes.length) flash.bytes.set(bytes, at);
          }
          patch(board, changes);
          expectWhole(explainBoot(board));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("docs/explain.md", () => {
  it("is what scripts/generate-explain.ts makes of the situations", () => {
    const page = readFileSync(EXPLAIN_PAGE, "utf8");
    expect(generateExplain(page)).toBe(page);
  });

  it("names only situations that are in its table", () => {
    const [, symptoms = ""] =
      /## By symptom\n([\s\S]*?)\n## /.exec(readFileSync(EXPLAIN_PAGE, "utf8")) ?? [];
    const named = [...symptoms.matchAll(/`([a-z0-9-]+)`/g)].map(([, id]) => id);
    expect(named.length).toBeGreaterThan(20);
    expect(SITUATIONS.map(({ id }) => id)).toEqual(expect.arrayContaining(named));
  });

  it("has at least 40 situations, each with an id of its own", () => {
    const ids = SITUATIONS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(40);
  });
});
