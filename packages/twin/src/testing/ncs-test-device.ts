// SPDX-License-Identifier: Apache-2.0
import { digestOf, toHex } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { MemoryStorage } from "@tandem/flash";
import { bytesSource, formatVersion, parseVersion, signImage, verifyImage } from "@tandem/image";
import type { ImageDependency } from "@tandem/image";
import { signerFromSeed } from "@tandem/image/node";
import { generatePayloads } from "@tandem/release";

import type { AppScript, NetScript } from "../firmware-script.js";
import type { NcsApplication } from "../ncs/ncs-application.js";
import { ncsBuild } from "../ncs/ncs-build.js";
import type { NcsBuildOptions } from "../ncs/ncs-build.js";
import { NcsNrf5340 } from "../ncs/ncs-device.js";
import type { NcsBootOutcome, NcsDeviceOptions } from "../ncs/ncs-device.js";
import { knowRelease, provisionNcs } from "../ncs/provision-ncs.js";
import type { NcsRelease } from "../ncs/provision-ncs.js";
import { PowerSupply } from "../power-supply.js";
import type { PlannedCut } from "../power-supply.js";

const SIGNER = signerFromSeed(new Uint8Array(32).fill(7));
const TRUST = { crypto: nodeCrypto, keys: [SIGNER.publicKey] };
const HEADER_BYTES = 0x200;

export interface NcsReleaseOptions {
  readonly securityCounter?: number;
  /** fw_info's counter; made of the version when absent. */
  readonly netVersion?: number;
  readonly dependencies?: readonly ImageDependency[];
  /** Protected TLVs in the network core's image too. */
  readonly netSecurityCounter?: number;
  /** The firmware's own hash is wrong, which only b0n looks at. */
  readonly breaksNetHash?: boolean;
  readonly appBytes?: number;
  readonly netBytes?: number;
}

/** Two small images, linked for the nRF5340 and signed one by one, without a manifest. */
export function makeNcsRelease(version: string, options: NcsReleaseOptions = {}): NcsRelease {
  const payloads = generatePayloads(1, {
    version,
    crypto: nodeCrypto,
    appBytes: options.appBytes ?? 9000,
    netBytes: options.netBytes ?? 6000,
    ...(options.netVersion === undefined ? {} : { netVersion: options.netVersion }),
  });
  if (options.breaksNetHash === true) payloads.net[0x900] = (payloads.net[0x900] ?? 0) ^ 1;
  const common = {
    crypto: nodeCrypto,
    signer: SIGNER,
    version: parseVersion(version),
    headerSize: HEADER_BYTES,
  };
  return {
    app: signImage({
      ...common,
      ...counterOf(options.securityCounter),
      payload: payloads.app,
      dependencies: options.dependencies ?? [],
    }),
    net: signImage({
      ...common,
      ...counterOf(options.netSecurityCounter),
      payload: payloads.net,
    }),
  };
}

/** Left out of the options when there is none. */
function counterOf(value?: number): { readonly securityCounter?: number } {
  return value === undefined ? {} : { securityCounter: value };
}

export interface NcsTestOptions extends Pick<NcsDeviceOptions, "netOnRevert"> {
  readonly factory?: NcsRelease;
  readonly known?: readonly NcsRelease[];
  readonly securityCounter?: number;
}

/** A device as NCS builds it, with a first release in both cores. */
export class NcsTestDevice {
  readonly device: NcsNrf5340;
  readonly app: Map<string, AppScript> = new Map();
  readonly net: Map<string, NetScript> = new Map();
  #running: NcsApplication | null = null;

  constructor(build: NcsBuildOptions, options: NcsTestOptions = {}) {
    this.device = new NcsNrf5340({
      build: ncsBuild(build),
      storages: {
        appFlash: new MemoryStorage(),
        extFlash: new MemoryStorage(),
        netFlash: new MemoryStorage(),
      },
      ...TRUST,
      scripts: { app: this.app, net: this.net },
      power: new PowerSupply({ seed: 5 }),
      ...(options.netOnRevert === undefined ? {} : { netOnRevert: options.netOnRevert }),
    });
    provisionNcs(this.device, options.factory ?? makeNcsRelease("1.0.0"), TRUST);
    this.device.raiseSecurityCounter(options.securityCounter ?? 0);
    for (const release of options.known ?? []) knowRelease(this.device, release, TRUST);
    this.boot();
  }

  get running(): NcsApplication {
    if (this.#running === null) throw new Error("no application runs");
    return this.#running;
  }

  boot(first: NcsBootOutcome = this.device.powerOn(), maxBoots = 8): NcsBootOutcome {
    const outcome = this.device.bootToApplication(first, maxBoots);
    this.#running = outcome.kind === "application" ? outcome.app : null;
    return outcome;
  }

  restart(): NcsBootOutcome {
    return this.boot(this.device.reset("soft"));
  }

  /** Uploads both images with MCUmgr and marks the network core's first, as Nordic recommends. */
  stage(release: NcsRelease, order: readonly number[] = [1, 0]): void {
    const images = [release.app, release.net];
    for (const image of order) this.running.upload(image, images[image] ?? new Uint8Array(0));
    for (const image of order) this.running.mark(image, "test");
  }

  /** Power goes inside an operation of a chip. */
  cut(device: string, skip = 0, when: PlannedCut["when"] = "inside"): void {
    this.device.power.planCut({ when, matches: (operation) => operation.device === device, skip });
  }

  get holds(): ReturnType<typeof versionsIn> {
    return versionsIn(this.device);
  }
}

/** Versions that stand in both cores' flash; null: nothing that is known. */
export function versionsIn(device: NcsNrf5340): readonly [string | null, string | null] {
  const verdict = verifyImage(device.primarySlot, TRUST);
  const net = device.observer.identifyNet(device.readNetSlot());
  return [
    verdict.ok ? formatVersion(verdict.facts.header.version) : null,
    net === null ? null : formatVersion(net.version),
  ];
}

/** One digest of all flash. */
export function flashDigest({ appFlash, extFlash, netFlash }: NcsNrf5340): string {
  return [appFlash, extFlash, netFlash]
    .map((chip) => toHex(digestOf(nodeCrypto, chip.read(0, chip.profile.sizeBytes))))
    .join(" ");
}

/** Hash of an image as scripts name it. */
export function hashOf(image: Uint8Array): string {
  const verdict = verifyImage(bytesSource(image), TRUST);
  return verdict.ok ? toHex(verdict.facts.hash) : "";
}
