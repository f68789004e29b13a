// SPDX-License-Identifier: Apache-2.0
import type { StateRecord } from "@tandem/store";

/** One release in the store. */
export interface StoredRelease {
  /** Hash TLV of the application image. */
  readonly id: Uint8Array;
  /** Version of the application image: major, minor, revision, build as MCUboot keeps it. */
  readonly version: Uint8Array;
  readonly securityCounter: number;
  readonly imageHashes: readonly Uint8Array[];
  readonly imageVersions: readonly Uint8Array[];
}

/** The release in a bank; null for no bank and an empty one. */
export function describeBank(record: StateRecord, index: number | null): StoredRelease | null {
  const bank = index === null ? undefined : record.banks[index];
  const app = bank?.images[0];
  if (bank === undefined || app === undefined) return null;
  return {
    id: app.imageHash,
    version: app.version,
    securityCounter: bank.securityCounter,
    imageHashes: bank.images.map((image) => image.imageHash),
    imageVersions: bank.images.map((image) => image.version),
  };
}
