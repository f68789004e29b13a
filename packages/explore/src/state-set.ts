// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";

/**
 * A set of 64-bit keys in memory that workers share. Open addressing over two words per entry: the
 * first one is taken with compare-and-exchange, so that exactly one worker gets to expand a state.
 */
export class StateSet {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #mask: number;

  /** @param source number of keys that must fit, or the memory of a set to share */
  constructor(source: number | SharedArrayBuffer) {
    if (typeof source === "number") {
      let slots = 1024;
      while (slots < source * 2) slots *= 2;
      this.buffer = new SharedArrayBuffer(slots * 8 + 4);
    } else this.buffer = source;
    this.#words = new Int32Array(this.buffer);
    this.#mask = (this.#words.length - 1) / 2 - 1;
  }

  /** Number of keys. */
  get size(): number {
    return Atomics.load(this.#words, this.#words.length - 1);
  }

  /** True when the key is in the set; only once nobody adds any more. */
  has(high: number, low: number): boolean {
    const first = high === 0 ? 1 : high;
    const second = low === 0 ? 1 : low;
    for (let probe = 0; probe <= this.#mask; probe++) {
      const at = ((low + probe) & this.#mask) * 2;
      const found = this.#words[at] ?? 0;
      if (found === 0) return false;
      if (found === first && this.#words[at + 1] === second) return true;
    }
    return false;
  }

  /**
   * True when the key was not in the set before.
   * @throws {UsageError} explore/too-many-states
   */
  add(high: number, low: number): boolean {
    // Zero marks an empty slot.
    const first = high === 0 ? 1 : high;
    const second = low === 0 ? 1 : low;
    for (let probe = 0; probe <= this.#mask; probe++) {
      const at = ((low + probe) & this.#mask) * 2;
      const found = Atomics.compareExchange(this.#words, at, 0, first);
      if (found === 0) {
        Atomics.store(this.#words, at + 1, second);
        Atomics.add(this.#words, this.#words.length - 1, 1);
        return true;
      }
      if (found !== first) continue;
      // Whoever took the slot is about to write the second word.
      let other = Atomics.load(this.#words, at + 1);
      while (other === 0) other = Atomics.load(this.#words, at + 1);
      if (other === second) return false;
    }
    throw new UsageError("explore/too-many-states", `more than ${this.#mask + 1} states`);
  }
}
