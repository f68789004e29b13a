// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";

import { createRandom } from "@tandem/base";
import type { Random } from "@tandem/base";
import {
  IMAGE_MAGIC,
  IMAGE_TLV_DEPENDENCY,
  IMAGE_TLV_SHA256,
  encodeDependency,
  encodeImage,
  parseVersion,
} from "@tandem/image";
import type { Image } from "@tandem/image";

import { layoutOf } from "./scenario.js";
import type { Scenario, ScenarioArea } from "./scenario.js";

const MAX_ALIGN = 8;

/** `boot_img_magic` for a maximum alignment of 8. */
const BOOT_IMG_MAGIC = Uint8Array.from([
  0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f, 0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80,
]);

const BOOT_FLAG_SET = 1;
const BOOT_SWAP_TYPE_TEST = 2;
const BOOT_SWAP_TYPE_PERM = 3;

interface ImageRecipe {
  readonly version: string;
  /** Seed of `createRandom(seed).bytes(payloadBytes)`. */
  readonly seed: number;
  readonly payloadBytes: number;
  readonly dependencies: readonly { readonly imageIndex: number; readonly version: string }[];
}

/** An MCUboot image with a 32-byte header, the payload, dependencies, and the SHA-256 TLV. */
function buildImage(recipe: ImageRecipe): Uint8Array {
  const image: Image = {
    header: {
      magic: IMAGE_MAGIC,
      loadAddress: 0,
      headerSize: 0,
      protectedTlvSize: 0,
      imageSize: 0,
      flags: 0,
      version: parseVersion(recipe.version),
      pad: 0,
    },
    headerPadding: new Uint8Array(0),
    payload: createRandom(recipe.seed).bytes(recipe.payloadBytes),
    protectedTlvs: recipe.dependencies.map(({ imageIndex, version }) => ({
      type: IMAGE_TLV_DEPENDENCY,
      value: encodeDependency({ imageIndex, minVersion: parseVersion(version) }),
    })),
    tlvs: [],
    trailing: new Uint8Array(0),
  };
  const hashed = encodeImage(image).subarray(0, -4);
  const digest = Uint8Array.from(createHash("sha256").update(hashed).digest());
  return encodeImage({ ...image, tlvs: [{ type: IMAGE_TLV_SHA256, value: digest }] });
}

/** Offsets of the trailer's fields from the start of a slot of `size` bytes. */
function trailerOffsets(size: number): {
  readonly magic: number;
  readonly imageOk: number;
  readonly copyDone: number;
  readonly swapInfo: number;
} {
  const magic = size - BOOT_IMG_MAGIC.length;
  const imageOk = Math.floor((magic - MAX_ALIGN) / MAX_ALIGN) * MAX_ALIGN;
  return { magic, imageOk, copyDone: imageOk - MAX_ALIGN, swapInfo: imageOk - 2 * MAX_ALIGN };
}

/** What stands in the flash of a scenario before the first boot, one array per device. */
export function startFlash(scenario: Scenario): readonly Uint8Array[] {
  const { devices, areas } = layoutOf(scenario);
  const flash = devices.map(({ size, erasedValue }) => new Uint8Array(size).fill(erasedValue));
  for (const area of areas) {
    const bytes = (flash[area.device] ?? new Uint8Array(0)).subarray(
      area.offset,
      area.offset + area.size,
    );
    if (scenario.wild === 0) fillSlot(scenario, area, bytes);
    else fillWild(scenario, area, bytes);
  }
  return flash;
}

/** Seed of the payload of release 1 or 2 of an image. */
export function payloadSeed(seed: number, image: number, release: 1 | 2): number {
  return seed * 16 + 2 * image + release - 1;
}

function imageIndexOf(area: ScenarioArea): number {
  return Number(area.name.slice(1));
}

function recipeFor(scenario: Scenario, area: ScenarioArea): ImageRecipe {
  const image = imageIndexOf(area);
  const isNew = area.name.startsWith("s");
  const other = scenario.images === 1 ? 0 : (image + 1) % scenario.images;
  const needed = scenario.dependencies === "unmet" ? "3.0.0" : "2.0.0";
  const newVersion = scenario.variant === "downgrade" && image === 0 ? "0.9.0" : "2.0.0";
  return {
    version: isNew ? newVersion : "1.0.0",
    seed: payloadSeed(scenario.seed, image, isNew ? 2 : 1),
    payloadBytes: scenario.payloads[image]?.[isNew ? 1 : 0] ?? 0,
    dependencies:
      isNew && scenario.dependencies !== "none" ? [{ imageIndex: other, version: needed }] : [],
  };
}

