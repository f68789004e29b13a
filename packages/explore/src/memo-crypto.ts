// SPDX-License-Identifier: Apache-2.0
import type { Crypto, HashAlgorithm, Hasher, PublicKey } from "@tandem/base";

/** What has been hashed so far, as a tree of chunks: equal contents share their path. */
interface Node {
  readonly chunk: Uint8Array;
  readonly children: Map<number, Node[]>;
  digest: Uint8Array | null;
}

/** Chunks that are kept before all is forgotten: bounds memory. */
const MAX_NODES = 20_000;

/** How much work was asked for, and how much of it was done. */
export interface HashingFigures {
  readonly digests: number;
  readonly digestsComputed: number;
  readonly verifications: number;
  readonly verificationsComputed: number;
}

/**
 * Cryptography that computes each digest and each signature check once per content. An exploration
 * reads the same few images in every session.
 */
export class MemoCrypto implements Crypto {
  readonly #inner: Crypto;
  readonly #roots = new Map<HashAlgorithm, Node>();
  readonly #verdicts = new Map<string, boolean>();
  #nodes = 0;
  #digests = 0;
  #digestsComputed = 0;
  #verifications = 0;
  #verificationsComputed = 0;

  constructor(inner: Crypto) {
    this.#inner = inner;
  }

  get figures(): HashingFigures {
    return {
      digests: this.#digests,
      digestsComputed: this.#digestsComputed,
      verifications: this.#verifications,
      verificationsComputed: this.#verificationsComputed,
    };
  }

  createHash(algorithm: HashAlgorithm): Hasher {
    const path: Node[] = [];
    let at = this.#root(algorithm);
    return {
      update: (bytes) => {
        at = this.#child(at, bytes);
        path.push(at);
      },
      digest: () => {
        this.#digests += 1;
        at.digest ??= this.#compute(algorithm, path);
        return at.digest.slice();
      },
    };
  }

  verifyDigest(key: PublicKey, digest: Uint8Array, signature: Uint8Array): boolean {
    this.#verifications += 1;
    const content = [key.encoded, digest, signature].map((bytes) => latin1(bytes)).join("|");
    const known = this.#verdicts.get(content);
    if (known !== undefined) return known;
    this.#verificationsComputed += 1;
    const verdict = this.#inner.verifyDigest(key, digest, signature);
    if (this.#verdicts.size > MAX_NODES) this.#verdicts.clear();
    this.#verdicts.set(content, verdict);
    return verdict;
  }

  #compute(algorithm: HashAlgorithm, path: readonly Node[]): Uint8Array {
    this.#digestsComputed += 1;
    const hash = this.#inner.createHash(algorithm);
    for (const { chunk } of path) hash.update(chunk);
    return hash.digest();
  }

  #root(algorithm: HashAlgorithm): Node {
    if (this.#nodes > MAX_NODES) {
      this.#roots.clear();
      this.#nodes = 0;
    }
    let root = this.#roots.get(algorithm);
    if (root === undefined) {
      root = { chunk: new Uint8Array(0), children: new Map(), digest: null };
      this.#roots.set(algorithm, root);
    }
    return root;
  }

  #child(parent: Node, bytes: Uint8Array): Node {
    const hint = sampleOf(bytes);
    const alike = parent.children.get(hint);
    const known = alike?.find(({ chunk }) => Buffer.compare(chunk, bytes) === 0);
    if (known !== undefined) return known;
    const node: Node = { chunk: bytes.slice(), children: new Map(), digest: null };
    this.#nodes += 1;
    if (alike === undefined) parent.children.set(hint, [node]);
    else alike.push(node);
    return node;
  }
}

/** A few bytes tell most contents apart; `Buffer.compare` decides. */
function sampleOf(bytes: Uint8Array): number {
  const step = Math.max(1, bytes.length >> 5);
  let hint = bytes.length;
  for (let i = bytes.length - 1; i >= 0; i -= step) hint = Math.imul(hint, 31) + (bytes[i] ?? 0);
  return hint | 0;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
