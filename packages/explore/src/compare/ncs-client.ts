// SPDX-License-Identifier: Apache-2.0
import { formatVersion } from "@tandem/image";
import type { NcsApplication, NcsRelease } from "@tandem/twin";

/** What has the new release installed: the application, with whoever tells it to. */
export interface NcsClient {
  /** What it did, in words. */
  readonly events: readonly string[];
  /** What it knows at the end of the session, or when power went. */
  readonly memory: ClientMemory;
  /**
   * From the application's start on.
   * @returns how it ends: the application resets the chip, or there is nothing left to do
   * @throws {PowerLoss}
   */
  run(app: NcsApplication): "reset" | "rest";
}

/** What is known outside of the device: no loss of power takes it away. */
export interface ClientMemory {
  /** The device has taken the order to update, and answered. */
  readonly isAsked: boolean;
  /** Times that the wanted set was marked, or begun to be. */
  readonly attempts: number;
}

export const FIRST_MEMORY: ClientMemory = { isAsked: false, attempts: 0 };

/** In which order MCUmgr marks the images. */
export type MarkOrder = readonly [number, number];

/** Uploads both images of a set, then has MCUboot try them. */
export function installSet(app: NcsApplication, set: NcsRelease, order: MarkOrder): void {
  const images = [set.app, set.net];
  for (const image of order) app.upload(image, images[image] ?? new Uint8Array(0));
  for (const image of order) app.mark(image, "test");
}

/** The network core answers with the application's own version. */
export function passesSelfTest({ facts, netVersion }: NcsApplication): boolean {
  return netVersion !== null && formatVersion(netVersion) === formatVersion(facts.header.version);
}
