// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { FormatError, UsageError, fromHex, toHex } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { NRF5340_APP_FLASH, NRF5340_NET_FLASH, W25N01GV } from "@tandem/flash";
import { openFileStorage } from "@tandem/flash/node";
import type { FileStorage } from "@tandem/flash/node";
import { formatVersion, parseVersion } from "@tandem/image";
import type { ImageVersion } from "@tandem/image";
import { loadPublicKey } from "@tandem/image/node";
import { Nrf5340Twin } from "@tandem/twin";
import type { FirmwareScripts, TwinOptions } from "@tandem/twin";
import { z } from "zod";

/** `twin.json`: what a device keeps that is not in its flash. */
const twinJson = z.strictObject({
  format: z.literal(1),
  hardware: z.string().min(1).max(64),
  /** Trusted public keys, PEM. */
  keys: z.array(z.string().max(8192)).min(1).max(8),
  unlinked: z.boolean(),
  securityCounter: z.number().int().min(0).max(0xffff_ffff),
  nowUs: z.number().min(0),
  /** `running` only between two commands: a command that is killed has cut the power. */
  power: z.enum(["off", "running"]),
  /** What the network core answered to the running application. */
  netVersion: z.string().nullable(),
  knownNetImages: z
    .array(
      z.strictObject({
        imageHash: z.string().length(64),
        payloadDigest: z.string().length(64),
        payloadBytes: z.number().int().positive().max(NRF5340_NET_FLASH.sizeBytes),
        version: z.string(),
      }),
    )
    .max(64),
});
type TwinJson = z.infer<typeof twinJson>;

const JSON_FILE = "twin.json";
const MAX_JSON_BYTES = 1 << 20;

/** The raw flash images of a directory, and how many pages of which size each has. */
const FLASH_FILES = {
  nand: {
    file: "nand.bin",
    pageBytes: W25N01GV.pageBytes + W25N01GV.spareBytes,
    pageCount: W25N01GV.blockCount * W25N01GV.pagesPerBlock,
  },
  appFlash: {
    file: "app-flash.bin",
    pageBytes: NRF5340_APP_FLASH.pageBytes,
    pageCount: NRF5340_APP_FLASH.sizeBytes / NRF5340_APP_FLASH.pageBytes,
  },
  netFlash: {
    file: "net-flash.bin",
    pageBytes: NRF5340_NET_FLASH.pageBytes,
    pageCount: NRF5340_NET_FLASH.sizeBytes / NRF5340_NET_FLASH.pageBytes,
  },
} as const;

/** What the device is made with. */
export interface NewTwin {
  readonly hardware: string;
  /** PEM of the keys that it trusts. */
  readonly keys: readonly string[];
  readonly unlinked: boolean;
}

/** What a command may hook into. */
export type TwinHooks = Pick<TwinOptions, "onBootEvent" | "onProgress" | "storeOptions"> & {
  readonly scripts?: FirmwareScripts;
};

/**
 * A device in a directory. Flash is written through, so a killed process leaves what a power cut
 * leaves; `twin.json` is replaced as a whole.
 */
export class TwinDirectory implements Disposable {
  readonly twin: Nrf5340Twin;
  readonly #directory: string;
  readonly #storages: Readonly<Record<keyof typeof FLASH_FILES, FileStorage>>;
  #json: TwinJson;

