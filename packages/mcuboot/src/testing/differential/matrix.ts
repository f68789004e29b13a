// SPDX-License-Identifier: Apache-2.0
import type { Dependencies, Pending, Scenario, ScenarioMode } from "./scenario.js";

const SWAP_MODES = ["scratch", "move", "offset"] as const;
const UPGRADE_MODES = [...SWAP_MODES, "overwrite"] as const;
const ALL_UPGRADES = [
  ...UPGRADE_MODES,
  "overwrite-slow",
  "direct-xip",
  "direct-xip-revert",
] as const;
const ALIGNS = [1, 4, 8] as const;

/** The scenario that the others are variations of. */
export const PLAIN_SCENARIO: Scenario = {
  mode: "scratch",
  variant: "plain",
  images: 1,
  align: 4,
  secondaryAlign: 0,
  erasedValue: 0xff,
  sectorSize: 1024,
  slotSectors: 12,
  spareSectors: 0,
  payloads: [
    [5000, 6500],
    [5900, 4800],
    [700, 2100],
  ],
  pending: "test",
  from: "install",
  dependencies: "none",
  wild: 0,
  seed: 1,
};

function dependenciesFor(images: number): readonly Dependencies[] {
  return images === 1 ? ["none"] : ["none", "mutual"];
}

function isPossible(mode: ScenarioMode, from: Scenario["from"]): boolean {
  return from === "install" || (SWAP_MODES as readonly string[]).includes(mode);
}

/** Mode × images × align × test, permanent, revert × dependencies: what every change must pass. */
export function coreMatrix(): readonly Scenario[] {
  const kinds: readonly (readonly [Pending, Scenario["from"]])[] = [
    ["test", "install"],
    ["permanent", "install"],
    ["test", "revert"],
  ];
  return UPGRADE_MODES.flatMap((mode) =>
    [1, 2].flatMap((images) =>
      ALIGNS.flatMap((align) =>
        kinds
          .filter(([, from]) => isPossible(mode, from))
          .flatMap(([pending, from]) =>
            dependenciesFor(images).map((dependencies) => ({
              ...PLAIN_SCENARIO,
              mode,
              images,
              align,
              pending,
              from,
              dependencies,
            })),
          ),
      ),
    ),
  );
}

/** Other shapes of flash: two devices, inverted erased value, spare sectors, tight slots. */
function shapes(): readonly Partial<Scenario>[] {
  return [
    { secondaryAlign: 1 },
    { align: 1, secondaryAlign: 8 },
    { align: 8, secondaryAlign: 4, spareSectors: 1 },
    { align: 8, erasedValue: 0 },
    {
      sectorSize: 4096,
      slotSectors: 6,
      payloads: [
        [9000, 12_000],
        [14_000, 3000],
      ],
    },
    {
      align: 8,
      sectorSize: 512,
      slotSectors: 24,
      payloads: [
        [3000, 5100],
        [4000, 1000],
      ],
    },
    // The largest images that still fit beside the trailer, or nearly so.
    {
      align: 8,
      payloads: [
        [8000, 8000],
        [7900, 8100],
      ],
    },
    {
      align: 8,
      spareSectors: 1,
      payloads: [
        [8900, 9000],
        [9100, 9000],
      ],
    },
    {
      align: 1,
      payloads: [
        [11_000, 10_000],
        [40, 11_600],
      ],
    },
    {
      align: 1,
      spareSectors: 1,
      payloads: [
        [11_700, 11_800],
        [11_780, 90],
      ],
    },
  ];
}

/** With offset, an upgrade begins a sector later and must be that much smaller. */
function withRoom(scenario: Scenario): Scenario {
  if (scenario.mode !== "offset") return scenario;
  const smaller = (bytes: number): number => Math.max(40, bytes - scenario.sectorSize);
  return {
    ...scenario,
    payloads: scenario.payloads.map(([v1, v2]) => [smaller(v1), smaller(v2)] as const),
  };
}

/** The shapes in every mode, with the other pendings, dependencies and configurations. */
function otherScenarios(): readonly Scenario[] {
  const base = { ...PLAIN_SCENARIO, images: 2 };
  const shaped = ALL_UPGRADES.flatMap((mode) =>
    shapes().flatMap((shape) => {
      const scenario = withRoom({ ...base, ...shape, mode });
      const install = [scenario, { ...scenario, pending: "permanent" } as const];
      return isPossible(mode, "revert")
        ? [...install, { ...scenario, from: "revert" } as const]
        : install;
    }),
  );
  const decided = ALL_UPGRADES.flatMap((mode) =>
    (["plain", "novalidate", "downgrade", "bootstrap"] as const).flatMap((variant) =>
      (["none", "test", "permanent", "first-only"] as const).flatMap((pending) =>
        (["none", "mutual", "unmet"] as const).flatMap((dependencies) =>
          [1, 2, 3].map((images) => ({ ...base, mode, variant, pending, dependencies, images })),
        ),
      ),
    ),
  );
  return [
    ...shaped,
    ...decided,
    ...[1, 2].map((seed) => ({ ...PLAIN_SCENARIO, mode: "single" as const, seed })),
  ];
}

const WILD_SEEDS = 150;

/** Slots with any mixture of images, trailers and damage. */
function wildScenarios(): readonly Scenario[] {
  const modes = [...ALL_UPGRADES, "single"] as const;
  const variants = ["plain", "plain", "novalidate", "downgrade", "bootstrap"] as const;
  return modes.flatMap((mode) =>
    Array.from({ length: WILD_SEEDS }, (_, i) => ({
      ...PLAIN_SCENARIO,
      mode,
      variant: mode === "single" ? ("plain" as const) : (variants[i % variants.length] ?? "plain"),
      images: mode === "single" ? 1 : 1 + (i % 3),
      align: ALIGNS[i % 3] ?? 4,
      dependencies: i % 2 === 0 ? ("none" as const) : ("mutual" as const),
      wild: i + 1,
    })),
  );
}

/** Everything that Tandem is compared with MCUboot's C code on. */
export function allScenarios(): readonly Scenario[] {
  return [...coreMatrix(), ...otherScenarios(), ...wildScenarios()];
}
