// SPDX-License-Identifier: Apache-2.0
import { FormatError, digestOf, toHex } from "@tandem/base";
import type { Crypto } from "@tandem/base";
import { bytesSource, formatVersion, inspectImage } from "@tandem/image";
import type { ImageContents } from "@tandem/image";

import { checkBinding } from "./binding.js";
import type { ReleaseManifest } from "./release-json.js";

/** A signed image on its way into a release. */
export interface SignedFile {
  readonly core: string;
  /** File name in the release directory. */
  readonly file: string;
  readonly bytes: Uint8Array;
}

/**
 * The manifest for signed images that form a set, in the order of their indexes.
 * @throws {FormatError} release/bad-image for an image that is broken; release/not-bound when
 * they are not one set; release/security-counter when their counters differ
 */
export function describeRelease(
  files: readonly SignedFile[],
  options: {
    readonly crypto: Crypto;
    readonly hardware: string;
    /** Version of the release; that of image 0 when left out. */
    readonly version?: string;
  },
): ReleaseManifest {
  const { crypto, hardware } = options;
  const contents = files.map(({ file, bytes }) => inspect(file, bytes, crypto));
  const unbound = checkBinding(contents);
  if (unbound !== null) throw new FormatError("release/not-bound", unbound.message);
  const images = files.map(({ core, file, bytes }, index) => ({
    index,
    core,
    file,
    size: bytes.length,
    sha256: toHex(digestOf(crypto, bytes)),
    version: versionOf(contents[index]),
  }));
  return {
    format: 1,
    version: options.version ?? versionOf(contents[0]),
    id: toHex(contents[0]?.hash ?? new Uint8Array(0)),
    hardware,
    securityCounter: commonCounter(files, contents),
    images,
  };
}

function inspect(file: string, bytes: Uint8Array, crypto: Crypto): ImageContents {
  const inspection = inspectImage(bytesSource(bytes), { crypto, exactSize: true });
  if (inspection.ok) return inspection.contents;
  const { code, message, offsetBytes } = inspection.problem;
  throw new FormatError("release/bad-image", `${file}: ${message}`, {
    details: { file, problem: code, offset: offsetBytes },
  });
}

function commonCounter(files: readonly SignedFile[], contents: readonly ImageContents[]): number {
  const first = contents[0]?.securityCounter ?? null;
  for (const [i, { securityCounter }] of contents.entries()) {
    if (securityCounter !== null && securityCounter === first) continue;
    throw new FormatError(
      "release/security-counter",
      `${files[i]?.file ?? ""}: security counter ${securityCounter ?? "missing"}, ` +
        `expected ${first ?? "one"} in every image`,
    );
  }
  return first ?? 0;
}

function versionOf(contents: ImageContents | undefined): string {
  return contents === undefined ? "" : formatVersion(contents.header.version);
}
