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
