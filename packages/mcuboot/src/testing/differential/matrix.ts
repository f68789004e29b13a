// SPDX-License-Identifier: Apache-2.0
import { bytesOf } from "./scenario.js";
import type { Dependencies, Pending, Scenario, ScenarioMode, Variant } from "./scenario.js";

const SWAP_MODES = ["scratch", "move", "offset"] as const;
const UPGRADE_MODES = [...SWAP_MODES, "overwrite"] as const;
const ALL_UPGRADES = [
  ...UPGRADE_MODES,
  "overwrite-slow",
  "direct-xip",
  "direct-xip-revert",
] as const;
const ALIGNS = [1, 4, 8] as const;
const PENDINGS = ["none", "test", "permanent", "first-only"] as const;
const DEPENDENCIES = ["none", "mutual", "unmet"] as const;

/** The scenario that the others are variations of. */
export const PLAIN_SCENARIO: Scenario = {
  mode: "scratch",
  variant: "plain",
  images: 1,
  align: 4,
  secondaryAlign: 0,
  erasedValue: 0xff,
  primary: [[12, 1024]],
  secondary: [[12, 1024]],
  scratch: [[1, 1024]],
  payloads: [
    [5000, 6500],
    [5900, 4800],
    [700, 2100],
    [3000, 2900],
  ],
  pending: "test",
  from: "install",
  dependencies: "none",
  between: "nothing",
  wild: 0,
  seed: 1,
};

function canRevert(mode: ScenarioMode): boolean {
  return mode === "scratch" || mode === "move" || mode === "offset";
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
          .filter(([, from]) => from === "install" || canRevert(mode))
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

function dependenciesFor(images: number): readonly Dependencies[] {
  return images === 1 ? ["none"] : ["none", "mutual"];
}

/** Other shapes of flash: two devices, inverted erased value, unequal sectors, tight slots. */
const SHAPES: readonly Partial<Scenario>[] = [
  { secondaryAlign: 1 },
  { align: 1, secondaryAlign: 8 },
  { align: 8, secondaryAlign: 4, primary: [[13, 1024]] },
  { align: 2, secondary: [[13, 1024]] },
  { align: 8, erasedValue: 0 },
  // Sectors of several copies each, and of half a copy.
  {
    primary: [[6, 4096]],
    secondary: [[6, 4096]],
    scratch: [[1, 4096]],
    payloads: [
      [9000, 12_000],
      [14_000, 3000],
    ],
  },
  { align: 8, primary: [[24, 512]], secondary: [[24, 512]], scratch: [[2, 512]] },
  // Sectors of one slot that are several of the other.
  { secondaryAlign: 4, secondary: [[6, 2048]], scratch: [[1, 2048]] },
  { secondaryAlign: 8, primary: [[6, 2048]], scratch: [[2, 1024]] },
  { secondaryAlign: 1, secondary: [[3, 4096]], scratch: [[4, 1024]] },
  // Unequal sectors within a slot.
  {
    primary: [
      [4, 1024],
      [4, 2048],
    ],
    secondary: [
      [4, 1024],
      [4, 2048],
    ],
    scratch: [[1, 2048]],
  },
  // More scratch than a sector, and too little.
  {
    scratch: [[3, 1024]],
    payloads: [
      [8000, 8200],
      [7000, 1000],
    ],
  },
  { align: 8, scratch: [[4, 1024]] },
  { primary: [[6, 2048]], secondary: [[6, 2048]] },
  // Slots that do not fit each other.
  { secondary: [[11, 1024]] },
  { secondary: [[9, 1024]] },
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
    primary: [[13, 1024]],
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
    primary: [[13, 1024]],
    payloads: [
      [11_700, 11_800],
      [11_780, 90],
    ],
  },
];

/** The shapes in every mode, and what happens between boots. */
function shapedScenarios(): readonly Scenario[] {
  return ALL_UPGRADES.flatMap((mode) =>
    SHAPES.flatMap((shape, i) => {
      const base: Scenario = { ...PLAIN_SCENARIO, images: 2, mode, ...shape };
      const scenario = withRoom({ ...base, seed: i + 1 });
      const installs: readonly Scenario[] = [
        scenario,
        { ...scenario, pending: "permanent", between: "confirm" },
        { ...scenario, between: "flips" },
      ];
      const revert: Scenario = { ...scenario, from: "revert" };
      if (!canRevert(mode)) return installs;
      return [...installs, revert, { ...revert, between: "flips" }];
    }),
  );
}

