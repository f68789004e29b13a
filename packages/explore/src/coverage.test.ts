// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { NandChip } from "@tandem/flash";
import { SetState } from "@tandem/store";
import { describe, expect, it } from "vitest";

import { RECORD_STATES, STEPS, cellName, makeCoverage, stepOf, whyImpossible } from "./coverage.js";
import { forkState } from "./device-state.js";
import { FLASH_KINDS, PROFILE_NAMES, geometryOf } from "./geometry.js";
import { JobRunner } from "./job.js";
import { UPDATE_RESULTS } from "./scenario.js";
import { StateSet } from "./state-set.js";
import { createWorld } from "./world.js";

describe("coverage", () => {
  it("has a cell for every record state and step, also when nothing was hit", () => {
    const { cells, results, zeros } = makeCoverage([], []);
    expect(Object.keys(cells).toSorted()).toEqual(Object.keys(SetState).toSorted());
    for (const row of Object.values(cells)) expect(Object.keys(row)).toEqual(STEPS);
    expect(Object.keys(results)).toEqual(UPDATE_RESULTS);
    const possible = RECORD_STATES.flatMap((state) =>
      STEPS.filter((step) => whyImpossible(state, step) === null).map((step) =>
        cellName(state, step),
      ),
    );
    expect(zeros).toEqual([...possible, ...UPDATE_RESULTS]);
  });

  it("adds up what several have hit, and names the rest", () => {
    const cell = cellName("TRIAL", "journal");
    const { cells, results, zeros } = makeCoverage(
      [[[cell, 2]], [[cell, 3]]],
      [[["refused", 1]], [["refused", 1]]],
    );
    expect(cells["TRIAL"]?.["journal"]).toBe(5);
    expect(cells["TRIAL"]?.["app core"]).toEqual({
      impossible: "no core is touched unless the record says INSTALLING",
    });
    expect(results).toEqual({ accepted: 0, "rolled-back": 0, refused: 2, "switched-back": 0 });
    expect(zeros).not.toContain(cell);
    expect(zeros).toContain("STAGED × journal");
  });

  it("reports what is written where nothing should be", () => {
    const name = { profile: "small", flash: "nand-1bit", scenario: "good" } as const;
    const world = createWorld(name);
    const { root, geometry } = world;
    // One weak page of the accepted release: it is moved before the new one is installed.
    const state = forkState(root.state);
    const chip = geometry.chip.make(state.nand, {});
    if (!(chip instanceof NandChip)) throw new TypeError("expected NAND");
    const page = geometry.limits.journalBlocks * geometry.chip.shape.pagesPerBlock + 1;
    chip.decayPage(page, chip.eccStrengthBits, createRandom(1));
    const job = {
      world: name,
      depth: 1,
      tears: "distinct",
      maxUnstable: 1,
      precision: "exact",
    } as const;
    const seen = new StateSet(20_000).buffer;
    const share = { index: 0, count: 1 };
    const runner = new JobRunner(job, { share, seen }, { ...world, root: { ...root, state } });
    runner.run(() => false);
    const { found, coverage } = runner.result;
    expect(coverage).toContainEqual(["STAGED × scrub", expect.any(Number)]);
    const [finding, ...others] = found.filter(({ invariant }) => invariant === "coverage");
    expect(others).toEqual([]);
    expect(finding?.text).toMatch(/^STAGED × scrub was cut, expected that .*no page decays/);
    expect(finding?.edges.length).toBeGreaterThan(1);
  });

  it.each(PROFILE_NAMES.flatMap((profile) => FLASH_KINDS.map((flash) => ({ profile, flash }))))(
    "tells steps by their addresses: $profile $flash",
    ({ profile, flash }) => {
      const geometry = geometryOf(profile, flash);
      const { map, limits, chip } = geometry;
      const store = chip.name;
      const journal = limits.journalBlocks * chip.shape.pagesPerBlock * chip.shape.pageBytes;
      const at = (device: string, address: number, state: "WRITING" | "STAGED"): string =>
        stepOf(geometry, { kind: "program", device, address, length: 4 }, state);
      expect(at(store, journal - 1, "WRITING")).toBe("journal");
      expect(at(store, journal, "WRITING")).toBe("bank");
      expect(at(store, journal, "STAGED")).toBe("scrub");
      expect(at("app-flash", map.marker.start - 1, "STAGED")).toBe("app core");
      expect(at("app-flash", map.marker.start, "STAGED")).toBe("marker");
      expect(at("net-flash", map.netSlot.start, "STAGED")).toBe("net core");
    },
  );
});
