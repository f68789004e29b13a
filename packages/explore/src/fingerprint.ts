// SPDX-License-Identifier: Apache-2.0

/**
 * 64 bits over a sequence of 32-bit numbers, for telling states apart: two lanes of MurmurHash3's
 * mixing with different constants. Not for anything that an adversary feeds.
 */
export class Fingerprint {
  #a = 0x9747b28c;
  #b = 0x3c6ef372;

  /** High half of the result, signed. */
  get high(): number {
    return finish(this.#a);
  }

  /** Low half of the result, signed. */
  get low(): number {
    return finish(this.#b ^ Math.imul(this.#a, 0x27d4eb2f));
  }

  add(value: number): void {
    let k = Math.imul(value, 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    const a = this.#a ^ k;
    this.#a = (Math.imul((a << 13) | (a >>> 19), 5) + 0xe6546b64) | 0;
    let m = Math.imul(value ^ 0x5bd1e995, 0x85ebca6b);
    m ^= m >>> 13;
    const b = this.#b ^ Math.imul(m, 0xc2b2ae35);
    this.#b = (Math.imul((b << 17) | (b >>> 15), 9) + 0x38495ab5) | 0;
  }

  addPair(pair: { readonly high: number; readonly low: number }): void {
    this.add(pair.high);
    this.add(pair.low);
  }

  addBytes(bytes: Uint8Array): void {
    const whole = bytes.length & ~3;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < whole; at += 4) this.add(view.getUint32(at, true));
    for (let at = whole; at < bytes.length; at++) this.add(bytes[at] ?? 0);
    this.add(bytes.length);
  }
}

function finish(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Fingerprint of some bytes. */
export function fingerprintOf(bytes: Uint8Array): { readonly high: number; readonly low: number } {
  const fingerprint = new Fingerprint();
  fingerprint.addBytes(bytes);
  return { high: fingerprint.high, low: fingerprint.low };
}
