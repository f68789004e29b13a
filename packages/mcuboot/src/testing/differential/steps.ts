// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";

import { layoutOf } from "./scenario.js";
import type { Scenario } from "./scenario.js";
import { BOOT_FLAG_SET, trailerOffsets } from "./slot-trailer.js";

/** What is done to a board, by the reference driver and by Tandem alike. */
export type Step =
  /** Power goes before write or erase number `cut`, counted from 1; 0: it stays. */
  | { readonly kind: "boot"; readonly cut: number }
  /** What stands in flash now is what `restore` goes back to. */
  | { readonly kind: "keep" }
  | { readonly kind: "restore" }
  | {
      readonly kind: "flip";
      readonly device: number;
      readonly offset: number;
      readonly mask: number;
    }
  | {
      readonly kind: "put";
      readonly device: number;
      readonly offset: number;
      readonly value: number;
    };

const BOOT: Step = { kind: "boot", cut: 0 };

/** The boots that lead to the one under test. */
export function stepsBefore(scenario: Scenario): readonly Step[] {
  return scenario.from === "revert" ? [BOOT, { kind: "keep" }] : [{ kind: "keep" }];
}

/** The boot under test, cut or not, then one that recovers and one that shows what it left. */
export function stepsOfRun(scenario: Scenario, cut: number): readonly Step[] {
  const begin: readonly Step[] = [{ kind: "restore" }, { kind: "boot", cut }];
  switch (scenario.between) {
    case "nothing":
      return [...begin, BOOT, BOOT];
    case "flips":
      return [...begin, flipFor(scenario, cut), BOOT, BOOT];
    case "confirm":
      return [...begin, BOOT, ...confirmations(scenario), BOOT];
    default:
      return scenario.between satisfies never;
  }
}

/**
 * One bit somewhere; half of the time near the end of an area, where trailers are. Not in the upper
 * bytes of a swap size: MCUboot counts sectors up to it, past the end of its table of them.
 */
function flipFor(scenario: Scenario, cut: number): Step {
  const random = createRandom(scenario.seed * 7919 + cut);
  const { areas } = layoutOf(scenario);
  const area = areas[random.below(areas.length)];
  const { name = "", size = 1, offset = 0, device = 0 } = area ?? {};
  const span = random.below(2) === 0 ? size : Math.min(size, 96);
  let at = size - 1 - random.below(span);
  const kind = name === "scratch" ? "scratch" : "slot";
  const { swapSize } = trailerOffsets(scenario, size, kind);
  if (at > swapSize && at < swapSize + 4) at = swapSize;
  return { kind: "flip", device, offset: offset + at, mask: 1 << random.below(8) };
}

/** `boot_set_confirmed_multi` of every image. */
function confirmations(scenario: Scenario): readonly Step[] {
  return layoutOf(scenario)
    .areas.filter(({ name }) => name.startsWith("p"))
    .map(({ device, offset, size }) => ({
      kind: "put",
      device,
      offset: offset + trailerOffsets(scenario, size, "slot").imageOk,
      value: BOOT_FLAG_SET,
    }));
}
