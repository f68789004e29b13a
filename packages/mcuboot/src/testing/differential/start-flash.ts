// SPDX-License-Identifier: Apache-2.0
import { buildImage } from "./build-image.js";
import type { ImageRecipe } from "./build-image.js";
import { bytesOf, hasCounters, layoutOf } from "./scenario.js";
import type { Scenario, ScenarioArea } from "./scenario.js";
import {
  BOOT_FLAG_SET,
  BOOT_SWAP_TYPE_PERM,
  BOOT_SWAP_TYPE_TEST,
  bootMagic,
  trailerOffsets,
} from "./slot-trailer.js";
import { fillWild } from "./wild-slot.js";

/** What stands in the flash of a scenario before the first boot, one array per device. */
export function startFlash(scenario: Scenario): readonly Uint8Array[] {
  const { devices, areas } = layoutOf(scenario);
  const flash = devices.map(({ size, erasedValue }) => new Uint8Array(size).fill(erasedValue));
  for (const area of areas) {
    const bytes = (flash[area.device] ?? new Uint8Array(0)).subarray(
      area.offset,
      area.offset + area.size,
    );
    if (scenario.wild !== 0) fillWild(scenario, area, bytes);
    else if (area.name !== "scratch") fillSlot(scenario, area, bytes);
  }
  return flash;
}

/** The device's security counters before the first boot, one per image. */
export function startCounters(scenario: Scenario): readonly number[] {
  return Array.from({ length: scenario.images }, (_, image) => (scenario.wild + image) % 3);
}

/** Seed of the payload of release 1 or 2 of an image. */
export function payloadSeed(seed: number, image: number, release: 1 | 2): number {
  return seed * 16 + 2 * image + release - 1;
}

/** MCUboot's index of the image that a slot belongs to. */
function imageIndexOf(area: ScenarioArea): number {
  return Number(area.name.slice(1));
}

/** With offset, an upgrade stands one sector behind the start of its slot. */
function imageOffset(scenario: Scenario, area: ScenarioArea): number {
  const isUpgrade = scenario.mode === "offset" && area.name.startsWith("s");
  return isUpgrade ? (scenario.secondary[0]?.[1] ?? 0) : 0;
}

function recipeFor(scenario: Scenario, area: ScenarioArea): ImageRecipe {
  const image = imageIndexOf(area);
  const isNew = area.name.startsWith("s");
  const other = scenario.images === 1 ? 0 : (image + 1) % scenario.images;
  const needed = scenario.dependencies === "unmet" ? "3.0.0" : "2.0.0";
  const isDowngrade = scenario.variant.startsWith("downgrade") && image === 0;
  const counter = isNew ? (isDowngrade ? 2 : 4) : 3;
  return {
    version: isNew ? (isDowngrade ? "0.9.0" : "2.0.0") : "1.0.0",
    seed: payloadSeed(scenario.seed, image, isNew ? 2 : 1),
    payloadBytes: scenario.payloads[image]?.[isNew ? 1 : 0] ?? 0,
    dependencies:
      isNew && scenario.dependencies !== "none" ? [{ imageIndex: other, version: needed }] : [],
    securityCounter: hasCounters(scenario) ? counter : null,
    isSigned: scenario.variant === "signed",
  };
}

function fillSlot(scenario: Scenario, area: ScenarioArea, slot: Uint8Array): void {
  slot.set(buildImage(recipeFor(scenario, area)), imageOffset(scenario, area));
  const image = imageIndexOf(area);
  const isPrimary = area.name.startsWith("p");
  const at = trailerOffsets(
    scenario,
    bytesOf(isPrimary ? scenario.primary : scenario.secondary),
    "slot",
  );
  const isPermanent = scenario.pending === "permanent";
  if (scenario.mode === "direct-xip-revert") {
    slot.set(bootMagic(scenario), at.magic);
    if (isPrimary) slot[at.copyDone] = BOOT_FLAG_SET;
    if (isPrimary || isPermanent) slot[at.imageOk] = BOOT_FLAG_SET;
    return;
  }
  const isPending = scenario.pending === "first-only" ? image === 0 : scenario.pending !== "none";
  if (isPrimary || !isPending) return;
  slot.set(bootMagic(scenario), at.magic);
  if (isPermanent) slot[at.imageOk] = BOOT_FLAG_SET;
  slot[at.swapInfo] = (image << 4) | (isPermanent ? BOOT_SWAP_TYPE_PERM : BOOT_SWAP_TYPE_TEST);
}
