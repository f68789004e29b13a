// SPDX-License-Identifier: Apache-2.0
import { bytesEqual, toHex } from "@tandem/base";
import { parseImage } from "@tandem/image";

import { fingerprintOf } from "./fingerprint.js";
import type { Geometry } from "./geometry.js";
import type { Pair } from "./page-facts.js";
import type { ExploredRelease } from "./releases.js";

/** What the images of a world look like, cut into the pages of each memory. */
export class KnownPages {
  /** By file digest: fingerprints of the data pages in the store. */
  readonly #store = new Map<string, readonly Pair[]>();
  readonly #byDigest = new WeakMap<Uint8Array, readonly Pair[]>();
  /** By page of the slot: what each release has there. */
  readonly #app: readonly Uint8Array[][];
  readonly #net: readonly Uint8Array[][];
  readonly #kinds = new WeakMap<Uint8Array, number>();

  constructor(geometry: Geometry, releases: readonly ExploredRelease[]) {
    const { chip, map } = geometry;
    for (const { images, manifest } of releases) {
      for (const [index, image] of images.entries()) {
        const pages = toPages(image, chip.shape.pageBytes).map(fingerprintOf);
        this.#store.set(manifest.images[index]?.sha256 ?? "", pages);
      }
    }
    this.#app = byPage(
      releases.map(({ images }) => toPages(images[0] ?? NO_BYTES, map.appFlash.pageBytes)),
    );
    this.#net = byPage(
      releases.map(({ images }) =>
        toPages(parseImage(images[1] ?? NO_BYTES).payload, map.netFlash.pageBytes),
      ),
    );
  }

  /** Data pages of the image with this file digest; none for an image of another world. */
  inStore(fileDigest: Uint8Array): readonly Pair[] {
    let pages = this.#byDigest.get(fileDigest);
    if (pages === undefined) {
      pages = this.#store.get(toHex(fileDigest)) ?? [];
      this.#byDigest.set(fileDigest, pages);
    }
    return pages;
  }

  /**
   * What a page of a core's slot is: 0 blank, -1 anything else than a page of a release at this
   * place, otherwise one bit per release that it belongs to.
   * @param page within the slot
   */
  kindInSlot(core: "app" | "net", page: number, stored: Uint8Array | null): number {
    if (stored === null) return 0;
    let kind = this.#kinds.get(stored);
    if (kind === undefined) {
      const known = (core === "app" ? this.#app : this.#net)[page] ?? [];
      const releases = known.reduce(
        (bits, bytes, release) => bits | (bytesEqual(bytes, stored) ? 1 << release : 0),
        0,
      );
      kind = releases === 0 ? -1 : releases;
      this.#kinds.set(stored, kind);
    }
    return kind;
  }
}

const NO_BYTES = new Uint8Array(0);

function toPages(bytes: Uint8Array, pageBytes: number): Uint8Array[] {
  const pages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pageBytes) {
    const page = new Uint8Array(pageBytes).fill(0xff);
    page.set(bytes.subarray(at, at + pageBytes));
    pages.push(page);
  }
  return pages;
}

function byPage(releases: readonly Uint8Array[][]): Uint8Array[][] {
  const count = Math.max(...releases.map((pages) => pages.length));
  return Array.from({ length: count }, (_, page) =>
    releases.map((pages) => pages[page] ?? NO_BYTES),
  );
}
