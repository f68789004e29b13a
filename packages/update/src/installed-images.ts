// SPDX-License-Identifier: Apache-2.0
import { bytesEqual } from "@tandem/base";
import { ZERO_HASH } from "@tandem/store";
import type { RecordedReason } from "@tandem/store";

import { imageHashes, installedApp, releaseIdOf, sameHash } from "./boot-session.js";
import type { BootSession } from "./boot-session.js";
import { recordReason } from "./reason.js";
import { verifyBinding } from "./verify-bank.js";

/** Record and marker agree that every core holds its image of the bank. */
export function isInstalled(boot: BootSession, bank: number): boolean {
  return imageHashes(boot.store.record, bank).every((_, index) => isHeld(boot, bank, index));
}

/**
 * Record and marker agree that the core holds its image of the bank. The record alone could be
 * that of another time or another device: NAND can be exchanged. The marker stands in the
 * chip's own flash; an image that the release it names has in common counts if that release's
 * signed manifest says so.
 */
export function isHeld(boot: BootSession, bank: number, index: number): boolean {
  const { record } = boot.store;
  const hash = imageHashes(record, bank)[index] ?? ZERO_HASH;
  if (!sameHash(record.installed[index] ?? null, hash)) return false;
  const { kind, releaseId, marks } = boot.options.marker.read();
  if (bytesEqual(releaseId, releaseIdOf(record, bank).subarray(0, 16))) {
    return kind !== "installing" || marks[index] === "cleared";
  }
  if (kind === "installing") return false;
  const holder = record.banks.findIndex(
    ({ images: [app] }) =>
      app !== undefined && bytesEqual(releaseId, app.imageHash.subarray(0, 16)),
  );
  const common = imageHashes(record, holder)[index] ?? null;
  return sameHash(common, hash) && checkBoundImages(boot, holder) === null;
}

/**
 * The record says which images make a release, the signed manifest in it what belongs together:
 * before anything is erased, they have to agree. Null when they do.
 */
export function checkBoundImages(boot: BootSession, bank: number): RecordedReason | null {
  const { store, options } = boot;
  const count = imageHashes(store.record, bank).length;
  if (count === 0 || count > options.cores.length) {
    return recordReason(null, "install", "manifest-binding");
  }
  const installed = installedApp(boot);
  return verifyBinding(store, bank, { trust: options.trust, step: "install", installed });
}
