// SPDX-License-Identifier: Apache-2.0
import { createRandom, digestOf, toHex } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { MemoryStorage } from "@tandem/flash";
import type { NandProfile } from "@tandem/flash";
import {
  bytesSource,
  formatVersion,
  parseImage,
  parseVersion,
  signImage,
  verifyImage,
} from "@tandem/image";
import { signerFromSeed } from "@tandem/image/node";
import type { ReleaseManifest } from "@tandem/release";
import type { StoreLimits } from "@tandem/store";
import type { FinishVerdict } from "@tandem/update";

import type { FirmwareScripts, NetScript, AppScript } from "../firmware-script.js";
import { Nrf5340Twin } from "../nrf5340/device.js";
import type { BootOutcome } from "../nrf5340/device.js";
import { programCores, provision } from "../nrf5340/provision.js";
import { selfTest } from "../nrf5340/running-application.js";
import type { RunningApplication } from "../nrf5340/running-application.js";
import { PowerSupply } from "../power-supply.js";

/** A chip with the pages of the real part, but few and small blocks: quick to go through. */
const SMALL_NAND: NandProfile = {
  name: "small",
  pageBytes: 2048,
  spareBytes: 64,
  pagesPerBlock: 6,
  blockCount: 48,
  readUs: 60,
  programUs: 250,
  eraseUs: 2000,
  busHz: 32_000_000,
};

const SMALL_LIMITS: StoreLimits = {
  images: 4,
  banks: 2,
  extents: 24,
  badBlocks: 10,
  journalBlocks: 14,
};

const SIGNER = signerFromSeed(new Uint8Array(32).fill(7));
export const STRANGER = signerFromSeed(new Uint8Array(32).fill(8));

/** A release made for tests, with the images in order. */
export interface TestRelease {
  readonly manifest: ReleaseManifest;
  readonly images: readonly Uint8Array[];
  readonly hashes: readonly Uint8Array[];
}

export interface TestReleaseOptions {
  readonly version: string;
  /** Null: the images carry none. */
  readonly securityCounter?: number | null;
  readonly netSigner?: typeof SIGNER;
  /** Payload sizes of application and network core, bytes. */
  readonly sizes?: readonly [number, number];
  /** Decides the payloads; default: the version does. */
  readonly seed?: number;
  /** Default false. */
  readonly blockDigests?: boolean;
  /** A network core image to take over as it is. */
  readonly net?: Uint8Array;
}

/** Two small images that are bound by a manifest; their payloads are linked for nowhere. */
export function makeRelease(options: TestReleaseOptions): TestRelease {
  const version = parseVersion(options.version);
  const random = createRandom(options.seed ?? version.minor * 100 + version.revision + 1);
  const [appBytes, netBytes] = options.sizes ?? [9000, 5000];
  const securityCounter = options.securityCounter === undefined ? 1 : options.securityCounter;
  const common = {
    crypto: nodeCrypto,
    version,
    headerSize: 0x200,
    blockDigests: options.blockDigests === true,
    ...(securityCounter === null ? {} : { securityCounter }),
  };
  const netPayload = random.bytes(netBytes);
  const net =
    options.net ??
    signImage({ ...common, payload: netPayload, signer: options.netSigner ?? SIGNER });
  const app = signImage({
    ...common,
    payload: random.bytes(appBytes),
    signer: SIGNER,
    manifest: { format: 1, imageHashes: [hashOf(net)] },
  });
  const images = [app, net];
  const entry = (index: number, core: string): ReleaseManifest["images"][number] => ({
    index,
    core,
    file: `${core}.bin`,
    size: images[index]?.length ?? 0,
    sha256: toHex(digestOf(nodeCrypto, images[index] ?? new Uint8Array(0))),
    version: formatVersion(parseImage(images[index] ?? new Uint8Array(0)).header.version),
  });
  return {
    images,
    hashes: images.map(hashOf),
    manifest: {
      format: 1,
      version: options.version,
      id: toHex(hashOf(app)),
      hardware: "test",
      securityCounter: securityCounter ?? 0,
      images: [entry(0, "app"), entry(1, "net")],
    },
  };
}

function hashOf(image: Uint8Array): Uint8Array {
  const keys = [SIGNER.publicKey, STRANGER.publicKey];
  const verdict = verifyImage(bytesSource(image), { crypto: nodeCrypto, keys });
  return verdict.ok ? verdict.facts.hash : new Uint8Array(32);
}

/** Image hashes of a release, as hexadecimal digits. */
export function hashesOf(release: TestRelease): string[] {
  return release.hashes.map((hash) => toHex(hash));
}

/** The flash of a device, to be copied cheaply. */
export interface TestFlash {
  readonly nand: MemoryStorage;
  readonly appFlash: MemoryStorage;
  readonly netFlash: MemoryStorage;
}

export function forkFlash(flash: TestFlash): TestFlash {
  return {
    nand: flash.nand.fork(),
    appFlash: flash.appFlash.fork(),
    netFlash: flash.netFlash.fork(),
  };
}

export interface TestDeviceOptions {
  /** Banks in the store; default: 2. */
  readonly banks?: number;
  readonly allowForeign?: boolean;
  readonly allowAdoption?: boolean;
  /** Decides what cuts leave behind. */
  readonly seed?: number;
  /** Reads of pages of internal flash that a cut has left unstable. */
  readonly unstableReadIsGood?: () => boolean;
}

