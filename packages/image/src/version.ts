// SPDX-License-Identifier: Apache-2.0
import { FormatError, struct, u16, u32, u8 } from "@tandem/base";
import type { StructLayout } from "@tandem/base";

/** Version of an image: `struct image_version` of MCUboot's image.h. */
export interface ImageVersion {
  /** 0 to 255. */
  readonly major: number;
  /** 0 to 255. */
  readonly minor: number;
  /** 0 to 65535. */
  readonly revision: number;
  /** 32 bits; MCUboot compares it only when configured to. */
  readonly build: number;
}

/** Layout of {@link ImageVersion}, 8 bytes. */
export const IMAGE_VERSION_LAYOUT: StructLayout<ImageVersion> = struct("image_version", {
  major: u8,
  minor: u8,
  revision: u16,
  build: u32,
});

/**
 * Version from `1.2.3` or `1.2.3+4`, as imgtool writes it.
 * @throws {FormatError} image/bad-version for any other form and for numbers that do not fit
 */
export function parseVersion(text: string): ImageVersion {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,5})(?:\+(\d{1,10}))?$/.exec(text);
  const [major, minor, revision, build] = [1, 2, 3, 4].map((i) => Number(match?.[i] ?? 0));
  const version = {
    major: major ?? 0,
    minor: minor ?? 0,
    revision: revision ?? 0,
    build: build ?? 0,
  };
  const fits =
    version.major <= 0xff &&
    version.minor <= 0xff &&
    version.revision <= 0xffff &&
    version.build <= 0xffff_ffff;
  if (match !== null && fits) return version;
  const shown = JSON.stringify(text.slice(0, 40));
  throw new FormatError(
    "image/bad-version",
    `version ${shown}, expected major.minor.revision[+build] up to 255.255.65535+4294967295`,
    { details: { found: text.slice(0, 40), expected: "major.minor.revision[+build]" } },
  );
}

/** `1.2.3`, or `1.2.3+4` when there is a build number. */
export function formatVersion(version: ImageVersion): string {
  const { major, minor, revision, build } = version;
  return `${major}.${minor}.${revision}${build === 0 ? "" : `+${build}`}`;
}

/** Negative when `a` is older than `b`, positive when it is newer; the build number counts last. */
export function compareVersions(a: ImageVersion, b: ImageVersion): number {
  return a.major - b.major || a.minor - b.minor || a.revision - b.revision || a.build - b.build;
}
