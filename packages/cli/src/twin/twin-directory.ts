// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { FormatError, InternalError, UsageError, fromHex, toHex } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { MediumState, NAND_PROFILES, NRF5340_APP_FLASH, NRF5340_NET_FLASH } from "@tandem/flash";
import type { NandProfile } from "@tandem/flash";
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
  /** Part number of the SPI-NAND. */
  nand: z.enum(NAND_PROFILES.map(({ name }) => name)),
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

const mediumJson = z.strictObject({
  programs: z.number(),
  erases: z.number(),
  blocks: z.array(z.array(z.number())),
  pages: z.array(z.array(z.number())),
});
/** `medium.json`: the physical state of the chips that their bits do not show. */
const chipsJson = z.strictObject({ nand: mediumJson, appFlash: mediumJson, netFlash: mediumJson });

const JSON_FILE = "twin.json";
const MEDIUM_FILE = "medium.json";
const MAX_JSON_BYTES = 1 << 20;
/** Rows for every page of the largest part. */
const MAX_MEDIUM_BYTES = 1 << 24;

interface FlashFile {
  readonly file: string;
  readonly pageBytes: number;
  readonly pageCount: number;
}
type ChipName = keyof z.infer<typeof chipsJson>;

/** The raw flash images of a directory, and how many pages of which size each has. */
function flashFiles(nand: NandProfile): Readonly<Record<ChipName, FlashFile>> {
  return {
    nand: {
      file: "nand.bin",
      pageBytes: nand.pageBytes + nand.spareBytes,
      pageCount: nand.blockCount * nand.pagesPerBlock,
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
  };
}

/** What the device is made with. */
export interface NewTwin {
  readonly hardware: string;
  /** PEM of the keys that it trusts. */
  readonly keys: readonly string[];
  readonly unlinked: boolean;
  readonly nand: NandProfile;
}

/** What a command may hook into. */
export type TwinHooks = Pick<TwinOptions, "onBootEvent" | "onProgress" | "storeOptions"> & {
  readonly scripts?: FirmwareScripts;
};

/**
 * A device in a directory. Flash is written through, so a killed process leaves what a power cut
 * leaves; `twin.json` is replaced as a whole. What the bits do not show (weak blocks, unstable
 * pages, wear) is kept by `save`; a killed process forgets it.
 */
export class TwinDirectory implements Disposable {
  readonly twin: Nrf5340Twin;
  readonly #directory: string;
  readonly #storages: Readonly<Record<ChipName, FileStorage>>;
  #json: TwinJson;

  private constructor(directory: string, json: TwinJson, hooks: TwinHooks, isNew: boolean) {
    this.#directory = directory;
    this.#json = json;
    const nandProfile = profileOf(json);
    const files = flashFiles(nandProfile);
    const media = readMedia(path.join(directory, MEDIUM_FILE));
    const open = (name: ChipName): FileStorage => {
      const { file, ...size } = files[name];
      const medium = media?.[name] ?? new MediumState();
      return openFileStorage(path.join(directory, file), { ...size, medium, create: isNew });
    };
    this.#storages = { nand: open("nand"), appFlash: open("appFlash"), netFlash: open("netFlash") };
    this.twin = new Nrf5340Twin({
      storages: this.#storages,
      nandProfile,
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
        nand: device.nand.name,
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

  /** The part that a device's NAND is, or null when the directory is none of a device. */
  static nandOf(directory: string): NandProfile | null {
    const file = path.join(directory, JSON_FILE);
    return existsSync(file) ? profileOf(readTwinJson(file)) : null;
  }

  get hardware(): string {
    return this.#json.hardware;
  }

  /** Marks the device as off: what it is if the process dies from now on. */
  beginWork(): void {
    this.#json = { ...this.#json, power: "off", netVersion: null };
    rmSync(path.join(this.#directory, MEDIUM_FILE), { force: true });
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
    const { nand, appFlash, netFlash } = this.#storages;
    this.#replace(MEDIUM_FILE, {
      nand: nand.medium.toJson(),
      appFlash: appFlash.medium.toJson(),
      netFlash: netFlash.medium.toJson(),
    });
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
    this.#replace(JSON_FILE, json);
  }

  #replace(name: string, document: unknown): void {
    const file = path.join(this.#directory, name);
    writeFileSync(`${file}.new`, `${JSON.stringify(document, null, name === JSON_FILE ? 2 : 0)}\n`);
    renameSync(`${file}.new`, file);
  }
}

function profileOf(json: TwinJson): NandProfile {
  const profile = NAND_PROFILES.find(({ name }) => name === json.nand);
  if (profile === undefined) throw new InternalError("twin/nand", `no profile ${json.nand}`);
  return profile;
}

function readTwinJson(file: string): TwinJson {
  return readJson(file, twinJson, MAX_JSON_BYTES);
}

/** What was kept of the chips, or null when nothing was. */
function readMedia(file: string): Readonly<Record<ChipName, MediumState>> | null {
  if (!existsSync(file)) return null;
  const { nand, appFlash, netFlash } = readJson(file, chipsJson, MAX_MEDIUM_BYTES);
  return {
    nand: MediumState.fromJson(nand),
    appFlash: MediumState.fromJson(appFlash),
    netFlash: MediumState.fromJson(netFlash),
  };
}

function readJson<T>(file: string, schema: z.ZodType<T>, maxBytes: number): T {
  const text = readFileSync(file, "utf8");
  if (text.length > maxBytes) {
    throw new FormatError("twin/bad-json", `${file}: ${text.length} bytes, limit ${maxBytes}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FormatError("twin/bad-json", `${file}: not JSON`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new FormatError(
    "twin/bad-json",
    `${file}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "malformed"}`,
  );
}
