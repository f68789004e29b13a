// SPDX-License-Identifier: Apache-2.0
import type { ImageFacts } from "@tandem/image";
import type { StateRecord } from "@tandem/store";

/**
 * The security counter of a release is the one that its application image carries: MCUboot compares
 * no other, and that image's manifest names the others by their hashes.
 */
export function releaseCounter(facts: readonly ImageFacts[]): number {
  return facts[0]?.securityCounter ?? 0;
}

/**
 * Security counter that a release must have at least. The accepted release bars what is older even
 * before a boot has raised the device's counter for it; a stopgap was never accepted and bars
 * nothing.
 */
export function lowestAllowedCounter(record: StateRecord, deviceCounter: number): number {
  const accepted = record.banks[record.acceptedBank ?? -1];
  const own = record.isLimp ? 0 : (accepted?.securityCounter ?? 0);
  return Math.max(own, deviceCounter);
}
