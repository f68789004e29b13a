// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import type { Random } from "@tandem/base";
import type { Tlv } from "@tandem/image";

import { buildImage } from "./build-image.js";
import { hasCounters } from "./scenario.js";
import type { Scenario, ScenarioArea } from "./scenario.js";
import { BOOT_FLAG_SET, bootMagic, trailerOffsets, writeSize } from "./slot-trailer.js";

/** Fills a slot with any mixture of image, trailer and damage that its seed makes up. */
export function fillWild(scenario: Scenario, area: ScenarioArea, slot: Uint8Array): void {
  const random = createRandom(scenario.wild * 31 + place(area));
  const isScratch = area.name === "scratch";
  if (!isScratch && random.below(8) !== 0) {
    const image = wildImage(scenario, random);
    const isUpgrade = scenario.mode === "offset" && area.name.startsWith("s");
    const offset = isUpgrade && random.below(12) !== 0 ? (scenario.secondary[0]?.[1] ?? 0) : 0;
    slot.set(image.subarray(0, slot.length - offset), offset);
  }
  if (!isScratch || random.below(2) === 0) wildTrailer(scenario, random, slot, isScratch);
}

function place({ name }: ScenarioArea): number {
  return name === "scratch" ? 8 : 2 * Number(name.slice(1)) + (name.startsWith("s") ? 1 : 0);
}

function wildImage(scenario: Scenario, random: Random): Uint8Array {
  const versions = ["1.0.0", "1.0.0", "2.0.0", "2.0.0+7", "0.9.0"];
  const hasDependency = scenario.dependencies !== "none" && random.below(2) === 0;
  const isOdd = random.below(3) === 0;
  const image = buildImage({
    version: pick(random, versions),
    seed: random.u32(),
    payloadBytes: pick(random, [...scenario.payloads.flat(), 40]),
    dependencies: hasDependency
      ? [{ imageIndex: random.below(scenario.images + 1), version: pick(random, versions) }]
      : [],
    securityCounter: hasCounters(scenario) && random.below(5) !== 0 ? random.below(4) : null,
    isSigned: scenario.variant === "signed",
    ...(isOdd && { moreProtected: oddTlvs(random), spoil: (tlvs) => spoil(tlvs, random) }),
  });
  if (random.below(5) === 0) {
    // Often in the header and in the TLVs, where it is not only the hash that notices.
    const span = pick(random, [32, 32, image.length, 150]);
    const from = span === 150 ? Math.max(0, image.length - span) : 0;
    const at = Math.min(from + random.below(span), image.length - 1);
    image[at] = (image[at] ?? 0) ^ (1 << random.below(8));
  }
  return image;
}

/** TLVs of any type, also of those that mean something elsewhere. */
function oddTlvs(random: Random): readonly Tlv[] {
  const types = [0x01, 0x10, 0x22, 0x32, 0x40, 0x50, 0x60, 0xa0, 0x1234];
  return Array.from({ length: random.below(3) }, () => ({
    type: pick(random, types),
    value: random.bytes(pick(random, [0, 4, 12, 32, 33])),
  }));
}

function spoil(tlvs: readonly Tlv[], random: Random): readonly Tlv[] {
  const odd = oddTlvs(random);
  switch (random.below(5)) {
    case 0:
      return [...odd, ...tlvs];
    case 1:
      return [...tlvs, ...odd];
    case 2:
      return tlvs.toReversed();
    case 3:
      return [...tlvs, ...tlvs];
    default:
      return tlvs.filter(() => random.below(4) !== 0);
  }
}

function wildTrailer(
  scenario: Scenario,
  random: Random,
  slot: Uint8Array,
  isScratch: boolean,
): void {
  const erased = scenario.erasedValue;
  const at = trailerOffsets(scenario, slot.length, isScratch ? "scratch" : "slot");
  const flag = (): number => pick(random, [erased, erased, BOOT_FLAG_SET, BOOT_FLAG_SET, 3, 0x7f]);
  const magic = random.below(8);
  if (magic < 5) slot.set(bootMagic(scenario), at.magic);
  if (magic === 5) slot.set(random.bytes(16), at.magic);
  if (magic >= 6 && random.below(2) === 0) return;
  slot[at.imageOk] = flag();
  slot[at.copyDone] = flag();
  slot[at.swapInfo] = pick(random, [erased, 2, 3, 4, 0x12, 0x13, 0x14, 5, random.below(256)]);
  if (random.below(3) === 0) wildStatus(scenario, random, slot, at);
}

/** A swap that seems to have been cut: some status bytes, and the size of what is swapped. */
function wildStatus(
  scenario: Scenario,
  random: Random,
  slot: Uint8Array,
  at: { readonly status: number; readonly swapSize: number },
): void {
  const payloads = scenario.payloads.flat();
  const view = new DataView(slot.buffer, slot.byteOffset, slot.byteLength);
  view.setUint32(at.swapSize, pick(random, payloads) + 76, true);
  const step = writeSize(scenario);
  const states = scenario.mode === "offset" ? 2 : 3;
  const count = random.below(pick(random, [3, 12, 40]));
  // Move counts its moves first, one state per sector for all that the build has room for.
  const first = scenario.mode === "move" && random.below(2) === 0 ? 128 : 0;
  for (let i = 0; i < count; i++) {
    const offset = at.status + (first + i) * step;
    if (offset < at.swapSize) slot[offset] = 1 + (i % states);
  }
}

function pick<T>(random: Random, choices: readonly T[]): T {
  const choice = choices[random.below(choices.length)];
  if (choice === undefined) throw new RangeError("nothing to choose from");
  return choice;
}
