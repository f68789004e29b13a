// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { POWER_ON } from "./device-state.js";
import type { DeviceNode } from "./device-state.js";
import { cutState, cutsOf } from "./forked-cuts.js";
import { FLASH_KINDS } from "./geometry.js";
import { runSession } from "./session.js";
import { createWorld } from "./world.js";
import type { World } from "./world.js";

/** Everything that a device keeps, as text. */
function contentsOf(world: World, { state }: DeviceNode): string {
  const { nand, appFlash, netFlash, securityCounter } = state;
  const { blockCount, pagesPerBlock } = world.geometry.chip.shape;
  const parts = [nand, appFlash, netFlash].map((storage) => {
    const pages: string[] = [];
    for (let page = 0; page < blockCount * pagesPerBlock; page++) {
      const bytes = storage.read(page);
      if (bytes !== null) pages.push(`${page}:${Buffer.from(bytes).toString("base64")}`);
    }
    // How often an unstable page was read is not part of a state.
    const { blocks, pages: hidden } = storage.medium.toJson();
    return JSON.stringify([pages, blocks, hidden.map(([page, good]) => [page, good === 256])]);
  });
  return [...parts, securityCounter].join("\n");
}

describe.each(FLASH_KINDS)("cuts on %s", (flash) => {
  it("leave the same on a copy of the device as in a session that is really cut", () => {
    const world = createWorld({ profile: "small", flash, scenario: "self-test-fails" });
    let node = world.root;
    let compared = 0;
    for (;;) {
      const session = runSession(world, node);
      for (const [number, step] of session.steps.entries()) {
        const cuts = cutsOf(step.operation, number);
        // Every third, so that each kind of cut meets each kind of operation.
        for (const cut of cuts.filter((_, index) => (index + number) % 3 === 0)) {
          const forked = { state: cutState(world.geometry, session, cut), entry: POWER_ON };
          const real = runSession(world, node, { cut });
          expect(real.end.kind).toBe("power-lost");
          const what = `${flash}: ${cut.when} ${cut.tear ?? ""} of operation ${number}`;
          const really = { state: real.after, entry: POWER_ON };
          expect(contentsOf(world, forked) === contentsOf(world, really), what).toBe(true);
          compared += 1;
        }
      }
      if (session.end.kind !== "reset") break;
      node = { state: session.after, entry: session.end.entry };
    }
    expect(compared).toBeGreaterThan(300);
  });
});
