// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { PowerSupply } from "../power-supply.js";
import {
  NcsTestDevice,
  flashDigest,
  makeNcsRelease,
  versionsIn,
} from "../testing/ncs-test-device.js";
import type { NcsBuildOptions } from "./ncs-build.js";
import type { NcsNrf5340 } from "./ncs-device.js";

const V2 = makeNcsRelease("2.0.0");

/** A switched-off device with version 2 of both images marked. */
function staged(build: NcsBuildOptions): NcsNrf5340 {
  const test = new NcsTestDevice(build, { known: [V2] });
  test.stage(V2);
  return test.device.fork();
}

/** Boots a fork, with power gone before operation `at`, until an application runs. */
function bootCut(device: NcsNrf5340, at: number | null): NcsNrf5340 {
  const power = new PowerSupply({ seed: 1 });
  const fork = device.fork({ power });
  if (at !== null) power.planCut({ when: "before", matches: () => true, skip: at });
  const outcome = fork.bootToApplication(fork.powerOn(), 8);
  expect(outcome.kind).toBe("application");
  return fork;
}

/** What stands in the cores after a cut before each operation, without repetition. */
function sweep(build: NcsBuildOptions): {
  readonly ends: ReadonlySet<string>;
  readonly mixedStarts: number;
} {
  const device = staged(build);
  const points = bootCut(device, null).power.operations;
  const ends = new Set<string>();
  let mixedStarts = 0;
  for (let at = 0; at < points; at++) {
    const fork = bootCut(device, at);
    ends.add(versionsIn(fork).join(" "));
    mixedStarts += fork.observer.counters.mixedStarts;
  }
  return { ends, mixedStarts };
}

describe("power cuts on an nRF5340 as NCS builds it", () => {
  it("end with the new release in overwrite mode", () => {
    const { ends, mixedStarts } = sweep({ sdk: "v3.4.0", mode: "overwrite" });
    expect(ends).toEqual(new Set(["2.0.0 2.0.0"]));
    expect(mixedStarts).toBe(0);
  });

  it("can end with the app reverted and the net core half written in mode move", () => {
    // What the RAM slot held is gone, so image 1 has nothing pending any more and the application
    // counts as an unconfirmed trial.
    const { ends } = sweep({ sdk: "v3.4.0", mode: "move" });
    expect(ends).toEqual(new Set(["2.0.0 2.0.0", "1.0.0 1.0.0", "1.0.0 "]));
  });

  it("come out the same each time", () => {
    const device = staged({ sdk: "v3.4.0", mode: "move" });
    const [first, again, other] = [20, 20, 120].map((at) => flashDigest(bootCut(device, at)));
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });
});
