// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import { runIn } from "./load-plant.js";
import { PLANTS } from "./plants.js";
import type { Plant } from "./plant.js";
import type { PlantedReports } from "./report-worker.js";

const ENTRY = fileURLToPath(new URL("report-worker.ts", import.meta.url));
const PLANT = PLANTS.find(({ name }) => name === "trial-starts-not-counted") ?? null;

function reportsWith(plant: Plant | null): Promise<PlantedReports> {
  return runIn(plant, ENTRY, null);
}

describe("reports", () => {
  it("show a bug in Tandem, in counts, charts and lines", async () => {
    expect(PLANT).not.toBeNull();
    const { comparison, exploration, pages } = await reportsWith(PLANT);
    const [row] = comparison.rows;
    expect(row?.failures.unbootable).toBeGreaterThan(0);
    expect(row?.failures.rollbackFailures).toBeGreaterThan(0);
    expect(pages.comparison).toContain("replay &#39;tandem-nand/app-crashes");
    expect(pages.comparison).toMatch(/<td class="bad">\d+<\/td>/);
    expect(pages.comparison).toContain("nothing comes up any more</title>");
    const [finding] = exploration.violations;
    expect(finding?.invariant).toBe("I4");
    expect(pages.exploration).toMatch(/<strong class="bad">I4<\/strong>/);
    expect(pages.exploration).toContain(`replay '${finding?.line}'`);
    expect(pages.exploration).toContain("nothing comes up any more</title>");
  });

  it("show nothing where there is no bug", async () => {
    const { comparison, exploration, pages } = await reportsWith(null);
    expect(Object.values(comparison.rows[0]?.failures ?? {})).toEqual([0, 0, 0, 0]);
    expect(exploration.violations).toEqual([]);
    expect(pages.comparison).not.toContain('class="bad"');
    expect(pages.exploration).toContain("No violation.");
    expect(pages.exploration).not.toContain('<strong class="bad">');
  });
});
