// SPDX-License-Identifier: Apache-2.0
import type { Hasher } from "@tandem/base";

import type { ImageSource } from "./image-source.js";

/**
 * Reads a source once from front to back in aligned chunks, so that every page of the medium is
 * read once and only one is in memory.
 */
export class SequentialReader {
  readonly #source: ImageSource;
  readonly #chunkBytes: number;
  readonly #fileHash: Hasher | null;
  #chunk: Uint8Array = new Uint8Array(0);
  #chunkStart = 0;
  #offset = 0;

  /** @param fileHash gets every chunk that is read */
  constructor(source: ImageSource, chunkBytes: number, fileHash: Hasher | null) {
    this.#source = source;
    this.#chunkBytes = chunkBytes;
    this.#fileHash = fileHash;
  }

  /** Offset of the next byte. */
  get offset(): number {
    return this.#offset;
  }

  /** The next `length` bytes, copied; the caller has checked that they are there. */
  take(length: number): Uint8Array {
    const taken = new Uint8Array(length);
    let at = 0;
    this.#forEachPiece(length, (piece) => {
      taken.set(piece, at);
      at += piece.length;
    });
    return taken;
  }

  /** Hashes the next `length` bytes. */
  hash(length: number, hasher: Hasher): void {
    this.#forEachPiece(length, (piece) => hasher.update(piece));
  }

  /** Reads the rest of the source for the file hash. */
  skipToEnd(): void {
    this.#forEachPiece(this.#source.size - this.#offset, () => {});
  }

  #forEachPiece(length: number, use: (piece: Uint8Array) => void): void {
    const end = this.#offset + length;
    while (this.#offset < end) {
      if (this.#offset >= this.#chunkStart + this.#chunk.length) this.#readChunk();
      const from = this.#offset - this.#chunkStart;
      const piece = this.#chunk.subarray(
        from,
        Math.min(this.#chunk.length, end - this.#chunkStart),
      );
      use(piece);
      this.#offset += piece.length;
    }
  }

  #readChunk(): void {
    this.#chunkStart = this.#offset;
    const length = Math.min(this.#chunkBytes, this.#source.size - this.#chunkStart);
    this.#chunk = this.#source.read(this.#chunkStart, length);
    this.#fileHash?.update(this.#chunk);
  }
}
