// SPDX-License-Identifier: Apache-2.0
import type { ReleaseManifest } from "@tandem/release";

/**
 * Where a release is downloaded to. The update package's service is one.
 *
 * The calls are synchronous, as everything that touches flash is. Whatever they throw, a cut of
 * power among it, ends the download and reaches its caller as it was thrown.
 */
export interface DownloadTarget {
  /** Begins the release, or goes on with it if it is the one that was begun before. */
  start(release: ReleaseManifest): void;
  /** Offset of the next byte of the image that `write` takes: downloading goes on there. */
  receivedBytes(imageIndex: number): number;
  /** Takes the next bytes of an image; offsets ascend without gaps from `receivedBytes`. */
  write(imageIndex: number, offsetBytes: number, bytes: Uint8Array): void;
}
