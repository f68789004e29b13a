// SPDX-License-Identifier: Apache-2.0
import type { AppScript, NetScript } from "@tandem/twin";

import type { Flaw } from "./releases.js";

/** How an update ends, as release servers and reports call it. */
export type UpdateResult = "accepted" | "rolled-back" | "refused" | "switched-back";

/** One story: what the new release is like, and how its update ends when no fault comes. */
export interface Scenario {
  readonly name: string;
  readonly flaw: Flaw;
  readonly app: AppScript;
  readonly net: NetScript;
  /** The application goes back to the previous release once it has accepted the new one. */
  readonly switchesBack: boolean;
  /** The new release behaves differently at each of its trial starts, in any way. */
  readonly isFickle: boolean;
  /** How it may end when no fault comes. */
  readonly results: readonly UpdateResult[];
}

const GOOD: Omit<Scenario, "name"> = {
  flaw: "none",
  app: { kind: "boots" },
  net: { kind: "boots" },
  switchesBack: false,
  isFickle: false,
  results: ["rolled-back"],
};

/** Between them, every story that a fault-free update can tell. */
export const SCENARIOS: readonly Scenario[] = [
  { ...GOOD, name: "good", results: ["accepted"] },
  { ...GOOD, name: "switch-back", switchesBack: true, results: ["switched-back"] },
  { ...GOOD, name: "damaged", flaw: "damaged", results: ["refused"] },
  { ...GOOD, name: "self-test-fails", app: { kind: "self-test-fails" } },
  { ...GOOD, name: "app-hangs", app: { kind: "hangs" } },
  { ...GOOD, name: "app-crashes-at-once", app: { kind: "crashes", afterMs: 0 } },
  { ...GOOD, name: "app-crashes-later", app: { kind: "crashes", afterMs: 5000 } },
  { ...GOOD, name: "net-silent", net: { kind: "silent" } },
  { ...GOOD, name: "net-wrong-version", net: { kind: "wrong-version" } },
  { ...GOOD, name: "net-busy", net: { kind: "busy" } },
  { ...GOOD, name: "net-refused-by-b0n", flaw: "refused-by-b0n" },
];

/** The story of each of the others whose new release is flawless, at once. */
export const FICKLE: Scenario = {
  ...GOOD,
  name: "any-firmware",
  isFickle: true,
  results: ["accepted", "rolled-back"],
};

/** Enough for large images: the others write nothing that one of these does not. */
export const FULL_SCENARIOS: readonly Scenario[] = SCENARIOS.filter(({ name }) =>
  ["good", "switch-back", "self-test-fails", "net-refused-by-b0n"].includes(name),
);

/** What `closure` goes through: all that `SCENARIOS` tell. */
export const CLOSURE_SCENARIOS: readonly Scenario[] = [
  FICKLE,
  ...SCENARIOS.filter(({ switchesBack, flaw }) => switchesBack || flaw !== "none"),
];
