// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";

import { concatBytes, createRandom } from "@tandem/base";
import type { ReleaseManifest } from "@tandem/release";

import type { DownloadOptions } from "../download-release.js";
import type { DownloadTarget } from "../download-target.js";
import { fixture } from "./scripted-server.js";
import type { ScriptedServer } from "./scripted-server.js";

const VERSION = "1.1.0";

/** Two images that no power of two divides, and their bundle. */
export const APP = createRandom(1).bytes(50_001);
export const NET = createRandom(2).bytes(30_003);

// {"img": [{"id": 0, "size": 50001}, {"id": 1, "size": 30003}]}, after the header's length.
const BUNDLE_HEADER = Buffer.from(
  "2000a163696d6782a2626964006473697a6519c351a2626964016473697a65197533",
  "hex",
);
export const BUNDLE_HEADER_SIZE = BUNDLE_HEADER.length;
export const BUNDLE = concatBytes(BUNDLE_HEADER, APP, NET);

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** release.json of the sample, with changes. */
export function sampleManifest(changes: Partial<ReleaseManifest> = {}): ReleaseManifest {
  const image = (index: number, core: string, file: string, bytes: Uint8Array) => ({
    index,
    core,
    file,
    size: bytes.length,
    sha256: sha256(bytes),
    version: VERSION,
  });
  return {
    format: 1,
    version: VERSION,
    id: sha256(new Uint8Array(1)),
    hardware: "nrf5340dk",
    securityCounter: 1,
    images: [image(0, "app", "app.bin", APP), image(1, "net", "net.bin", NET)],
    bundle: { file: "dfu_multi_image.bin", size: BUNDLE.length, sha256: sha256(BUNDLE) },
    ...changes,
  };
}

/** Puts the sample on a server. */
export function serveSample(server: ScriptedServer, manifest = sampleManifest()): void {
  const put = (name: string, bytes: Uint8Array): void => {
    server.files.set(`/releases/${VERSION}/${name}`, { bytes, sha256: sha256(bytes) });
  };
  put("app.bin", APP);
  put("net.bin", NET);
  put("dfu_multi_image.bin", BUNDLE);
  put("release.json", Buffer.from(JSON.stringify(manifest)));
}

/** A power cut as the twin throws it. */
export class PowerLoss extends Error {}

/** A medium in memory that acknowledges whole blocks, and survives cuts as its `held` bytes. */
export class MemoryTarget implements DownloadTarget {
  readonly images = new Map<number, Uint8Array>();
  release: ReleaseManifest | undefined;
  readonly #blockBytes: number;
  #writesLeft: number;

  constructor(options: { blockBytes?: number; cutAfterWrites?: number } = {}) {
    this.#blockBytes = options.blockBytes ?? 4096;
    this.#writesLeft = options.cutAfterWrites ?? Number.POSITIVE_INFINITY;
  }

  /** The same medium after a reset: whole blocks only. */
  afterReset(): MemoryTarget {
    const next = new MemoryTarget({ blockBytes: this.#blockBytes });
    for (const [index, bytes] of this.images) {
      next.images.set(index, bytes.slice(0, this.#acknowledged(index, bytes)));
    }
    return next;
  }

  start(release: ReleaseManifest): void {
    this.release = release;
  }

  receivedBytes(imageIndex: number): number {
    return this.#acknowledged(imageIndex, this.images.get(imageIndex) ?? new Uint8Array());
  }

  write(imageIndex: number, offsetBytes: number, bytes: Uint8Array): void {
    if (this.#writesLeft-- === 0) throw new PowerLoss("power");
    const before = this.images.get(imageIndex) ?? new Uint8Array();
    if (offsetBytes !== before.length) throw new RangeError(`write at ${offsetBytes}`);
    this.images.set(imageIndex, concatBytes(before, bytes));
  }

  #acknowledged(index: number, bytes: Uint8Array): number {
    const size = this.release?.images.find((image) => image.index === index)?.size;
    if (bytes.length === size) return size;
    return bytes.length - (bytes.length % this.#blockBytes);
  }
}

/** Options for a download that never really waits; `delays` collects what it would have waited. */
export function sampleOptions(
  server: ScriptedServer,
  target: DownloadTarget,
  delays: number[] = [],
): DownloadOptions {
  return {
    baseUrl: server.url,
    release: VERSION,
    target,
    tls: { ca: fixture("ca.pem") },
    mode: "files",
    fragmentBytes: 16_384,
    retry: {
      attempts: 3,
      initialDelayMs: 100,
      maxDelayMs: 1000,
      sleep: async (delayMs) => {
        delays.push(delayMs);
        return await Promise.resolve();
      },
      random: { ...createRandom(1), below: () => 0 },
      now: () => Date.parse("2026-11-01T12:00:00Z"),
    },
  };
}