  private constructor(directory: string, json: TwinJson, hooks: TwinHooks, isNew: boolean) {
    this.#directory = directory;
    this.#json = json;
    const open = (name: keyof typeof FLASH_FILES): FileStorage => {
      const { file, ...size } = FLASH_FILES[name];
      return openFileStorage(path.join(directory, file), { ...size, create: isNew });
    };
    this.#storages = { nand: open("nand"), appFlash: open("appFlash"), netFlash: open("netFlash") };
    this.twin = new Nrf5340Twin({
      storages: this.#storages,
      crypto: nodeCrypto,
      keys: json.keys.map((pem, i) =>
        loadPublicKey(pem, { name: `${path.join(directory, JSON_FILE)}: keys[${i}]` }),
      ),
      hardware: json.hardware,
      unlinked: json.unlinked,
      state: {
        securityCounter: json.securityCounter,
        nowUs: json.nowUs,
        knownNetImages: json.knownNetImages.map((image) => ({
          imageHash: fromHex(image.imageHash),
          payloadDigest: fromHex(image.payloadDigest),
          payloadBytes: image.payloadBytes,
          version: parseVersion(image.version),
        })),
      },
      // Counter and known images have to be kept before any flash operation relies on them.
      onStateChange: () => this.#write(),
      ...hooks,
    });
  }

  /**
   * Makes a device with erased flash.
   * @throws {UsageError} twin/exists when the directory already holds something
   */
  static create(directory: string, device: NewTwin, hooks: TwinHooks = {}): TwinDirectory {
    if (existsSync(directory)) {
      throw new UsageError("twin/exists", `${directory}: exists already, expected a new directory`);
    }
    mkdirSync(directory, { recursive: true });
    try {
      const json: TwinJson = {
        format: 1,
        hardware: device.hardware,
        keys: [...device.keys],
        unlinked: device.unlinked,
        securityCounter: 0,
        nowUs: 0,
        power: "off",
        netVersion: null,
        knownNetImages: [],
      };
      const created = new TwinDirectory(directory, json, hooks, true);
      created.#write();
      return created;
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * Opens a device. From here until `save`, it counts as cut off from power if the process dies.
   * @throws {FormatError} twin/bad-json, flash/file-size
   */
  static open(directory: string, hooks: TwinHooks = {}): TwinDirectory {
    const file = path.join(directory, JSON_FILE);
    return new TwinDirectory(directory, readTwinJson(file), hooks, false);
  }

  /** True when an application was running when the last command ended. */
  get isRunning(): boolean {
    return this.#json.power === "running";
  }

  /** What the network core answered to the running application. */
  get netVersion(): ImageVersion | null {
    return this.#json.netVersion === null ? null : parseVersion(this.#json.netVersion);
  }

  get hardware(): string {
    return this.#json.hardware;
  }

  /** Marks the device as off: what it is if the process dies from now on. */
  beginWork(): void {
    this.#json = { ...this.#json, power: "off", netVersion: null };
    this.#write();
  }

  /** Keeps the device's state; `netVersion` is what its running application was answered. */
  save(running: { readonly netVersion: ImageVersion | null } | null): void {
    const version = running?.netVersion ?? null;
    this.#json = {
      ...this.#json,
      power: running === null ? "off" : "running",
      netVersion: version === null ? null : formatVersion(version),
    };
    this.#write();
  }

  [Symbol.dispose](): void {
    for (const storage of Object.values(this.#storages)) storage.close();
  }

  #write(): void {
    const { state } = this.twin;
    const json: TwinJson = {
      ...this.#json,
      securityCounter: state.securityCounter,
      nowUs: state.nowUs,
      knownNetImages: state.knownNetImages.map((image) => ({
        imageHash: toHex(image.imageHash),
        payloadDigest: toHex(image.payloadDigest),
        payloadBytes: image.payloadBytes,
        version: formatVersion(image.version),
      })),
    };
    const file = path.join(this.#directory, JSON_FILE);
    writeFileSync(`${file}.new`, `${JSON.stringify(json, null, 2)}\n`);
    renameSync(`${file}.new`, file);
  }
}

function readTwinJson(file: string): TwinJson {
  const text = readFileSync(file, "utf8");
  if (text.length > MAX_JSON_BYTES) {
    throw new FormatError(
      "twin/bad-json",
      `${file}: ${text.length} bytes, limit ${MAX_JSON_BYTES}`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FormatError("twin/bad-json", `${file}: not JSON`, { cause });
  }
  const parsed = twinJson.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new FormatError(
    "twin/bad-json",
    `${file}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "malformed"}`,
  );
}
