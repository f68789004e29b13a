// SPDX-License-Identifier: Apache-2.0
import { FormatError, digestOf, toHex } from "@tandem/base";
import type { Crypto } from "@tandem/base";
import { bytesSource, formatVersion, inspectImage } from "@tandem/image";
import type { ImageContents } from "@tandem/image";

import { RELEASE_JSON, encodeReleaseJson, parseReleaseJson } from "./release-json.js";
import type { ReleaseManifest } from "./release-json.js";
import { inspectRelease } from "./verify-release.js";

/** A signed image on its way into a release, or out of a container. */
export interface SignedFile {
  readonly core: string;
  /** File name in the release directory. */
  readonly file: string;
  readonly bytes: Uint8Array;
}

export interface DescribeReleaseOptions {
  readonly crypto: Crypto;
  readonly hardware: string;
  /** Version of the release; that of image 0 when left out. */
  readonly version?: string;
}

/**
 * What release.json would say of signed images, in the order of their indexes, taken from the
 * images themselves. Only `inspectRelease` or `verifyRelease` tell whether they are one set;
 * what an unreadable image does not tell is zero.
 */
export function claimRelease(
  files: readonly SignedFile[],
  options: DescribeReleaseOptions,
): ReleaseManifest {
  const { crypto, hardware } = options;
  const contents = files.map(({ bytes }) => inspect(bytes, crypto));
  return {
    format: 1,
    version: options.version ?? versionOf(contents[0]),
    id: toHex(contents[0]?.hash ?? new Uint8Array(32)),
    hardware,
    securityCounter: contents[0]?.securityCounter ?? 0,
    images: files.map(({ core, file, bytes }, index) => ({
      index,
      core,
      file,
      size: bytes.length,
      sha256: toHex(digestOf(crypto, bytes)),
      version: versionOf(contents[index]),
    })),
  };
}

/**
 * The manifest for signed images that form a set, in the order of their indexes.
 * @throws {FormatError} release/not-a-set, naming the file and what is wrong with it;
 * release/bad-json for a name of hardware that release.json cannot hold
 */
export function describeRelease(
  files: readonly SignedFile[],
  options: DescribeReleaseOptions,
): ReleaseManifest {
  const manifest = claimRelease(files, options);
  const sources = files.map(({ bytes }) => bytesSource(bytes));
  const { findings } = inspectRelease(manifest, sources, options);
  // What goes out has passed the same checks as what comes in.
  if (findings.length === 0) {
    return parseReleaseJson(encodeReleaseJson(manifest), { name: RELEASE_JSON });
  }
  throw new FormatError("release/not-a-set", findings.map(({ message }) => message).join("; "), {
    details: { findings },
  });
}

function inspect(bytes: Uint8Array, crypto: Crypto): ImageContents | null {
  const inspection = inspectImage(bytesSource(bytes), { crypto });
  return inspection.ok ? inspection.contents : null;
}

function versionOf(contents: ImageContents | null | undefined): string {
  return formatVersion(contents?.header.version ?? { major: 0, minor: 0, revision: 0, build: 0 });
}
