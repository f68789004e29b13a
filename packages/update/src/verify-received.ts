// SPDX-License-Identifier: Apache-2.0
import { bytesEqual } from "@tandem/base";
import { IMAGE_VERSION_LAYOUT } from "@tandem/image";
import type { ImageFacts } from "@tandem/image";
import { FREE_BANK } from "@tandem/store";
import type { Bank, RecordedReason, Store } from "@tandem/store";

import { recordReason } from "./reason.js";
import { releaseCounter } from "./security-counter.js";
import type { Trust } from "./trust.js";
import { verifyBank } from "./verify-bank.js";
import type { ImageSlot } from "./verify-bank.js";

/**
 * Verifies a release that was received, from the medium: its images, the versions that its
 * manifest claimed, and its security counter.
 * @returns everything that is wrong; and the bank with what its images say of themselves, for the
 * record when nothing is
 */
export function verifyReceived(
  store: Store,
  bankIndex: number,
  options: {
    readonly trust: Trust;
    readonly slots: readonly ImageSlot[];
    readonly lowestCounter: number;
  },
): { readonly reasons: readonly RecordedReason[]; readonly bank: Bank } {
  const { trust, slots, lowestCounter } = options;
  const bank = store.record.banks[bankIndex] ?? FREE_BANK;
  const { facts, reasons } = verifyBank(store, bankIndex, { trust, slots, step: "verify" });
  const counter = releaseCounter(facts);
  const all = [...reasons];
  for (const [index, fact] of facts.entries()) {
    const claimed = bank.images[index]?.version;
    const version = IMAGE_VERSION_LAYOUT.encode(fact.header.version);
    if (reasons.length === 0 && claimed !== undefined && !bytesEqual(claimed, version)) {
      all.push(recordReason(index, "verify", "version"));
    }
  }
  if (all.length === 0 && counter < lowestCounter) {
    all.push(recordReason(0, "verify", "security-counter", counter));
  }
  return { reasons: all, bank: verifiedBank(bank, facts, counter) };
}

function verifiedBank(bank: Bank, facts: readonly ImageFacts[], securityCounter: number): Bank {
  return {
    securityCounter,
    images: bank.images.map((image, index) => {
      const fact = facts[index];
      return fact === undefined ? image : { ...image, imageHash: fact.hash };
    }),
  };
}
