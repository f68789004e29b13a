// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";

/** Somewhere that an image can be read from: pages of NAND, a slot in flash, RAM. */
export interface ImageSource {
  /** Bytes that can be read; may be more than the image. */
  readonly size: number;
  /** Exactly `length` bytes, or throws. The result is only used until the next call. */
  read(offsetBytes: number, length: number): Uint8Array;
}

/**
 * Bytes in memory as a source.
 * @throws {UsageError} image/read-range from `read`, for a range outside the bytes
 */
export function bytesSource(bytes: Uint8Array): ImageSource {
  return {
    size: bytes.length,
    read: (offsetBytes, length) => {
      if (offsetBytes < 0 || length < 0 || offsetBytes + length > bytes.length) {
        throw new UsageError(
          "image/read-range",
          `read of ${length} bytes at ${offsetBytes}, expected a range within ${bytes.length}`,
        );
      }
      return bytes.subarray(offsetBytes, offsetBytes + length);
    },
  };
}
