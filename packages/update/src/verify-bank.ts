// SPDX-License-Identifier: Apache-2.0
import { TandemError, bytesEqual } from "@tandem/base";
import { checkLinkAddress, findFwInfo, readVectorTable, verifyImage } from "@tandem/image";
import type { AddressRange, ImageFacts, ImageProblem, ImageSource } from "@tandem/image";
import { checkBinding } from "@tandem/release";
import { ZERO_HASH } from "@tandem/store";
import type { RecordedReason, Store } from "@tandem/store";

import { recordReason } from "./reason.js";
import type { ReasonCode, ReasonStep } from "./reason.js";
import type { Trust } from "./trust.js";

/** Where an image has to run: what its size and link address are checked against. */
export interface ImageSlot {
  /** Name of the core: `app`, `net`. */
  readonly core: string;
  /** Room for the whole image, header and TLVs included, bytes. */
  readonly maxBytes: number;
  /** Addresses where the reset handler may stand; null: not checked. */
  readonly codeRange: AddressRange | null;
  /** The image must carry a security counter: MCUboot with a hardware counter demands one. */
  readonly needsSecurityCounter: boolean;
  /** UUID of the device class that the signed image must carry; null: not checked. */
  readonly classId: Uint8Array | null;
  /** Address that the image's fw_info must carry (images that b0n starts); null: not checked. */
  readonly fwInfoAddress: number | null;
}

export interface BankVerdict {
  /** What the images say of themselves; complete only when there are no reasons. */
  readonly facts: readonly ImageFacts[];
  /** Everything that is wrong, image by image. */
  readonly reasons: readonly RecordedReason[];
}

/** fw_info stands within this much of the firmware's start. */
const HEAD_BYTES = 0x1080;

/**
 * Verifies every image of a bank from the medium, reading each page once: file digest, image hash,
 * signature, size and link address, then that the images belong together.
 */
export function verifyBank(
  store: Store,
  bank: number,
  options: {
    readonly trust: Trust;
    readonly slots: readonly ImageSlot[];
    readonly step: ReasonStep;
    /** Called per image, so that a watchdog can be fed. */
    readonly tick?: () => void;
  },
): BankVerdict {
  const facts: ImageFacts[] = [];
  const reasons: RecordedReason[] = [];
  const images = store.record.banks[bank]?.images ?? [];
  for (const [index, image] of images.entries()) {
    options.tick?.();
    const source = store.readImage(bank, index);
    try {
      const verdict = verifyImage(source, { ...options.trust, wholeFile: true, exactSize: true });
      if (!verdict.ok) {
        reasons.push(problemReason(index, options.step, verdict.problem));
        continue;
      }
      facts.push(verdict.facts);
      const wrong = checkPlace(source, verdict.facts, options.slots[index], image.fileDigest);
      if (wrong !== null) reasons.push(recordReason(index, options.step, wrong.code, wrong.detail));
    } catch (error) {
      const offset = unreadableOffset(error);
      reasons.push(recordReason(index, options.step, "unreadable", offset));
    }
  }
  if (reasons.length === 0 && checkBinding(facts) !== null) {
    reasons.push(recordReason(null, options.step, "manifest-binding"));
  }
  return { facts, reasons };
}

/**
 * Holds the application image's signed manifest against the hashes that the record has for the
 * others. Null when they agree; the other images are not read, nor is the application image when
 * the core holds it already.
 */
export function verifyBinding(
  store: Store,
  bank: number,
  options: {
    readonly trust: Trust;
    readonly step: ReasonStep;
    /** What the application core holds, if it is valid. */
    readonly installed: ImageFacts | null;
  },
): RecordedReason | null {
  const { step, trust, installed } = options;
  const [app, ...others] = store.record.banks[bank]?.images ?? [];
  const appHash = app?.imageHash ?? ZERO_HASH;
  const bound = others.map(({ imageHash }) => ({ hash: imageHash, manifest: null }));
  const check = (facts: ImageFacts): RecordedReason | null =>
    checkBinding([facts, ...bound]) === null ? null : recordReason(null, step, "manifest-binding");
  if (installed !== null && bytesEqual(installed.hash, appHash)) return check(installed);
  try {
    const verdict = verifyImage(store.readImage(bank, 0), trust);
    if (!verdict.ok) return problemReason(0, step, verdict.problem);
    if (!bytesEqual(verdict.facts.hash, appHash)) return recordReason(0, step, "image-hash");
    return check(verdict.facts);
  } catch (error) {
    return recordReason(0, step, "unreadable", unreadableOffset(error));
  }
}

function checkPlace(
  source: ImageSource,
  facts: ImageFacts,
  slot: ImageSlot | undefined,
  fileDigest: Uint8Array,
): { readonly code: ReasonCode; readonly detail: number } | null {
  if (!isSame(facts.fileDigest, fileDigest)) {
    return { code: "file-digest", detail: 0 };
  }
  if (slot === undefined || source.size > slot.maxBytes) {
    return { code: "too-large", detail: source.size };
  }
  if (slot.needsSecurityCounter && facts.securityCounter === null) {
    return { code: "no-security-counter", detail: 0 };
  }
  if (slot.classId !== null && !isSame(facts.classId, slot.classId)) {
    return { code: "hardware", detail: 0 };
  }
  const { headerSize, imageSize } = facts.header;
  const head = source.read(headerSize, Math.min(imageSize, HEAD_BYTES));
  if (slot.codeRange !== null && checkLinkAddress(head, slot.codeRange) !== null) {
    return { code: "link-address", detail: readVectorTable(head)?.resetVector ?? 0 };
  }
  if (slot.fwInfoAddress !== null) {
    const address = findFwInfo(head)?.address ?? 0;
    if (address !== slot.fwInfoAddress) return { code: "link-address", detail: address };
  }
  return null;
}

function isSame(found: Uint8Array | null, expected: Uint8Array): boolean {
  return found !== null && bytesEqual(found, expected);
}

function problemReason(index: number, step: ReasonStep, problem: ImageProblem): RecordedReason {
  const detail = problem.offsetBytes ?? 0;
  switch (problem.code) {
    case "hash-mismatch":
      return recordReason(index, step, "image-hash", detail);
    case "bad-signature":
    case "no-signature":
      return recordReason(index, step, "image-signature", detail);
    case "unknown-key":
    case "key-type-mismatch":
      return recordReason(index, step, "unknown-key", detail);
    default:
      return recordReason(index, step, "image-format", detail);
  }
}

/** Offset of a page that is lost in both copies. Anything else is not ours to handle. */
export function unreadableOffset(error: unknown): number {
  if (error instanceof TandemError && error.code === "store/unreadable") {
    const offset = error.details["offset"];
    return typeof offset === "number" ? offset : 0;
  }
  throw error;
}
