// SPDX-License-Identifier: Apache-2.0
import { crc32c } from "@tandem/base";
import type { MemoryStorage } from "@tandem/flash";

const CHECKSUMS = new WeakMap<Uint8Array, number>();

/**
 * What stands in these pages and how well it reads, as text: equal for equal contents. It serves to
 * see that a device goes in circles, so pages are told apart by checksums, which copies share.
 */
export function storageKey(storage: MemoryStorage, pages: number): string {
  const { medium } = storage;
  const parts = medium.unstablePages().map((page) => `${page}~${medium.page(page).goodChance}`);
  for (let page = 0; page < pages; page++) {
    const bytes = storage.read(page);
    if (bytes !== null) parts.push(`${page}:${checksumOf(bytes)}`);
  }
  return parts.join(" ");
}

function checksumOf(bytes: Uint8Array): number {
  const known = CHECKSUMS.get(bytes);
  if (known !== undefined) return known;
  const checksum = crc32c(bytes);
  CHECKSUMS.set(bytes, checksum);
  return checksum;
}
