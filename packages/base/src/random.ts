// SPDX-License-Identifier: Apache-2.0

/** A source of numbers; equal seeds give equal sequences. */
export interface Random {
  /** Next 32 random bits. */
  u32(): number;
  /** Whole number in [0, bound). */
  below(bound: number): number;
  /** `length` random bytes. */
  bytes(length: number): Uint8Array;
}

/** Seeded generator (mulberry32): for simulation and test data, never for keys. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const u32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  return {
    u32,
    below: (bound) => Math.floor((u32() / 0x1_0000_0000) * bound),
    bytes: (length) => {
      const result = new Uint8Array(length);
      for (let i = 0; i < length; i += 4) {
        const word = u32();
        for (let j = 0; j < 4 && i + j < length; j++) result[i + j] = word >>> (8 * j);
      }
      return result;
    },
  };
}
