// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { NcsTestDevice, makeNcsRelease } from "../testing/ncs-test-device.js";
import type { NcsMode } from "./ncs-layout.js";

const V2 = makeNcsRelease("2.0.0");
const NONE = { mixedStarts: 0, unverifiedStarts: 0 };

describe("an nRF5340 as NCS builds it", () => {
  it("starts what production has written", () => {
    const test = new NcsTestDevice({ sdk: "v3.4.0", mode: "overwrite" });
    expect(test.holds).toEqual(["1.0.0", "1.0.0"]);
    expect(test.running.netVersion).toMatchObject({ major: 1 });
    expect(test.device.observer.counters).toEqual(NONE);
  });

  it.each(["external", "internal"] as const)(
    "updates both cores in overwrite mode, from %s flash",
    (secondary) => {
      const test = new NcsTestDevice({ sdk: "v3.4.0", mode: "overwrite", secondary });
      test.stage(V2);
      expect(test.restart().kind).toBe("application");
      expect(test.holds).toEqual(["2.0.0", "2.0.0"]);
      expect(test.running.netVersion).toMatchObject({ major: 2 });
      expect(test.running.pending(0)).toBe("none");
      expect(test.running.pending(1)).toBe("none");
    },
  );

  it.each<NcsMode>(["move", "offset", "scratch"])(
    "updates both cores in mode %s since v3.3.0",
    (mode) => {
      const test = new NcsTestDevice({ sdk: "v3.3.0", mode });
      test.stage(V2);
      expect(test.restart().kind).toBe("application");
      expect(test.holds).toEqual(["2.0.0", "2.0.0"]);
      expect(test.running.isConfirmed).toBe(false);
      test.running.confirm();
      expect(test.running.isConfirmed).toBe(true);
      expect(test.restart().kind).toBe("application");
      expect(test.holds).toEqual(["2.0.0", "2.0.0"]);
    },
  );
});
