// SPDX-License-Identifier: Apache-2.0
import { MARKER_ENTRY_BYTES } from "@tandem/update";
import { expect, it } from "vitest";

import { POWER_ON } from "./device-state.js";
import type { DeviceNode } from "./device-state.js";
import { sessionsFrom } from "./possible-sessions.js";
import { runSession } from "./session.js";
import type { Session } from "./session.js";
import { createWorld } from "./world.js";

const world = createWorld({ profile: "small", flash: "nand-1bit", scenario: "good" });

/** What a session does to the marker: `entry`, and `page` where it turns to the other page. */
function markerSteps({ steps }: Session): string {
  const { marker } = world.geometry.map;
  return steps
    .filter(
      ({ operation: { device, address } }) => device === "app-flash" && address >= marker.start,
    )
    .filter(({ operation: { kind, length } }) => kind === "erase" || length === MARKER_ENTRY_BYTES)
    .map(({ operation: { kind } }) => (kind === "erase" ? "page" : "entry"))
    .join(" ");
}

/** The device when its release has been staged. */
function staged(): DeviceNode {
  const { after, end } = runSession(world, world.root);
  expect(end.kind).toBe("reset");
  return { state: after, entry: end.kind === "reset" ? end.entry : POWER_ON };
}

it("turns the page of the marker at each entry that the session writes, and at none", () => {
  const closed = [...sessionsFrom(world, staged(), "closed")].map(({ session }) => session);
  expect(closed.map(markerSteps)).toEqual(["entry entry", "page entry entry", "entry page entry"]);
});

it("leaves the marker as it is where keys are exact", () => {
  const node = staged();
  const sessions = [...sessionsFrom(world, node, "exact")];
  expect(sessions.map((possible) => possible.node)).toEqual([node]);
});
