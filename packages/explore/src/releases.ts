// SPDX-License-Identifier: Apache-2.0
import { digestOf, toHex } from "@tandem/base";
import type { Crypto, PublicKey, Signer } from "@tandem/base";
import { VALIDATION_INFO_LAYOUT, bytesSource, verifyImage } from "@tandem/image";
import type { ImageFacts } from "@tandem/image";
import { signerFromSeed } from "@tandem/image/node";
import { buildRelease, generatePayloads, payloadInput } from "@tandem/release";
import type { ReleaseManifest } from "@tandem/release";

import type { Geometry } from "./geometry.js";

/** Signs every release, in place of a vendor. */
export const SIGNER: Signer = signerFromSeed(new Uint8Array(32).fill(7));

/** The only key that the explored devices trust. */
export const TRUSTED_KEY: PublicKey = SIGNER.publicKey;

/** A release, with its images in order. */
export interface ExploredRelease {
  readonly manifest: ReleaseManifest;
  readonly images: readonly Uint8Array[];
  /** Image hashes as hexadecimal digits; those of images that do not verify are empty. */
  readonly hashes: readonly string[];
  readonly facts: readonly (ImageFacts | null)[];
}

/** What is wrong with a release. */
export type Flaw = "none" | "damaged" | "refused-by-b0n";

/** A release whose payloads the version decides, with a flaw if one is asked for. */
export function makeRelease(
  crypto: Crypto,
  geometry: Geometry,
  options: { readonly version: string; readonly securityCounter: number; readonly flaw?: Flaw },
): ExploredRelease {
  const { appBytes, netBytes } = geometry;
  const { version, securityCounter, flaw } = options;
  const payloads = generatePayloads(1, { version, crypto, appBytes, netBytes });
  if (flaw === "refused-by-b0n") spoilValidationInfo(payloads.net);
  const built = buildRelease({
    version,
    securityCounter,
    crypto,
    signer: SIGNER,
    // b0n refuses what the linker made; the release builder would refuse it first.
    unlinked: flaw === "refused-by-b0n",
    app: payloadInput("app.bin", payloads.app),
    net: payloadInput("net.bin", payloads.net),
  });
  const images = built.manifest.images.map(
    ({ file }) => built.files.get(file)?.slice() ?? new Uint8Array(0),
  );
  if (flaw === "damaged") damage(images[1]);
  const keys = [TRUSTED_KEY];
  const facts = images.map((image) => {
    const verdict = verifyImage(bytesSource(image), { crypto, keys });
    return verdict.ok ? verdict.facts : null;
  });
  const manifest = {
    ...built.manifest,
    images: built.manifest.images.map((entry, index) => ({
      ...entry,
      sha256: toHex(digestOf(crypto, images[index] ?? new Uint8Array(0))),
    })),
  };
  const hashes = facts.map((fact) => (fact === null ? "" : toHex(fact.hash)));
  return { manifest, images, hashes, facts };
}

/** Another hash behind the firmware than b0n will compute. */
export function spoilValidationInfo(payload: Uint8Array): void {
  const hash = payload.length - VALIDATION_INFO_LAYOUT.size + 16;
  payload[hash] = (payload[hash] ?? 0) ^ 1;
}

/** Another byte in the payload: the image hash no longer fits. */
function damage(image: Uint8Array | undefined): void {
  if (image !== undefined) image[1000] = (image[1000] ?? 0) ^ 1;
}
