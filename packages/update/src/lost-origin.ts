// SPDX-License-Identifier: Apache-2.0
import { UsageError, toHex } from "@tandem/base";
import { IMAGE_VERSION_LAYOUT, formatVersion } from "@tandem/image";
import type { LostRange, StateRecord } from "@tandem/store";

import { describeBank } from "./stored-release.js";
import type { ImageSlot } from "./verify-bank.js";

/** Where bytes belong that were lost, so that they can be found again. */
export interface LostOrigin {
  readonly release: "accepted" | "previous" | "candidate";
  /** `major.minor.revision[+build]` of the application image. */
  readonly version: string;
  /** Name of the core that the image is for: `app`, `net`. */
  readonly core: string;
  /** Of the image file. */
  readonly sizeBytes: number;
  /** SHA-256 of the image file, hexadecimal. */
  readonly sha256: string;
}

/**
 * Which file the bytes of a lost range belong to.
 * @param slots by image index
 * @throws {UsageError} update/no-such-range
 */
export function originOf(
  range: LostRange,
  record: StateRecord,
  slots: readonly ImageSlot[],
): LostOrigin {
  const image = record.banks[range.bank]?.images[range.image];
  const release = (["accepted", "previous", "candidate"] as const).find(
    (name) => record[`${name}Bank`] === range.bank,
  );
  const version = describeBank(record, range.bank)?.version;
  if (image === undefined || release === undefined || version === undefined) {
    throw new UsageError(
      "update/no-such-range",
      `bank ${range.bank}, image ${range.image}: no image of a release in the store`,
    );
  }
  return {
    release,
    version: formatVersion(IMAGE_VERSION_LAYOUT.parse(version)),
    core: slots[range.image]?.core ?? String(range.image),
    sizeBytes: image.sizeBytes,
    sha256: toHex(image.fileDigest),
  };
}
