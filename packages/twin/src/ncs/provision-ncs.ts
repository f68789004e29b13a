// SPDX-License-Identifier: Apache-2.0
import { toHex } from "@tandem/base";
import { UsageError } from "@tandem/base";
import { bytesSource, parseImage, verifyImage } from "@tandem/image";
import type { ImageFacts } from "@tandem/image";

import { NET_SLOT } from "../nrf5340/memory-map.js";
import { padToWords } from "../pad-to-words.js";
import type { NcsDeviceOptions, NcsNrf5340 } from "./ncs-device.js";

/** The images of one release, signed. */
export interface NcsRelease {
  readonly app: Uint8Array;
  readonly net: Uint8Array;
}

type Trust = Pick<NcsDeviceOptions, "crypto" | "keys">;

/**
 * Writes both cores' flash the way a debug probe does in production.
 * @throws {UsageError} twin/ncs-provision when an image does not verify
 */
export function provisionNcs(device: NcsNrf5340, release: NcsRelease, trust: Trust): void {
  knowRelease(device, release, trust);
  const slot = device.primarySlot;
  for (let at = 0; at < release.app.length; at += slot.pageBytes) slot.erasePage(at);
  slot.write(0, padToWords(release.app));
  const { payload } = parseImage(release.net);
  const { pageBytes } = device.netFlash.profile;
  for (let at = 0; at < payload.length; at += pageBytes) {
    device.netFlash.erasePage(NET_SLOT.start + at);
  }
  device.netFlash.write(NET_SLOT.start, padToWords(payload));
}

/**
 * Tells the observer that two images belong together.
 * @throws {UsageError} twin/ncs-provision when an image does not verify
 */
export function knowRelease(device: NcsNrf5340, { app, net }: NcsRelease, trust: Trust): void {
  const appFacts = factsOf(app, "application", trust);
  const netFacts = factsOf(net, "network core", trust);
  device.observer.learn(net, netFacts.header);
  device.observer.learnPair({ app: toHex(appFacts.hash), net: toHex(netFacts.hash) });
}

function factsOf(image: Uint8Array, what: string, trust: Trust): ImageFacts {
  const verdict = verifyImage(bytesSource(image), trust);
  if (verdict.ok) return verdict.facts;
  throw new UsageError("twin/ncs-provision", `${what} image: ${verdict.problem.message}`);
}
