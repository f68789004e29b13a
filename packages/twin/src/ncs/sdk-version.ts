// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";

/** A release of the nRF Connect SDK. */
export interface SdkVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** What the model knows: sources of these releases were read. */
const OLDEST = "v2.5.0";
const NEWEST = "v3.5";

/**
 * A release from `v2.9.2` or `2.9.2`.
 * @throws {UsageError} twin/sdk-version for anything else, and for releases that the model does not
 * know
 */
export function parseSdkVersion(text: string): SdkVersion {
  const match = /^v?(\d{1,2})\.(\d{1,2})\.(\d{1,3})$/.exec(text);
  const [major = 0, minor = 0, patch = 0] = (match ?? []).slice(1).map(Number);
  const number = major * 100 + minor;
  if (match !== null && number >= 205 && number <= 305) return { major, minor, patch };
  throw new UsageError(
    "twin/sdk-version",
    `SDK ${JSON.stringify(text.slice(0, 40))}, expected a release from ${OLDEST} to ${NEWEST}`,
    { details: { found: text.slice(0, 40), oldest: OLDEST, newest: NEWEST } },
  );
}

/** Negative when `a` is older than `b`. */
export function compareSdkVersions(a: SdkVersion, b: SdkVersion): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch;
}
