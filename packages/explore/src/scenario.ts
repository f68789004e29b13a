// SPDX-License-Identifier: Apache-2.0
import type { AppScript, NetScript } from "@tandem/twin";

import type { Flaw } from "./releases.js";

/** How an update ends, as release servers and reports call it. */
export const UPDATE_RESULTS = ["accepted", "rolled-back", "refused", "switched-back"] as const;
export type UpdateResult = (typeof UPDATE_RESULTS)[number];

/**
 * The device when the story begins. `ready`: as it leaves production. `erased`: the release is half
 * received, and somebody has erased the application core's flash, marker and all: the accepted
 * release has to be installed again meanwhile. `unconfirmed`: the release is received, and the
 * marker has lost its last word: it calls the accepted release one on trial.
 */
type Beginning = "ready" | "erased" | "unconfirmed";

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
  readonly begins: Beginning;
  /** How it may end when no fault comes. */
  readonly results: readonly UpdateResult[];
}

const GOOD: Omit<Scenario, "name"> = {
  flaw: "none",
  app: { kind: "boots" },
  net: { kind: "boots" },
  switchesBack: false,
  isFickle: false,
  begins: "ready",
  results: ["rolled-back"],
};

/** Between them, every story that a fault-free update can tell. */
export const SCENARIOS: readonly Scenario[] = [
  { ...GOOD, name: "good", results: ["accepted"] },
  { ...GOOD, name: "switch-back", switchesBack: true, results: ["switched-back"] },
  { ...GOOD, name: "erased", begins: "erased", results: ["accepted"] },
  { ...GOOD, name: "unconfirmed", begins: "unconfirmed", results: ["accepted"] },
  { ...GOOD, name: "damaged", flaw: "damaged", results: ["refused"] },
  { ...GOOD, name: "self-test-fails", app: { kind: "self-test-fails" } },
  { ...GOOD, name: "app-hangs", app: { kind: "hangs" } },
  { ...GOOD, name: "app-hangs-later", app: { kind: "hangs", afterMs: 5000 } },
  { ...GOOD, name: "app-resets", app: { kind: "resets" } },
  { ...GOOD, name: "app-crashes-at-once", app: { kind: "crashes", afterMs: 0 } },
  { ...GOOD, name: "app-crashes-later", app: { kind: "crashes", afterMs: 5000 } },
  // It ends as its firmware wants: what is accepted stays, whatever it does then.
  {
    ...GOOD,
    name: "accepts-then-crashes",
    app: { kind: "accepts-then-crashes" },
    results: ["accepted"],
  },
  { ...GOOD, name: "net-silent", net: { kind: "silent" } },
  { ...GOOD, name: "net-wrong-version", net: { kind: "wrong-version" } },
  { ...GOOD, name: "net-busy", net: { kind: "busy" } },
  { ...GOOD, name: "net-refused-by-b0n", flaw: "refused-by-b0n" },
];

/**
 * The story of each of the others whose new release is flawless, at once, from each beginning. They
 * lead to the same states.
 */
const FICKLE_SCENARIOS: readonly Scenario[] = (
  [
    ["any-firmware", "ready"],
    ["any-firmware-erased", "erased"],
    ["any-firmware-unconfirmed", "unconfirmed"],
  ] as const
).map(([name, begins]) => ({
  ...GOOD,
  name,
  begins,
  isFickle: true,
  results: ["accepted", "rolled-back"],
}));

/** By their names. */
export const ALL_SCENARIOS: ReadonlyMap<string, Scenario> = new Map(
  [...SCENARIOS, ...FICKLE_SCENARIOS].map((scenario) => [scenario.name, scenario]),
);

/** Enough for large images: the others write nothing that one of these does not. */
export const FULL_SCENARIOS: readonly Scenario[] = SCENARIOS.filter(({ name }) =>
  ["good", "switch-back", "self-test-fails", "net-refused-by-b0n"].includes(name),
);

/** What `closure` goes through: all that `SCENARIOS` tell, those with the most states first. */
export const CLOSURE_SCENARIOS: readonly Scenario[] = [
  ...SCENARIOS.filter(({ switchesBack }) => switchesBack),
  ...FICKLE_SCENARIOS,
  ...SCENARIOS.filter(({ flaw, net }) => flaw !== "none" || net.kind === "busy"),
];
