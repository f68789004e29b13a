// SPDX-License-Identifier: Apache-2.0
import type { AppScript, NetScript } from "@tandem/twin";

/** What the new release is like, the same for all rows of the comparison. */
export interface ComparedStory {
  readonly name: string;
  readonly title: string;
  readonly app: AppScript;
  readonly net: NetScript;
  /** b0n refuses the network core's image; a bootloader without b0n, the second image's hash. */
  readonly isRefused: boolean;
  /** It takes a b0n to tell it. */
  readonly needsB0n: boolean;
  /** Nothing is wrong with it. */
  readonly isGood: boolean;
  /** Scenario of the explorer that tells the same. */
  readonly scenario: string;
}

const BAD: Omit<ComparedStory, "name" | "title" | "scenario"> = {
  app: { kind: "boots" },
  net: { kind: "boots" },
  isRefused: false,
  needsB0n: false,
  isGood: false,
};

export const COMPARED_STORIES: readonly ComparedStory[] = [
  { ...BAD, name: "good", title: "nothing is wrong", isGood: true, scenario: "good" },
  {
    ...BAD,
    name: "app-crashes",
    title: "the new application crashes at its start",
    app: { kind: "crashes", afterMs: 0 },
    scenario: "app-crashes-at-once",
  },
  {
    ...BAD,
    name: "net-silent",
    title: "the new network core does not answer",
    net: { kind: "silent" },
    scenario: "net-silent",
  },
  {
    ...BAD,
    name: "net-refused",
    title: "the new network core image is refused: by b0n, or without one by MCUboot",
    isRefused: true,
    scenario: "net-refused-by-b0n",
  },
  {
    ...BAD,
    name: "net-busy",
    title: "b0n does not get done with the new network core image; rows with b0n only",
    net: { kind: "busy" },
    needsB0n: true,
    scenario: "net-busy",
  },
];
