// SPDX-License-Identifier: Apache-2.0
import type { StateRecord } from "@tandem/store";

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