/** With offset, an upgrade stands one sector behind the start of its slot. */
function imageOffset(scenario: Scenario, area: ScenarioArea): number {
  return scenario.mode === "offset" && area.name.startsWith("s") ? scenario.sectorSize : 0;
}

function fillSlot(scenario: Scenario, area: ScenarioArea, slot: Uint8Array): void {
  if (area.name === "scratch") return;
  slot.set(buildImage(recipeFor(scenario, area)), imageOffset(scenario, area));
  const image = imageIndexOf(area);
  const at = trailerOffsets(slot.length);
  if (scenario.mode === "direct-xip-revert") {
    slot.set(BOOT_IMG_MAGIC, at.magic);
    if (area.name.startsWith("p")) slot[at.copyDone] = BOOT_FLAG_SET;
    if (area.name.startsWith("p") || scenario.pending === "permanent") {
      slot[at.imageOk] = BOOT_FLAG_SET;
    }
    return;
  }
  const isPending = scenario.pending === "first-only" ? image === 0 : scenario.pending !== "none";
  if (!area.name.startsWith("s") || !isPending) return;
  const isPermanent = scenario.pending === "permanent";
  slot.set(BOOT_IMG_MAGIC, at.magic);
  if (isPermanent) slot[at.imageOk] = BOOT_FLAG_SET;
  slot[at.swapInfo] = (image << 4) | (isPermanent ? BOOT_SWAP_TYPE_PERM : BOOT_SWAP_TYPE_TEST);
}

/** Any mixture of images, trailers and damage that flash may hold in the field or in a bad dream. */
function fillWild(scenario: Scenario, area: ScenarioArea, slot: Uint8Array): void {
  const place =
    area.name === "scratch" ? 8 : 2 * imageIndexOf(area) + (area.name[0] === "s" ? 1 : 0);
  const random = createRandom(scenario.wild * 31 + place);
  if (area.name !== "scratch" && random.below(8) !== 0) {
    const payloads = [...scenario.payloads.flat(), 40];
    const image = buildImage({
      version: pick(random, ["1.0.0", "1.0.0", "2.0.0", "2.0.0+7", "0.9.0"]),
      seed: random.u32(),
      payloadBytes: pick(random, payloads),
      dependencies:
        scenario.dependencies === "none" || random.below(2) === 0
          ? []
          : [
              {
                imageIndex: random.below(scenario.images + 1),
                version: pick(random, ["1.0.0", "2.0.0"]),
              },
            ],
    });
    const damaged = random.below(5);
    if (damaged === 0) {
      const at = random.below(image.length);
      image[at] = (image[at] ?? 0) ^ (1 << random.below(8));
    }
    const offset = random.below(12) === 0 ? 0 : imageOffset(scenario, area);
    slot.set(image.subarray(0, slot.length - offset), offset);
  }
  wildTrailer(random, slot, scenario.erasedValue);
}

function wildTrailer(random: Random, slot: Uint8Array, erased: number): void {
  const at = trailerOffsets(slot.length);
  const flag = (): number => pick(random, [erased, erased, BOOT_FLAG_SET, BOOT_FLAG_SET, 3, 0x7f]);
  const magic = random.below(8);
  if (magic < 5) slot.set(BOOT_IMG_MAGIC, at.magic);
  if (magic === 5) slot.set(random.bytes(BOOT_IMG_MAGIC.length), at.magic);
  if (magic >= 6 && random.below(2) === 0) return;
  slot[at.imageOk] = flag();
  slot[at.copyDone] = flag();
  slot[at.swapInfo] = pick(random, [erased, 2, 3, 4, 0x12, 0x13, 0x14, 5, random.below(256)]);
}

function pick<T>(random: Random, choices: readonly [T, ...T[]] | readonly T[]): T {
  const choice = choices[random.below(choices.length)];
  if (choice === undefined) throw new RangeError("nothing to choose from");
  return choice;
}
