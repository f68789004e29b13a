// SPDX-License-Identifier: Apache-2.0
import { UsageError, bytesEqual, fromHex } from "@tandem/base";
import type { ReleaseManifest } from "@tandem/release";
import type { StateRecord } from "@tandem/store";

import type { ImageSlot } from "./verify-bank.js";

/**
 * Refuses a release that this device cannot take, before anything is received.
 * @param device.slots by image index
 * @throws {UsageError} update/already-accepted, update/hardware, update/image-count,
 * update/too-large
 */
export function checkOffer(
  release: ReleaseManifest,
  record: StateRecord,
  device: { readonly hardware: string; readonly slots: readonly ImageSlot[] },
): void {
  const { hardware, slots } = device;
  if (!record.isLimp && isSameRelease(record, record.acceptedBank, release)) {
    throw new UsageError(
      "update/already-accepted",
      `release ${release.version} is the accepted one`,
    );
  }
  if (release.hardware !== hardware) {
    throw new UsageError(
      "update/hardware",
      `release ${release.version} is for ${release.hardware}, this device is ${hardware}`,
    );
  }
  if (release.images.length !== slots.length) {
    throw new UsageError(
      "update/image-count",
      `release ${release.version} has ${release.images.length} images, expected ${slots.length}`,
    );
  }
  for (const [index, image] of release.images.entries()) {
    const slot = slots[index];
    if (slot !== undefined && image.size > slot.maxBytes) {
      throw new UsageError(
        "update/too-large",
        `release ${release.version}: ${image.file} has ${image.size} bytes, the ${slot.core} slot ${slot.maxBytes}`,
      );
    }
  }
}

/** True when the bank was reserved for exactly these files. */
export function isSameRelease(
  record: StateRecord,
  bank: number | null,
  release: ReleaseManifest,
): boolean {
  const images = record.banks[bank ?? -1]?.images ?? [];
  return (
    images.length === release.images.length &&
    release.images.every((offered, index) => {
      const stored = images[index];
      return (
        stored !== undefined &&
        stored.sizeBytes === offered.size &&
        bytesEqual(stored.fileDigest, fromHex(offered.sha256))
      );
    })
  );
}
