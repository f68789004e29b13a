// SPDX-License-Identifier: Apache-2.0
import type { RecordedReason } from "@tandem/store";

/** Where in the transaction it went wrong. The numbers are on flash: only ever add. */
export const ReasonStep = {
  download: 1,
  verify: 2,
  stage: 3,
  install: 4,
  trial: 5,
  "switch-back": 6,
} as const;
export type ReasonStep = keyof typeof ReasonStep;

/** What went wrong. The numbers are on flash: only ever add. */
export const ReasonCode = {
  "file-digest": 1,
  "image-format": 2,
  "image-hash": 3,
  "image-signature": 4,
  "unknown-key": 5,
  "manifest-binding": 6,
  "security-counter": 7,
  hardware: 8,
  "link-address": 9,
  "too-large": 10,
  unreadable: 11,
  "no-fallback": 12,
  "fallback-invalid": 13,
  "core-refused": 14,
  "core-timeout": 15,
  "verify-after-write": 16,
  "attempts-exhausted": 17,
  "not-accepted": 18,
  "self-test": 19,
  "core-silent": 20,
  "core-version": 21,
  "primary-invalid": 22,
  version: 23,
  cancelled: 24,
  "no-security-counter": 25,
} as const;
export type ReasonCode = keyof typeof ReasonCode;

/** Why an update was refused or rolled back: which image, which step, which code. */
export interface Reason {
  /** Index of the image, or null when it is about the whole set. */
  readonly image: number | null;
  readonly step: ReasonStep;
  readonly code: ReasonCode;
  readonly message: string;
}

/** What each code means, for people; `detail` is the number recorded with it. */
const MESSAGES: Readonly<Record<ReasonCode, (detail: number) => string>> = {
  "file-digest": () => "the file's SHA-256 differs from release.json",
  "image-format": (detail) => `not a valid MCUboot image (offset 0x${detail.toString(16)})`,
  "image-hash": () => "the image hash does not match its contents",
  "image-signature": () => "the image signature is not valid",
  "unknown-key": () => "the image is not signed with a key that this device trusts",
  "manifest-binding": () => "the images do not belong to one release",
  "security-counter": (detail) => `security counter ${detail} is below the device's`,
  hardware: () => "the release is made for other hardware",
  "link-address": (detail) => `linked for another address (0x${detail.toString(16)})`,
  "too-large": (detail) => `image of ${detail} bytes does not fit its slot`,
  unreadable: (detail) => `lost in both copies at offset 0x${detail.toString(16)}`,
  "no-fallback": () => "there is no accepted release to fall back to",
  "fallback-invalid": () => "the accepted release in the store does not verify",
  "core-refused": () => "the core's bootloader refused the image",
  "core-timeout": (detail) => `the core did not answer within ${detail} ms`,
  "verify-after-write": () => "the image does not verify after it was written",
  "attempts-exhausted": (detail) => `${detail} install attempts did not complete`,
  "not-accepted": (detail) => `not accepted within its trial boots (last reset: ${detail})`,
  "self-test": () => "the application's self-test failed",
  "core-silent": () => "the core does not answer",
  "core-version": (detail) => `the core reports version ${detail}`,
  "primary-invalid": () => "the installed images were damaged and are installed again",
  version: () => "the image's version differs from release.json",
  cancelled: () => "called off before it was installed",
  "no-security-counter": () => "the image carries no security counter, and this device demands one",
};

/** A reason as people and servers see it. */
function makeReason(image: number | null, step: ReasonStep, code: ReasonCode, detail = 0): Reason {
  return { image, step, code, message: MESSAGES[code](detail) };
}

/** A reason as the journal keeps it. */
export function recordReason(
  image: number | null,
  step: ReasonStep,
  code: ReasonCode,
  detail = 0,
): RecordedReason {
  return { image, step: ReasonStep[step], code: ReasonCode[code], detail: detail >>> 0 };
}

/** The reason that the journal kept. */
export function describeReason(recorded: RecordedReason): Reason {
  const step = keyOf(ReasonStep, recorded.step) ?? "install";
  const code = keyOf(ReasonCode, recorded.code) ?? "self-test";
  return makeReason(recorded.image, step, code, recorded.detail);
}

function keyOf<K extends string>(table: Readonly<Record<K, number>>, value: number): K | undefined {
  // Object.keys loses the key type.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return (Object.keys(table) as K[]).find((key) => table[key] === value);
}
