// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";

/** A release of nRF Connect SDK. */
export interface SdkVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** Releases from `from` to `to`, both included; open where null. */
export interface SdkRange {
  readonly from: string | null;
  readonly to: string | null;
}

/** Every release. */
export const ALL_SDKS: SdkRange = { from: null, to: null };

/**
 * Parses `v2.9.2`, `2.9.2`, `2.9` and `v3.4.0-rc1`.
 * @throws {UsageError} layout/bad-sdk-version
 */
export function parseSdkVersion(text: string): SdkVersion {
  const match = /^v?(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?(?:-[0-9A-Za-z.-]+)?$/.exec(text);
  if (match === null) {
    throw new UsageError("layout/bad-sdk-version", `SDK version ${text}, expected like v2.9.2`);
  }
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3] ?? 0) };
}

/** `v2.9.2`. */
export function formatSdkVersion({ major, minor, patch }: SdkVersion): string {
  return `v${major}.${minor}.${patch}`;
}

/** Negative when `a` is older. */
export function compareSdkVersions(a: SdkVersion, b: SdkVersion): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch;
}

/** True when a release lies in a range. */
export function isAffected(version: SdkVersion, { from, to }: SdkRange): boolean {
  return (
    (from === null || compareSdkVersions(version, parseSdkVersion(from)) >= 0) &&
    (to === null || compareSdkVersions(version, parseSdkVersion(to)) <= 0)
  );
}

/** A range for people. */
export function formatSdkRange({ from, to }: SdkRange): string {
  if (from === null) return to === null ? "all" : `up to ${to}`;
  return to === null ? `${from} and newer` : `${from} to ${to}`;
}
