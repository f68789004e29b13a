// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { explore } from "./exploration.js";
import type { ExplorationReport } from "./exploration.js";
import { FAULT_KINDS, NO_FAULTS, TRANSPORT_FAULTS } from "./faults.js";
import type { FaultKind, SessionFaults } from "./faults.js";
import { interruptedNode, resetsAt } from "./forked-cuts.js";
import { FLASH_KINDS } from "./geometry.js";
import type { FlashKind } from "./geometry.js";
import { NO_HISTORY } from "./history.js";
import { Journey, JourneyChecks } from "./journey.js";
import { replay } from "./replay.js";
import { runSession } from "./session.js";
import { parseLine } from "./trail.js";
import { createWorld } from "./world.js";

function run(
  scenario: string,
  faults: readonly FaultKind[],
  flash: FlashKind = "nand-1bit",
): Promise<ExplorationReport> {
  let now = 0;
  return explore({
    mode: "linear",
    profile: "small",
    flash,
    scenario,
    faults,
    depth: 1,
    workers: 0,
    budgetMs: Number.POSITIVE_INFINITY,
    now: () => now++,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
}

describe("one fault of each kind, wherever it can come", () => {
  it.each(["nand-1bit", "nand-8bit"] as const)(
    "leads to an accepted update on %s",
    async (flash) => {
      const { violations, faults, coverage, complete } = await run("good", FAULT_KINDS, flash);
      expect(violations).toEqual([]);
      expect(complete).toBe(true);
      expect(FAULT_KINDS.filter((kind) => faults[kind] === 0)).toEqual([]);
      const ends = Object.entries(coverage.results).filter(([, count]) => count > 0);
      expect(ends.map(([name]) => name)).toEqual(["accepted"]);
    },
    120_000,
  );

  it("leads to an accepted update on nor, which neither decays nor has bad blocks", async () => {
    const kinds = ["resets", "decay", "bad-blocks", "transport"] as const;
    const { violations, faults } = await run("good", kinds, "nor");
    expect(violations).toEqual([]);
    expect(faults).toMatchObject({ cuts: 0, decay: 0, "bad-blocks": 0 });
    expect(faults.resets).toBeGreaterThan(100);
    expect(faults.transport).toBe(TRANSPORT_FAULTS.length);
  });

  it.each(["damaged", "accepts-then-crashes", "app-resets"])(
    "changes nothing about the end of %s",
    async (scenario) => {
      const kinds = ["resets", "decay", "bad-blocks", "transport"] as const;
      const { violations, faults } = await run(scenario, kinds);
      expect(violations).toEqual([]);
      expect(kinds.filter((kind) => faults[kind] === 0)).toEqual([]);
    },
    60_000,
  );
});

describe("a fault", () => {
  const world = createWorld({ profile: "small", flash: "nand-1bit", scenario: "good" });
  const checks = new JourneyChecks(world);
  const begin = (faults: Partial<SessionFaults>): Journey => {
    const journey = new Journey(checks);
    journey.run({ faults: { ...NO_FAULTS, ...faults }, choices: "", cut: null });
    return journey;
  };
  const badBlocks = (journey: Journey): number =>
    checks.viewOf(journey.node.state).floor?.record.badBlocks.length ?? 0;

  it("makes a block bad, which the store then retires", () => {
    expect(badBlocks(begin({ badAt: 7 }))).toBe(badBlocks(begin({})) + 1);
  });

  it("makes a page unreadable, which a patrol puts right", () => {
    const view = checks.viewOf(world.root.state);
    const bank = view.floor?.record.banks[view.floor.record.acceptedBank ?? 0];
    const page = (bank?.images[0]?.copies[1][0]?.firstBlock ?? 0) * view.shape.pagesPerBlock + 1;
    const line = `small/nand-1bit/self-test-fails d${page},-`;
    const { edges } = parseLine(line);
    const failing = createWorld({
      profile: "small",
      flash: "nand-1bit",
      scenario: "self-test-fails",
    });
    const sessions = [...replay(failing, edges)];
    expect(sessions.flatMap(({ violations }) => violations)).toEqual([]);
    const [first] = sessions;
    const last = sessions.at(-1);
    expect(first && checks.viewOf(first.to.state).page(page).status).toBe("uncorrectable");
    expect(last?.session.end.kind).toBe("rest");
    const record = last && checks.viewOf(last.to.state).floor?.record;
    const block = record?.banks[record.acceptedBank ?? 0]?.images[0]?.copies[1][0]?.firstBlock;
    expect(block).not.toBe(Math.floor(page / view.shape.pagesPerBlock));
  });

  it.each(TRANSPORT_FAULTS)(
    "of the transport costs flash operations or nothing: %s",
    (transport) => {
      const plain = runSession(world, world.root);
      const history = { ...NO_HISTORY, isOfferedAgain: true };
      const faults = { ...NO_FAULTS, transport };
      const session = runSession(world, world.root, { faults, history });
      expect(session.hasDownloaded).toBe(true);
      expect(session.end).toEqual(plain.end);
      const isCostly = !["dropped", "truncated", "stale-etag"].includes(transport);
      expect(session.steps.length > plain.steps.length).toBe(isCostly);
    },
  );
});

describe.each(FLASH_KINDS)("resets on %s", (flash) => {
  it("leave the same on a copy of the device as in a session that is really reset", () => {
    const world = createWorld({ profile: "small", flash, scenario: "self-test-fails" });
    let node = world.root;
    let compared = 0;
    let underWatchdog = 0;
    for (;;) {
      const session = runSession(world, node);
      for (const [number, step] of session.steps.entries()) {
        if (step.watchdogRuns) underWatchdog += 1;
        const resets = resetsAt(step, number);
        expect(resets.length).toBeGreaterThan(0);
        for (const reset of resets) {
          const forked = interruptedNode(world.geometry, session, reset);
          const real = runSession(world, node, { cut: reset });
          expect(real.end).toEqual({ kind: "reset", entry: forked.entry });
          const next = runSession(world, forked);
          const really = runSession(world, { state: real.after, entry: forked.entry });
          expect(next.events).toEqual(really.events);
          expect(next.steps.map(({ operation }) => operation)).toEqual(
            really.steps.map(({ operation }) => operation),
          );
          compared += 1;
        }
      }
      if (session.end.kind !== "reset") break;
      node = { state: session.after, entry: session.end.entry };
    }
    expect(compared).toBeGreaterThan(100);
    expect(underWatchdog).toBeGreaterThan(0);
  });
});
