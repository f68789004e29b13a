// SPDX-License-Identifier: Apache-2.0
import { digestOf, toHex } from "@tandem/base";
import type { Crypto } from "@tandem/base";

/** Bytes that lines refer to by their offset; equal ones are kept once. */
export class BytePool {
  readonly #crypto: Crypto;
  readonly #offsets = new Map<string, number>();
  readonly #parts: Uint8Array[] = [];
  #size = 0;

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  /** Where these bytes stand. */
  offsetOf(bytes: Uint8Array): number {
    const key = toHex(digestOf(this.#crypto, bytes));
    const known = this.#offsets.get(key);
    if (known !== undefined) return known;
    const offset = this.#size;
    this.#offsets.set(key, offset);
    this.#parts.push(bytes);
    this.#size += bytes.length;
    return offset;
  }

  /** All bytes, one after the other. */
  get content(): Uint8Array {
    const content = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      content.set(part, at);
      at += part.length;
    }
    return content;
  }
}
