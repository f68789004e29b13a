// SPDX-License-Identifier: Apache-2.0

/** Upgrade modes as the reference is built for them; `overwrite-slow` is without the fast copy. */
export type ScenarioMode =
  | "single"
  | "scratch"
  | "move"
  | "offset"
  | "overwrite"
  | "overwrite-slow"
  | "direct-xip"
  | "direct-xip-revert";

/** What the application asked for before the reset; `first-only` is a test of image 0 alone. */
export type Pending = "none" | "test" | "permanent" | "first-only";

/** `mutual`: each v2 needs the other image at 2.0.0; `unmet`: at 3.0.0, which does not exist. */
export type Dependencies = "none" | "mutual" | "unmet";

/** How the build differs from the plain one; vectors/SOURCE.md has MCUboot's names. */
export type Variant =
  | "plain"
  | "novalidate"
  | "downgrade"
  | "downgrade-counter"
  | "build-number"
  | "bootstrap"
  | "fast-bootstrap"
  | "max16"
  | "max32"
  | "counter"
  | "scramble"
  | "backup"
  | "few-sectors"
  | "signed";

/**
 * What happens between the cut boot and those after it. `flips`: one bit somewhere turns over.
 * `confirm`: the application confirms itself after the first boot that was not cut.
 */
type Between = "nothing" | "flips" | "confirm";

/** So many sectors of so many bytes. */
export type SectorRun = readonly [count: number, bytes: number];

/** Everything that decides the flash a comparison starts from; equal scenarios give equal bytes. */
export interface Scenario {
  readonly mode: ScenarioMode;
  readonly variant: Variant;
  /** 1 to 4. */
  readonly images: number;
  /** Smallest write of the device with the primary slots, bytes. */
  readonly align: number;
  /** Smallest write of a second device with secondary slots and scratch; 0: one device for all. */
  readonly secondaryAlign: number;
  /** What erased flash reads as: 0xff or 0. */
  readonly erasedValue: number;
  /** Sectors of each primary slot. */
  readonly primary: readonly SectorRun[];
  /** Sectors of each secondary slot. */
  readonly secondary: readonly SectorRun[];
  /** Sectors of the scratch area, in mode `scratch`. */
  readonly scratch: readonly SectorRun[];
  /** Payload bytes of v1 and v2 of each image. */
  readonly payloads: readonly (readonly [v1: number, v2: number])[];
  readonly pending: Pending;
  /** `revert`: the boot under test is the one after an unconfirmed test. */
  readonly from: "install" | "revert";
  readonly dependencies: Dependencies;
  readonly between: Between;
  /** 0: v1 in the primary slots, v2 in the secondary. Otherwise seeds slots with damage. */
  readonly wild: number;
  /** Seed of the payloads and of what happens in between. */
  readonly seed: number;
}

/** A flash area of a scenario; names as the reference driver has them: p0, s0, p1, …, scratch. */
export interface ScenarioArea {
  readonly name: string;
  readonly device: number;
  readonly offset: number;
  readonly size: number;
}

interface ScenarioDevice {
  readonly size: number;
  readonly sectors: readonly SectorRun[];
  readonly align: number;
  readonly erasedValue: number;
}

/** Devices of a scenario, and its slots on them. */
export interface ScenarioLayout {
  readonly devices: readonly ScenarioDevice[];
  readonly areas: readonly ScenarioArea[];
}

/** Sectors in front of the first area, where a bootloader would be. */
const BOOT_SECTORS: SectorRun = [2, 1024];

/** Where the slots of a scenario are. */
export function layoutOf(scenario: Scenario): ScenarioLayout {
  const { align, secondaryAlign, erasedValue } = scenario;
  const areas: ScenarioArea[] = [];
  const devices: SectorRun[][] = [[BOOT_SECTORS], []];
  const second = secondaryAlign === 0 ? 0 : 1;
  const place = (name: string, device: number, sectors: readonly SectorRun[]): void => {
    const before = devices[device] ?? [];
    areas.push({ name, device, offset: bytesOf(before), size: bytesOf(sectors) });
    before.push(...sectors);
  };
  for (let image = 0; image < scenario.images; image++) {
    place(`p${image}`, 0, scenario.primary);
    if (scenario.mode !== "single") place(`s${image}`, second, scenario.secondary);
  }
  if (scenario.mode === "scratch") place("scratch", second, scenario.scratch);
  const aligns = [align, secondaryAlign];
  return {
    areas,
    devices: devices.slice(0, second + 1).map((sectors, id) => {
      return { size: bytesOf(sectors), sectors, align: aligns[id] ?? align, erasedValue };
    }),
  };
}

/** Bytes of sectors. */
export function bytesOf(sectors: readonly SectorRun[]): number {
  return sectors.reduce((sum, [count, bytes]) => sum + count * bytes, 0);
}

/** MCUBOOT_BOOT_MAX_ALIGN of the build. */
export function maxAlignOf({ variant }: Scenario): 8 | 16 | 32 {
  return variant === "max16" ? 16 : variant === "max32" ? 32 : 8;
}

/** True when the image checks or the downgrade checks of the build read security counters. */
export function hasCounters({ variant }: Scenario): boolean {
  return variant === "counter" || variant === "downgrade-counter";
}

/** Sectors as the reference driver reads them: `4x1024,4x2048`. */
export function sectorsText(sectors: readonly SectorRun[]): string {
  return sectors.map((run) => run.join("x")).join(",");
}

/** Short name that differs for different scenarios. */
export function scenarioName(scenario: Scenario): string {
  const { mode, variant, images, align, secondaryAlign, erasedValue } = scenario;
  const { primary, secondary, scratch, payloads, pending, from, dependencies } = scenario;
  return [
    mode,
    variant,
    `${images}`,
    `a${align}${secondaryAlign === 0 ? "" : `.${secondaryAlign}`}`,
    `e${erasedValue.toString(16)}`,
    [primary, secondary, scratch].map(sectorsText).join("/"),
    payloads.map((pair) => pair.join(".")).join("_"),
    pending,
    from,
    dependencies,
    scenario.between,
    `w${scenario.wild}`,
    `seed${scenario.seed}`,
  ].join("-");
}
