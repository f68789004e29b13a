// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { CowArray } from "./cow-array.js";

const step = fc.oneof(
  fc.record({ kind: fc.constant("set"), who: fc.nat(), index: fc.nat(5000), value: fc.nat() }),
  fc.record({ kind: fc.constant("clear"), who: fc.nat(), index: fc.nat(5000), value: fc.nat(40) }),
  fc.record({ kind: fc.constant("fork"), who: fc.nat(), index: fc.nat(), value: fc.nat() }),
  fc.record({ kind: fc.constant("assign"), who: fc.nat(), index: fc.nat(), value: fc.nat() }),
);

describe("CowArray", () => {
  it("behaves like a map that is copied whole, whatever the order of forks and writes", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const all = [{ array: CowArray.empty<number>(), model: new Map<number, number>() }];
        for (const { kind, who, index, value } of steps) {
          const one = all[who % all.length];
          if (one === undefined) continue;
          if (kind === "set") {
            one.array.set(index, value);
            one.model.set(index, value);
          } else if (kind === "clear") {
            one.array.clear(index, value);
            for (let i = index; i < index + value; i++) one.model.delete(i);
          } else if (kind === "fork") {
            all.push({ array: one.array.fork(), model: new Map(one.model) });
          } else {
            const other = all[index % all.length] ?? one;
            one.array.assign(other.array);
            one.model = new Map(other.model);
          }
        }
        for (const { array, model } of all) {
          expect([...array.indexes()]).toEqual([...model.keys()].toSorted((a, b) => a - b));
          for (const [index, value] of model) expect(array.get(index)).toBe(value);
        }
      }),
    );
  });

  it("holds nothing at indexes that were never set, however large", () => {
    const array = CowArray.empty<number>();
    expect(array.get(0x7fff_ffff)).toBeNull();
    array.set(65_535, 1);
    expect([array.get(65_535), array.get(65_536), array.isEmpty]).toEqual([1, null, false]);
  });
});