/** A small device with everything a story needs. */
export class TestDevice {
  readonly flash: TestFlash;
  readonly twin: Nrf5340Twin;
  readonly events: string[] = [];
  readonly app = new Map<string, AppScript>();
  readonly net = new Map<string, NetScript>();
  #running: RunningApplication | null = null;

  constructor(
    flash?: TestFlash,
    known: readonly TestRelease[] = [],
    securityCounter = 0,
    options: TestDeviceOptions = {},
  ) {
    const limits = { ...SMALL_LIMITS, banks: options.banks ?? SMALL_LIMITS.banks };
    this.flash = flash ?? {
      nand: new MemoryStorage(),
      appFlash: new MemoryStorage(),
      netFlash: new MemoryStorage(),
    };
    const scripts: FirmwareScripts = { app: this.app, net: this.net };
    this.twin = new Nrf5340Twin({
      storages: this.flash,
      crypto: nodeCrypto,
      keys: [SIGNER.publicKey],
      hardware: "test",
      nandProfile: SMALL_NAND,
      storeOptions: {
        limits,
        onEvent: (event) => this.events.push(event.kind),
      },
      scripts,
      unlinked: true,
      allowForeign: options.allowForeign ?? false,
      allowAdoption: options.allowAdoption ?? false,
      power: new PowerSupply({ seed: options.seed ?? 5 }),
      ...(options.unstableReadIsGood === undefined
        ? {}
        : { unstableReadIsGood: options.unstableReadIsGood }),
      state: { securityCounter, nowUs: 0, knownNetImages: [] },
      onBootEvent: (event) => this.events.push(event.text),
    });
    for (const release of known) {
      const image = release.images[1];
      if (image !== undefined) this.twin.observer.learn(image, headerOf(image));
    }
  }

  static provisioned(release: TestRelease, options: TestDeviceOptions = {}): TestDevice {
    const device = new TestDevice(undefined, [], 0, options);
    const { limits } = device.twin.storeOptions;
    provision(
      device.twin,
      release.manifest,
      release.images,
      limits === undefined ? {} : { limits },
    );
    return device;
  }

  /** A device that left its maker with these images and a blank NAND. */
  static neverUpdated(release: TestRelease, options: TestDeviceOptions): TestDevice {
    const device = new TestDevice(undefined, [], 0, options);
    programCores(device.twin, release.images);
    return device;
  }

  get running(): RunningApplication {
    if (this.#running === null) throw new Error("no application runs");
    return this.#running;
  }

  /** Boots through all resets and cuts until an application runs, or the device stops. */
  boot(first: BootOutcome = this.twin.powerOn()): BootOutcome {
    const outcome = this.twin.bootToApplication(first);
    this.#running = outcome.kind === "application" ? outcome.app : null;
    return outcome;
  }

  /** Receives, verifies and stages a release with the running application. */
  stage(release: TestRelease): void {
    if (this.receive(release).ok) this.running.service.install();
  }

  /** Receives and verifies a release with the running application. */
  receive(release: TestRelease): FinishVerdict {
    const { service } = this.running;
    service.start(release.manifest);
    release.images.forEach((bytes, image) => {
      for (let at = service.receivedBytes(image); at < bytes.length; at += 1500) {
        service.write(image, at, bytes.subarray(at, at + 1500));
      }
    });
    return service.finish();
  }

  /** Resets, and lets each application that comes up on trial decide by its self-test. */
  settle(first: BootOutcome = this.twin.reset("soft")): void {
    this.boot(first);
    while (this.#running !== null && this.running.service.query().state === "TRIAL") {
      const result = selfTest(this.running);
      if (result.ok) this.running.service.accept();
      else {
        this.running.service.reject(result.code, result.image, result.detail);
        this.boot(this.twin.reset("soft"));
      }
    }
  }

  /** Makes a page of an image unreadable in both copies. */
  loseImage(bank: number | null, image: number): void {
    const { record } = this.twin.mountStore();
    for (const copy of [0, 1] as const) {
      const block = record.banks[bank ?? 0]?.images[image]?.copies[copy][0]?.firstBlock ?? 0;
      const page = block * SMALL_NAND.pagesPerBlock + 2;
      this.twin.nand.decayPage(page, 2, createRandom(1));
    }
  }

  /** Hashes of what the cores hold: by the header in the slot, by the payload of b0n's slot. */
  get holds(): readonly [string | null, string | null] {
    const verdict = verifyImage(this.twin.primarySlot, this.twin.trust);
    const net = this.twin.observer.identifyNet(this.twin.readNetSlot());
    return [
      verdict.ok ? toHex(verdict.facts.hash) : null,
      net === null ? null : toHex(net.imageHash),
    ];
  }
}

function headerOf(image: Uint8Array): { headerSize: number; imageSize: number } {
  const verdict = verifyImage(bytesSource(image), {
    crypto: nodeCrypto,
    keys: [SIGNER.publicKey, STRANGER.publicKey],
  });
  return verdict.ok ? verdict.facts.header : { headerSize: 0, imageSize: 0 };
}
