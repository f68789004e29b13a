// SPDX-License-Identifier: Apache-2.0
import type { MemoryStorage } from "@tandem/flash";
import { findFwInfo } from "@tandem/image";

import type { Fingerprint } from "./fingerprint.js";
import type { Geometry } from "./geometry.js";
import type { KnownPages } from "./known-pages.js";

/** Some page reads badly at times, and the image with it. */
const UNSTABLE = -2;

/**
 * What a core's slot holds: the release of each page, if any; what is neither cannot be told apart.
 * @param isOverwritten nothing goes by the slot's pages until all of them are written anew: what is
 * not one whole release is broken, whichever of its pages are right
 */
export function addSlot(
  key: Fingerprint,
  slot: {
    readonly core: "app" | "net";
    readonly storage: MemoryStorage;
    readonly geometry: Geometry;
    readonly known: KnownPages;
    readonly isOverwritten: boolean;
  },
): void {
  const { core, storage, geometry, known, isOverwritten } = slot;
  const { map } = geometry;
  const { start, sizeBytes } = core === "app" ? map.appSlot : map.netSlot;
  const { pageBytes } = core === "app" ? map.appFlash : map.netFlash;
  const first = start / pageBytes;
  const kinds = Array.from({ length: sizeBytes / pageBytes }, (_, page) =>
    known.kindInSlot(core, page, storage.read(first + page)),
  );
  // Releases that every page may belong to.
  const whole = kinds.reduce((releases, kind) => (kind > 0 ? releases & kind : 0), ~0);
  // b0n reads one thing out of firmware that it does not verify: its version.
  if (core === "net" && whole === 0) key.add(versionIn(storage, first, pageBytes));
  if (!isOverwritten) {
    for (const [page, kind] of kinds.entries()) {
      key.add(kind);
      addHidden(key, storage, first + page);
    }
    return;
  }
  key.add(whole);
  const isUnstable = kinds.some((_, page) => storage.medium.page(first + page).goodChance < 256);
  if (whole !== 0 && isUnstable) key.add(UNSTABLE);
  if (core === "net") addHidden(key, storage, first);
}

function versionIn(storage: MemoryStorage, firstPage: number, pageBytes: number): number {
  const head = new Uint8Array(2 * pageBytes).fill(0xff);
  for (let page = 0; page < 2; page++) {
    const stored = storage.read(firstPage + page);
    if (stored !== null) head.set(stored, page * pageBytes);
  }
  return findFwInfo(head)?.version ?? -1;
}

function addHidden(key: Fingerprint, storage: MemoryStorage, page: number): void {
  const { goodChance, span } = storage.medium.page(page);
  if (goodChance < 256) {
    key.add(page);
    key.add(span?.start ?? 0);
    key.add(span?.length ?? 0);
  }
  key.add(storage.medium.block(page).isWeak ? 1 : 0);
}
