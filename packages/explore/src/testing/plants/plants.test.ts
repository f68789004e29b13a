// SPDX-License-Identifier: Apache-2.0
import { TandemError } from "@tandem/base";
import { afterAll, describe, expect, it } from "vitest";

import { parseLine } from "../../trail.js";
import { MAX_SESSIONS } from "./hunt.js";
import { huntIn, plantIn } from "./load-plant.js";
import { PLANTS } from "./plants.js";

const caught: Record<string, string | number>[] = [];

// What an engineer wants to see of a run.
// oxlint-disable-next-line no-console
afterAll(() => console.table(caught));

describe("the explorer", () => {
  it.concurrent.each(PLANTS)("finds $name", async (plant) => {
    const { violations, sessions } = await huntIn(plant, plant.hunt);
    expect(violations.map(({ invariant }) => invariant)).toContain(plant.breaks);
    expect(sessions).toBeLessThanOrEqual(MAX_SESSIONS);
    const shown = violations.find(({ invariant }) => invariant === plant.breaks);
    const { fault, scenario, depth } = plant.hunt;
    const how = depth === 0 ? fault : `${depth} ${fault}`;
    caught.push({ plant: plant.name, how, scenario, sessions, finding: shown?.text ?? "" });
  });

  it.concurrent.each([
    "lost-store",
    "exchanged-store",
    "forged-image",
    "brownout",
    "damaged-slot",
  ] as const)("finds nothing where there is no bug: %s", async (fault) => {
    const order = { fault, flash: "nand-1bit", scenario: "good", depth: 0 } as const;
    expect((await huntIn(null, order)).violations).toEqual([]);
  });

  it.concurrent.each(["loss", "miscorrection", "exchanged-store"] as const)(
    "finds nothing where there is no bug: %s",
    async (fault) => {
      const order = { fault, flash: "nand-1bit", scenario: "self-test-fails", depth: 0 } as const;
      expect((await huntIn(null, order)).violations).toEqual([]);
    },
  );
});

describe("a bug", () => {
  const plant = PLANTS.find(({ name }) => name === "received-before-summary") ?? null;

  it.each(["cuts", "resets"] as const)(
    "is found by %s too, with a line that shows it",
    async (fault) => {
      const order = { fault, flash: "nand-1bit", scenario: "good", depth: 1 } as const;
      const { violations, line } = await huntIn(plant, order);
      expect(violations.map(({ invariant }) => invariant)).toContain("I9");
      const { edges } = parseLine(line ?? "");
      expect(edges.at(-1)?.cut?.when === "reset").toBe(fault === "resets");
    },
  );
});

describe("plantIn", () => {
  const plant = { name: "p", file: "f.ts", find: "a", replacement: "c" };

  it("exchanges the text", () => {
    expect(plantIn("bab", plant)).toBe("bcb");
  });

  it.each(["bbb", "aba"])(
    "refuses a source in which the text does not stand once: %s",
    (source) => {
      expect(() => plantIn(source, plant)).toThrow(TandemError);
    },
  );
});
