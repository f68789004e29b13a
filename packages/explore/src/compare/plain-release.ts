// SPDX-License-Identifier: Apache-2.0
import { toHex } from "@tandem/base";
import type { Crypto } from "@tandem/base";
import { bytesSource, parseVersion, signImage, verifyImage } from "@tandem/image";
import type { ImageDependency } from "@tandem/image";
import { generatePayloads } from "@tandem/release";
import type { NcsRelease } from "@tandem/twin";

import { SIGNER, TRUSTED_KEY, spoilValidationInfo } from "../releases.js";

const HEADER_BYTES = 0x200;
const APP_BYTES = 9000;
const NET_BYTES = 6000;

/** Versions of what production installed and of what comes by update. */
export const OLD_VERSION = "1.0.0";
export const NEW_VERSION = "2.0.0";

/** Two images without a manifest, signed one by one, as builds for stock MCUboot make them. */
export interface PlainRelease extends NcsRelease {
  /** Hashes of application and network core image as hexadecimal digits. */
  readonly hashes: readonly [string, string];
}

/**
 * @param options.flaw `firmware-hash`: b0n refuses the network core's firmware; `image-hash`:
 * MCUboot refuses the image around it
 * @param options.dependencies each image needs the other one at this version
 */
export function makePlainRelease(
  crypto: Crypto,
  options: {
    readonly version: string;
    readonly flaw?: "none" | "firmware-hash" | "image-hash";
    readonly dependencies?: boolean;
  },
): PlainRelease {
  const { flaw = "none", dependencies = false } = options;
  const version = parseVersion(options.version);
  const payloads = generatePayloads(1, {
    version: options.version,
    crypto,
    appBytes: APP_BYTES,
    netBytes: NET_BYTES,
  });
  if (flaw === "firmware-hash") spoilValidationInfo(payloads.net);
  const sign = (payload: Uint8Array, other: number): Uint8Array =>
    signImage({
      payload,
      version,
      crypto,
      signer: SIGNER,
      headerSize: HEADER_BYTES,
      dependencies: dependencies
        ? [{ imageIndex: other, minVersion: version } satisfies ImageDependency]
        : [],
    });
  const app = sign(payloads.app, 1);
  const net = sign(payloads.net, 0);
  const hashes = [hashOf(crypto, app), hashOf(crypto, net)] as const;
  if (flaw === "image-hash") net[HEADER_BYTES] = (net[HEADER_BYTES] ?? 0) ^ 1;
  return { app, net, hashes };
}

function hashOf(crypto: Crypto, image: Uint8Array): string {
  const verdict = verifyImage(bytesSource(image), { crypto, keys: [TRUSTED_KEY] });
  return verdict.ok ? toHex(verdict.facts.hash) : "";
}
