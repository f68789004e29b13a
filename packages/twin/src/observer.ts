// SPDX-License-Identifier: Apache-2.0
import { bytesEqual, digestOf, toHex } from "@tandem/base";
import type { Crypto, PublicKey } from "@tandem/base";
import { bytesSource, verifyImage } from "@tandem/image";
import type { ImageFacts, ImageVersion } from "@tandem/image";

/** A network core image that the observer has seen whole, with a good signature. */
export interface KnownNetImage {
  readonly imageHash: Uint8Array;
  readonly payloadDigest: Uint8Array;
  readonly payloadBytes: number;
  readonly version: ImageVersion;
}

/** Images that are one release although no manifest in them says so. Hashes in lower-case hex. */
export interface ReleasePair {
  readonly app: string;
  readonly net: string;
}

/** What the observer counts; all zero on a device that works. */
export interface Counters {
  /** The application started while the cores held images of different releases. */
  mixedStarts: number;
  /** A core started bytes that no trusted key has signed. */
  unverifiedStarts: number;
}

/**
 * Judges each start of a core by the bytes in its flash alone. The network core's flash holds a
 * bare payload, without header and signature, so the observer remembers the images that payloads
 * belong to.
 */
export class Observer {
  readonly counters: Counters = { mixedStarts: 0, unverifiedStarts: 0 };
  readonly #crypto: Crypto;
  readonly #keys: readonly PublicKey[];
  #known: KnownNetImage[];
  readonly #pairs: ReleasePair[];

  constructor(
    crypto: Crypto,
    keys: readonly PublicKey[],
    known: readonly KnownNetImage[] = [],
    pairs: readonly ReleasePair[] = [],
  ) {
    this.#crypto = crypto;
    this.#keys = keys;
    this.#known = [...known];
    this.#pairs = [...pairs];
  }

  get known(): readonly KnownNetImage[] {
    return this.#known;
  }

  get pairs(): readonly ReleasePair[] {
    return this.#pairs;
  }

  /** Remembers that two images are one release: for images without a manifest. */
  learnPair(pair: ReleasePair): void {
    this.#pairs.push(pair);
  }

  /** Remembers a network core image by its payload. Bytes that no trusted key has
   * signed are not remembered: a core that runs them counts as unverified. */
  learn(image: Uint8Array, header: { headerSize: number; imageSize: number }): void {
    const payload = image.subarray(header.headerSize, header.headerSize + header.imageSize);
    const payloadDigest = digestOf(this.#crypto, payload);
    const verdict = verifyImage(bytesSource(image), { crypto: this.#crypto, keys: this.#keys });
    if (!verdict.ok) return;
    const { hash } = verdict.facts;
    // Newest last: it is what the core holds when several images carry the same payload.
    this.#known = this.#known.filter((known) => !bytesEqual(known.imageHash, hash));
    this.#known.push({
      imageHash: hash,
      payloadDigest,
      payloadBytes: payload.length,
      version: verdict.facts.header.version,
    });
  }

  /**
   * The image whose payload stands at the start of the network core's slot. Images of several
   * releases may carry the same payload: then the one that was learned last.
   */
  identifyNet(slot: Uint8Array): KnownNetImage | null {
    return this.#imagesIn(slot).at(-1) ?? null;
  }

  #imagesIn(slot: Uint8Array): readonly KnownNetImage[] {
    return this.#known.filter(
      ({ payloadBytes, payloadDigest }) =>
        payloadBytes <= slot.length &&
        bytesEqual(digestOf(this.#crypto, slot.subarray(0, payloadBytes)), payloadDigest),
    );
  }

  /** The application core is about to run what its slot holds. */
  applicationStarts(facts: ImageFacts | null, netSlot: Uint8Array): void {
    if (facts === null) {
      this.counters.unverifiedStarts += 1;
      return;
    }
    const held = this.#imagesIn(netSlot);
    const listed = new Set(facts.manifest?.imageHashes.map((hash) => toHex(hash)) ?? []);
    const app = toHex(facts.hash);
    for (const pair of this.#pairs) if (pair.app === app) listed.add(pair.net);
    const isListed = held.some((image) => listed.has(toHex(image.imageHash)));
    if (held.length > 0 && !isListed) this.counters.mixedStarts += 1;
  }

  /** The network core is about to run what its slot holds. */
  networkStarts(netSlot: Uint8Array): void {
    if (this.identifyNet(netSlot) === null) this.counters.unverifiedStarts += 1;
  }
}
