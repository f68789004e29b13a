// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import path from "node:path";

import { InternalError } from "@tandem/base";
import type { PublicKey } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { MemoryStorage } from "@tandem/flash";
import { RELEASE_JSON, parseReleaseJson } from "@tandem/release";
import type { ReleaseManifest } from "@tandem/release";
import type { StoreLimits } from "@tandem/store";
import { Nrf5340Twin, provision } from "@tandem/twin";

import type { DumpLayout } from "./dump-flash.js";
import { newChip } from "./write-dump.js";
import type { NewChip } from "./write-dump.js";

/** What a factory image is made of. */
export interface ProvisionOptions {
  readonly releaseDirectory: string;
  readonly keys: readonly PublicKey[];
  readonly unlinked: boolean;
  readonly layout: DumpLayout;
  readonly limits: StoreLimits;
  readonly badBlocks: readonly number[];
}

/**
 * The NAND of a device that production has provisioned: the release verified, in both copies, as
 * the accepted bank. A twin does it, so that image and device cannot drift apart.
 * @throws {UsageError} twin/provision when the release does not verify
 */
export function provisionChip(options: ProvisionOptions): {
  readonly chip: NewChip;
  readonly release: ReleaseManifest;
} {
  const file = path.join(options.releaseDirectory, RELEASE_JSON);
  const release = parseReleaseJson(readFileSync(file, "utf8"), { name: file });
  const images = release.images.map(
    (image) => new Uint8Array(readFileSync(path.join(options.releaseDirectory, image.file))),
  );
  const chip = newChip(options.layout, options.badBlocks);
  const storeOptions = { limits: options.limits };
  const twin = new Nrf5340Twin({
    storages: {
      nand: chip.storage,
      appFlash: new MemoryStorage(),
      netFlash: new MemoryStorage(),
    },
    crypto: nodeCrypto,
    keys: options.keys,
    hardware: release.hardware,
    nandProfile: chip.profile,
    storeOptions,
    unlinked: options.unlinked,
  });
  provision(twin, release, images, storeOptions);
  const [violation] = twin.violations;
  if (violation !== undefined) {
    throw new InternalError("cli/violation", `provisioning broke a rule: ${violation.rule}`);
  }
  return { chip, release };
}