/** Offset needs a sector of the slot, and move, for itself; images are that much smaller. */
function withRoom(scenario: Scenario): Scenario {
  if (scenario.mode !== "offset") return scenario;
  const first = scenario.secondary[0]?.[1] ?? 0;
  const room = Math.min(bytesOf(scenario.secondary), bytesOf(scenario.primary)) - first - 200;
  const fit = (bytes: number): number => Math.min(bytes, room);
  return { ...scenario, payloads: scenario.payloads.map(([v1, v2]) => [fit(v1), fit(v2)]) };
}

/** Builds that every upgrade mode exists in, and those of some. */
function variantsOf(mode: ScenarioMode): readonly Variant[] {
  const common = [
    "plain",
    "novalidate",
    "downgrade",
    "bootstrap",
    "max16",
    "max32",
    "counter",
    "scramble",
    "few-sectors",
    "signed",
  ] as const;
  if (canRevert(mode)) return [...common, "downgrade-counter", "build-number", "fast-bootstrap"];
  return mode.startsWith("overwrite") ? [...common, "build-number", "backup"] : common;
}

/** Every build with every decision. */
function decidedScenarios(): readonly Scenario[] {
  return ALL_UPGRADES.flatMap((mode) =>
    variantsOf(mode).flatMap((variant) =>
      PENDINGS.flatMap((pending) =>
        DEPENDENCIES.flatMap((dependencies) =>
          [1, 2].map((images): Scenario => ({
            ...PLAIN_SCENARIO,
            mode,
            variant,
            pending,
            dependencies,
            images,
            align: variant === "max16" ? 16 : variant === "max32" ? 32 : 4,
            ...(variant.startsWith("max") && {
              primary: [[26, 1024]],
              secondary: [[26, 1024]],
            }),
          })),
        ),
      ),
    ),
  );
}

/** Three and four images, and builds for wider writes than the flash has. */
function otherScenarios(): readonly Scenario[] {
  const many = ALL_UPGRADES.flatMap((mode) =>
    [3, 4].flatMap((images) =>
      DEPENDENCIES.map((dependencies) => ({ ...PLAIN_SCENARIO, mode, images, dependencies })),
    ),
  );
  const wide = ALL_UPGRADES.flatMap((mode) =>
    (["max16", "max32"] as const).flatMap((variant) =>
      (["install", "revert"] as const)
        .filter((from) => from === "install" || canRevert(mode))
        .map((from) => ({ ...PLAIN_SCENARIO, mode, variant, from, images: 2, align: 8 })),
    ),
  );
  return [...many, ...wide, { ...PLAIN_SCENARIO, mode: "single" }];
}

const WILD_SEEDS = 390;

/** Slots with any mixture of images, trailers and damage. */
function wildScenarios(): readonly Scenario[] {
  const modes = [...ALL_UPGRADES, "single"] as const;
  return modes.flatMap((mode) => {
    const variants: readonly Variant[] =
      mode === "single" ? ["plain", "signed", "max32", "counter"] : variantsOf(mode);
    return Array.from({ length: WILD_SEEDS }, (_, i): Scenario => {
      const variant = variants[i % variants.length] ?? "plain";
      return withRoom({
        ...PLAIN_SCENARIO,
        mode,
        variant,
        images: mode === "single" ? 1 : 1 + (Math.floor(i / 3) % 2),
        align: ALIGNS[i % 3] ?? 4,
        dependencies: i % 5 < 3 ? "none" : "mutual",
        between: i % 4 === 0 ? "flips" : "nothing",
        wild: i + 1,
      });
    });
  });
}

/** Everything that Tandem is compared with MCUboot's C code on. */
export function allScenarios(): readonly Scenario[] {
  return [
    ...coreMatrix(),
    ...shapedScenarios(),
    ...decidedScenarios(),
    ...otherScenarios(),
    ...wildScenarios(),
  ];
}
