// SPDX-License-Identifier: Apache-2.0
import type { RecordedReason } from "@tandem/store";

import { imageHashes, sameHash } from "./boot-session.js";
import type { BootSession } from "./boot-session.js";
import { recordReason } from "./reason.js";
import { lowestAllowedCounter, releaseCounter } from "./security-counter.js";
import { verifyBank } from "./verify-bank.js";

/**
 * Why a staged release must not be installed; null when it may be. Candidate and fallback have to
 * be readable and genuine, both of them, before anything is touched.
 */
export function refusalOfStaged(boot: BootSession): RecordedReason | null {
  const { record } = boot.store;
  const { candidateBank: candidate, acceptedBank: accepted } = record;
  if (candidate === null) return recordReason(null, "stage", "unreadable");
  if (accepted === null && boot.options.allowAdoption !== true) {
    return recordReason(null, "stage", "no-fallback");
  }
  const { first, counter } = verify(boot, candidate);
  if (first !== null) return first;
  if (accepted !== null && verify(boot, accepted).first !== null) {
    return recordReason(null, "stage", "fallback-invalid");
  }
  const lowest = lowestAllowedCounter(record, boot.options.ports.securityCounter.read());
  return counter < lowest ? recordReason(null, "stage", "security-counter", counter) : null;
}

/** What is wrong with a bank, and the security counter that it carries. */
function verify(
  { store, options }: BootSession,
  bank: number,
): { readonly first: RecordedReason | null; readonly counter: number } {
  const { trust, slots, ports } = options;
  const tick = (): void => ports.watchdog.feed();
  const { facts, reasons } = verifyBank(store, bank, { trust, slots, step: "stage", tick });
  const isSame = imageHashes(store.record, bank).every((hash, i) =>
    sameHash(facts[i]?.hash ?? null, hash),
  );
  const other = isSame ? null : recordReason(null, "stage", "image-hash");
  return { first: reasons[0] ?? other, counter: releaseCounter(facts) };
}
