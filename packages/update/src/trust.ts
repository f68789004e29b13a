// SPDX-License-Identifier: Apache-2.0
import type { Crypto, PublicKey } from "@tandem/base";

/** What decides whether an image is genuine. */
export interface Trust {
  readonly crypto: Crypto;
  /** Keys that may sign images of this device. */
  readonly keys: readonly PublicKey[];
}
