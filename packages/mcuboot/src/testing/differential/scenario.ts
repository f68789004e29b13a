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

/** Configuration beside the mode: MCUBOOT_VALIDATE_PRIMARY_SLOT is on unless `novalidate`. */
type Variant = "plain" | "novalidate" | "downgrade" | "bootstrap";

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
  readonly sectorSize: number;
  /** Sectors of a secondary slot. */
  readonly slotSectors: number;
  /** Sectors that the primary slot has more (move) or less (offset) than the secondary. */
  readonly spareSectors: number;
  /** Payload bytes of v1 and v2 of each image. */
  readonly payloads: readonly (readonly [v1: number, v2: number])[];
  readonly pending: Pending;
  /** `revert`: the boot under test is the one after an unconfirmed test. */
  readonly from: "install" | "revert";
  readonly dependencies: Dependencies;
  /** 0: v1 in the primary slots, v2 in the secondary. Otherwise seeds slots with damage. */
  readonly wild: number;
  /** Seed of the payloads. */
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
  readonly sectorSize: number;
  readonly align: number;
  readonly erasedValue: number;
}

export interface ScenarioLayout {
  readonly devices: readonly ScenarioDevice[];
  readonly areas: readonly ScenarioArea[];
}

/** Sectors in front of the first area, where a bootloader would be. */
const BOOT_SECTORS = 2;

/** Where the slots of a scenario are. */
export function layoutOf(scenario: Scenario): ScenarioLayout {
  const { sectorSize, slotSectors, spareSectors, align, secondaryAlign, erasedValue } = scenario;
  const areas: ScenarioArea[] = [];
  const ends = [BOOT_SECTORS * sectorSize, 0];
  const place = (name: string, device: number, sectors: number): void => {
    const offset = ends[device] ?? 0;
    const size = sectors * sectorSize;
    areas.push({ name, device, offset, size });
    ends[device] = offset + size;
  };
  const second = secondaryAlign === 0 ? 0 : 1;
  const primarySectors = slotSectors + (scenario.mode === "offset" ? -spareSectors : spareSectors);
  for (let image = 0; image < scenario.images; image++) {
    place(`p${image}`, 0, primarySectors);
    if (scenario.mode !== "single") place(`s${image}`, second, slotSectors);
  }
  if (scenario.mode === "scratch") place("scratch", second, 1);
  const devices = [{ size: ends[0] ?? 0, sectorSize, align, erasedValue }];
  if (second === 1) {
    devices.push({ size: ends[1] ?? 0, sectorSize, align: secondaryAlign, erasedValue });
  }
  return { devices, areas };
}

/** Short name that differs for different scenarios. */
export function scenarioName(scenario: Scenario): string {
  const { mode, variant, images, align, secondaryAlign, erasedValue } = scenario;
  const { sectorSize, slotSectors, spareSectors, payloads, pending, from, dependencies } = scenario;
  return [
    mode,
    variant,
    `${images}`,
    `a${align}${secondaryAlign === 0 ? "" : `.${secondaryAlign}`}`,
    `e${erasedValue.toString(16)}`,
    `${slotSectors}+${spareSectors}x${sectorSize}`,
    payloads.map((pair) => pair.join(".")).join("_"),
    pending,
    from,
    dependencies,
    `w${scenario.wild}`,
    `seed${scenario.seed}`,
  ].join("-");
}
