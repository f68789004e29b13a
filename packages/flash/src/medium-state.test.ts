// SPDX-License-Identifier: Apache-2.0
import { FormatError } from "@tandem/base";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { MediumState } from "./medium-state.js";

const block = fc.record({
  nextPage: fc.integer({ min: -1, max: 64 }),
  erases: fc.nat(200_000),
  reads: fc.nat(),
  isWeak: fc.boolean(),
  hasFailed: fc.boolean(),
  isWornOut: fc.boolean(),
});

describe("MediumState", () => {
  it("comes back from its document", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1023), block)), fc.nat(65_535), (blocks, page) => {
        const state = new MediumState();
        state.programs = blocks.length;
        for (const [index, change] of blocks) {
          state.setBlock(index, { ...change, reads: change.reads % 1000 });
        }
        state.setPage(page, { goodChance: 7, programs: 2, span: { start: 4, length: 8 } });
        const again = MediumState.fromJson(JSON.parse(JSON.stringify(state.toJson())));
        expect(again.toJson()).toEqual(state.toJson());
        expect(again.unstablePages()).toEqual([page]);
      }),
    );
  });

  it("refuses rows of another length, fractions and indexes beyond any chip", () => {
    for (const row of [[], [1, 2], [0.5, 0, 0, 0, 0], [2 ** 40, 0, 0, 0, 0], [-1, 0, 0, 0, 0]]) {
      const json = { programs: 0, erases: 0, blocks: [row], pages: [] };
      expect(() => MediumState.fromJson(json)).toThrow(FormatError);
    }
  });
});
