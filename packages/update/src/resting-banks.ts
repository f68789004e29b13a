// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from "@tandem/base";
import { areInOneBlock } from "@tandem/store";
import type { FoundBytes, PatrolReport, Store } from "@tandem/store";

import { checkFoundBytes } from "./found-bytes.js";

/** Reads both copies of every bank in use, moves what is close to being lost, tells what is. */
export function patrolResting(store: Store): PatrolReport {
  const { acceptedBank, previousBank, candidateBank } = store.record;
  const resting = [acceptedBank, previousBank, candidateBank].filter((bank) => bank !== null);
  return store.patrol([...new Set(resting)]);
}

/**
 * Puts bytes back that were lost, if they fit what was signed and the CRCs that survive.
 * @param also bytes for other lost ranges of any image: of this one, those of the same block are
 * put back too, and the others help to judge
 * @throws {FormatError} update/repair-mismatch, and what the store's `repair` throws
 */
export function repairResting(
  store: Store,
  lost: FoundBytes,
  also: readonly FoundBytes[],
  crypto: Crypto,
): void {
  const { bank, image } = lost.range;
  const others = also.filter(({ range }) => range.bank === bank && range.image === image);
  const found = [...others, lost];
  const written = found.filter((one) => areInOneBlock(one.range, lost.range, store.plan));
  checkFoundBytes(store.readImage(bank, image), written, found, crypto);
  store.repair(lost.range, lost.bytes, others);
}
