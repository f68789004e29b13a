// SPDX-License-Identifier: Apache-2.0

/** Bytes of an image that a device has lost, as its patrol reports them. */
export interface LostRange {
  /** Place of the release in the device's store. */
  readonly bank: number;
  readonly image: number;
  /** In the image file. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** Which file the bytes belong to. */
export interface LostOrigin {
  /** The device's releases, by what they are to it. */
  readonly release: "accepted" | "previous" | "candidate";
  /** Version of the release. */
  readonly version: string;
  /** Name of the core that the image is for. */
  readonly core: string;
  readonly sizeBytes: number;
  /** SHA-256 of the image file, hexadecimal. */
  readonly sha256: string;
}

/**
 * A device that has lost bytes. The update package's service is one.
 *
 * The calls are synchronous, as everything that touches flash is. A TandemError from `repair` says
 * why a range stays lost; whatever else they throw, a cut of power among it, reaches the caller.
 */
export interface HealTarget {
  originOf(range: LostRange): LostOrigin;
  /**
   * Judges bytes and puts them back.
   * @param also bytes at hand for other ranges of the same image
   */
  repair(
    range: LostRange,
    bytes: Uint8Array,
    also: readonly { readonly range: LostRange; readonly bytes: Uint8Array }[],
  ): void;
  /** What is wrong with a whole release; empty when all is well. */
  verifyStored(release: LostOrigin["release"]): readonly {
    readonly image: number | null;
    readonly code: string;
    readonly message: string;
  }[];
}
