// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import type { Random } from "@tandem/base";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { GD5F1GQ5, MT29F1G01, NAND_PROFILES, TC58CVG, W25N01GV } from "./nand-profiles.js";
import type { NandProfile } from "./nand-profile.js";
import { pageCodecOf } from "./page-codec.js";

const seeds = fc.nat(0xffff_ffff);

function encoded(profile: NandProfile, random: Random): Uint8Array {
  const page = new Uint8Array(profile.pageBytes + profile.spareBytes).fill(0xff);
  page.set(random.bytes(profile.pageBytes));
  pageCodecOf(profile).encode(page);
  return page;
}

/** Flips `count` bits of the first sector and its code. */
function flipped(
  profile: NandProfile,
  page: Uint8Array,
  count: number,
  random: Random,
): Uint8Array {
  const copy = page.slice();
  const { ecc, spare } = pageCodecOf(profile);
  const codeAt = (profile.pageBytes + (spare.ecc[0]?.offset ?? 0)) * 8;
  const bits = new Set<number>();
  const codeBits = ecc.strengthBits === 1 ? 16 : 13 * ecc.strengthBits;
  while (bits.size < count) {
    const bit = random.below(4096 + codeBits);
    bits.add(bit < 4096 ? bit : codeAt + bit - 4096);
  }
  for (const bit of bits) copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
  return copy;
}

/** How many of `runs` pages with `count` wrong bits the ECC takes for good. */
function wrong(profile: NandProfile, count: number, runs: number): number {
  const codec = pageCodecOf(profile);
  let silent = 0;
  for (let seed = 0; seed < runs; seed++) {
    const random = createRandom(seed);
    const page = flipped(profile, encoded(profile, random), count, random);
    if (codec.decode(page.slice(0, profile.pageBytes), page) >= 0) silent += 1;
  }
  return silent;
}

describe("pageCodecOf", () => {
  it.each(NAND_PROFILES)("$name: takes an erased page for a valid one", (profile) => {
    const blank = new Uint8Array(profile.pageBytes + profile.spareBytes).fill(0xff);
    expect(pageCodecOf(profile).decode(blank.slice(0, profile.pageBytes), blank)).toBe(0);
  });

  it.each(NAND_PROFILES)("$name: writes codes where the part keeps them", (profile) => {
    const page = encoded(profile, createRandom(3));
    const { spare } = pageCodecOf(profile);
    const inside = (at: number): boolean =>
      spare.ecc.some(({ offset, length }) => at >= offset && at < offset + length);
    const outside = page.subarray(profile.pageBytes).filter((_, at) => !inside(at));
    expect(outside.every((byte) => byte === 0xff)).toBe(true);
  });

  it.each(NAND_PROFILES)("$name: corrects up to its strength, code bits included", (profile) => {
    const codec = pageCodecOf(profile);
    const strength = codec.ecc.strengthBits;
    fc.assert(
      fc.property(seeds, fc.nat(strength), (seed, count) => {
        const random = createRandom(seed);
        const good = encoded(profile, random);
        const page = flipped(profile, good, count, random);
        const data = page.slice(0, profile.pageBytes);
        expect(codec.decode(data, page)).toBe(count);
        expect(data).toEqual(good.subarray(0, profile.pageBytes));
      }),
      { numRuns: 60 },
    );
  });

  it("always detects two bits on a 1-bit part", () => {
    const codec = pageCodecOf(W25N01GV);
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = createRandom(seed);
        const page = flipped(W25N01GV, encoded(W25N01GV, random), 2, random);
        expect(codec.decode(page.slice(0, 2048), page)).toBe(-1);
      }),
      { numRuns: 500 },
    );
  });

  it("miscorrects some pages far beyond its strength, the weaker the more", () => {
    expect(wrong(W25N01GV, 3, 200)).toBeGreaterThan(100);
    const four = wrong(GD5F1GQ5, 9, 2000);
    expect(four).toBeGreaterThan(0);
    expect(four).toBeLessThan(40);
    expect(wrong(MT29F1G01, 20, 500)).toBeLessThanOrEqual(1);
    expect(wrong(TC58CVG, 9, 500)).toBeLessThanOrEqual(1);
  });
});
