// SPDX-License-Identifier: Apache-2.0
import { toHex } from "@tandem/base";
import { PowerLoss } from "@tandem/flash";
import type { Cut } from "@tandem/flash";
import { describe, expect, it } from "vitest";

import { TestDevice, forkFlash, makeRelease } from "../testing/test-device.js";
import type { TestRelease } from "../testing/test-device.js";

const FACTORY = makeRelease({ version: "1.0.0" });
const NEXT = makeRelease({ version: "1.1.0" });
const WHEN = ["before", "inside", "after"] as const;

type Ending = "accepted" | "rolled-back";

const provisioned = TestDevice.provisioned(FACTORY).flash;

function deviceWith(ending: Ending): TestDevice {
  const device = new TestDevice(forkFlash(provisioned), [FACTORY, NEXT], 1);
  if (ending === "rolled-back")
    device.net.set(toHex(NEXT.hashes[1] ?? new Uint8Array(0)), { kind: "silent" });
  return device;
}

/** What is left of the update for the application that runs now. True when it has ended. */
function goOn(device: TestDevice): boolean {
  const { state, reason, accepted } = device.running.service.query();
  const isDone = state === "FAILED" || (state === "UPDATED" && reason === null);
  if (isDone) return true;
  if (accepted !== null && toHex(accepted.id) === toHex(NEXT.hashes[0] ?? new Uint8Array(0)))
    return true;
  if (state === "READY" || state === "WRITING") device.stage(NEXT);
  if (state === "CANDIDATE") device.running.service.install();
  device.settle();
  return false;
}

/** Runs the update to its end through whatever cuts are planned; the number of sessions it took. */
function runToEnd(device: TestDevice): number {
  device.boot();
  for (let session = 1; session < 20; session++) {
    try {
      if (goOn(device)) return session;
    } catch (error) {
      if (!(error instanceof PowerLoss)) throw error;
      device.boot();
    }
  }
  return Number.POSITIVE_INFINITY;
}

function countOperations(ending: Ending): number {
  const device = deviceWith(ending);
  runToEnd(device);
  return device.twin.power.operations;
}

function planCutAt(device: TestDevice, operation: number, when: Cut["when"]): void {
  device.twin.power.planCut({ when, matches: () => true, skip: operation });
}

function expectEnding(device: TestDevice, ending: Ending, what: string): void {
  const release: TestRelease = ending === "accepted" ? NEXT : FACTORY;
  expect(device.holds, what).toEqual(release.hashes.map((hash) => toHex(hash)));
  expect(device.twin.observer.counters, what).toEqual({ mixedStarts: 0, unverifiedStarts: 0 });
  expect(device.twin.violations, what).toEqual([]);
}

describe.each(["accepted", "rolled-back"] as const)("an update that ends %s", (ending) => {
  const operations = countOperations(ending);

  it.each(WHEN)(`ends the same after a cut %s any of its operations`, (when) => {
    expect(operations).toBeGreaterThan(60);
    for (let at = 0; at < operations; at++) {
      const device = deviceWith(ending);
      planCutAt(device, at, when);
      const what = `cut ${when} operation ${at} of ${operations}`;
      expect(runToEnd(device), what).toBeLessThan(20);
      expectEnding(device, ending, what);
    }
  });

  it("ends the same after a second cut in the recovery from the first", () => {
    for (let at = 0; at < operations; at += 3) {
      const device = deviceWith(ending);
      const when = WHEN[at % 3] ?? "inside";
      planCutAt(device, at, when);
      const what = `cuts ${when} at ${at} and ${at % 11} later`;
      device.boot();
      try {
        goOn(device);
      } catch (error) {
        if (!(error instanceof PowerLoss)) throw error;
      }
      planCutAt(device, at % 11, "inside");
      expect(runToEnd(device), what).toBeLessThan(20);
      expectEnding(device, ending, what);
    }
  });
});
