// SPDX-License-Identifier: Apache-2.0
import { bytesEqual } from "@tandem/base";
import type { ImageFacts } from "@tandem/image";
import { ZERO_HASH } from "@tandem/store";
import type { StateRecord, Store } from "@tandem/store";

import type { BootEvent, BootOptions } from "./boot-options.js";
import type { CoreInstaller } from "./core-installer.js";

/** What the parts of the coordinator share in one boot, once the store is mounted. */
export interface BootSession {
  readonly options: BootOptions;
  readonly store: Store;
  readonly log: (kind: BootEvent["kind"], text: string) => void;
}

/** The core of an image. */
export function coreOf({ options }: BootSession, index: number): CoreInstaller {
  const core = options.cores[index];
  if (core === undefined) throw new RangeError(`no core for image ${index}`);
  return core;
}

/** What the application core's slot holds, if it is valid. */
export function installedApp(boot: BootSession): ImageFacts | null {
  return coreOf(boot, 0).readInstalled?.() ?? null;
}

/** Hash TLVs of a bank's images, by image index; empty when there is no such bank. */
export function imageHashes(record: StateRecord, bank: number): Uint8Array[] {
  return (record.banks[bank]?.images ?? []).map((image) => image.imageHash);
}

/** Hash TLV of the application image of a bank; zeros when it has none. */
export function releaseIdOf(record: StateRecord, bank: number): Uint8Array {
  return imageHashes(record, bank)[0] ?? ZERO_HASH;
}

export function sameHash(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && bytesEqual(a, b);
}
