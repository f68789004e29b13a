// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";

import type { Crypto, PublicKey } from "@tandem/base";
import { bytesSource } from "@tandem/image";
import { inspectRelease, verifyRelease } from "@tandem/release";

import type { ReleaseCheck } from "./publish.js";

/**
 * The check that a device makes of a release, before any device downloads it: every image whole,
 * genuine, and bound to the others.
 * @param options.keys that the images must be signed with; null leaves the signatures out and
 * checks everything else
 */
export function createReleaseCheck(options: {
  readonly crypto: Crypto;
  readonly keys: readonly PublicKey[] | null;
}): ReleaseCheck {
  const { crypto, keys } = options;
  return ({ manifest, contents, label }) => {
    const sources = manifest.images.map(({ file }) =>
      bytesSource(contents.get(file) ?? new Uint8Array()),
    );
    const { findings } =
      keys === null
        ? inspectRelease(manifest, sources, { crypto })
        : verifyRelease(manifest, sources, { crypto, keys });
    return findings.map(({ code, message, problem }) => ({
      code: problem === undefined ? `release/${code}` : `image/${problem.code}`,
      message: join(label, message),
    }));
  };
}
