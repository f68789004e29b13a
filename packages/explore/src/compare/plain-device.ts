// SPDX-License-Identifier: Apache-2.0
import { toHex } from "@tandem/base";
import { MemoryStorage, NRF5340_APP_FLASH, NorChip, PowerLoss, flashArea } from "@tandem/flash";
import type { FlashOperation, NorProfile, Power } from "@tandem/flash";
import { verifyImage } from "@tandem/image";
import {
  bootFlashArea,
  bootGo,
  bootSetConfirmed,
  bootSetPending,
  readSwapState,
} from "@tandem/mcuboot";
import type { BootConfig, BootFlashArea } from "@tandem/mcuboot";

import type { MemoCrypto } from "../memo-crypto.js";
import { TRUSTED_KEY } from "../releases.js";
import type { CutPoint } from "../session.js";
import { bootEvents } from "./boot-events.js";
import { isSplit } from "./compared-device.js";
import type { ComparedDevice, ComparedSession, HeldRelease } from "./compared-device.js";
import { NEW_VERSION, OLD_VERSION, makePlainRelease } from "./plain-release.js";
import type { PlainRelease } from "./plain-release.js";
import { supplyOf } from "./planned-cut.js";
import { storageKey } from "./storage-key.js";
import type { ComparedStory } from "./stories.js";

/** A device on which MCUboot reads and writes the flash of both images itself. */
export interface PlainRow {
  readonly mode: "scratch" | "move" | "offset";
  /** Each new image needs the other one at its own version (TLV 0x40). */
  readonly dependencies: boolean;
}

const SECTOR_BYTES = NRF5340_APP_FLASH.pageBytes;
/** An image takes three sectors; swapping takes one more, and the trailer one. */
const SLOT_BYTES = 6 * SECTOR_BYTES;
const MAX_IMG_SECTORS = 16;
/** Two slots per image, and the scratch area. */
const FLASH_BYTES = 4 * SLOT_BYTES + 2 * SECTOR_BYTES;
const PROFILE: NorProfile = { ...NRF5340_APP_FLASH, sizeBytes: FLASH_BYTES };
const CHUNK_BYTES = 4096;
const IMAGES = [0, 1] as const;

interface Bench {
  readonly row: PlainRow;
  readonly story: ComparedStory;
  readonly config: BootConfig;
  readonly crypto: MemoCrypto;
  readonly old: PlainRelease;
  readonly next: PlainRelease;
}

interface Kept {
  readonly storage: MemoryStorage;
  /** The client has had the answer to its last mark. */
  readonly isAsked: boolean;
}

/** Two cores that run from the two primary slots of one plain MCUboot, and a client. */
export function plainComparedDevice(
  row: PlainRow,
  story: ComparedStory,
  crypto: MemoCrypto,
): ComparedDevice {
  const { dependencies, mode } = row;
  const flaw = story.isRefused ? "image-hash" : "none";
  const bench: Bench = {
    row,
    story,
    crypto,
    config: { mode, maxImgSectors: MAX_IMG_SECTORS },
    old: makePlainRelease(crypto, { version: OLD_VERSION }),
    next: makePlainRelease(crypto, { version: NEW_VERSION, flaw, dependencies }),
  };
  const storage = new MemoryStorage();
  const device = new PlainDevice(bench, storage, { begin: () => null });
  device.images[0].primary.write(0, padded(bench.old.app));
  device.images[1].primary.write(0, padded(bench.old.net));
  return standing(bench, { storage, isAsked: false });
}

function standing(bench: Bench, kept: Kept): ComparedDevice {
  return {
    get key() {
      return `${storageKey(kept.storage, FLASH_BYTES / SECTOR_BYTES)}/${kept.isAsked}`;
    },
    runSession: (cut) => runSession(bench, kept, cut),
  };
}

function runSession(bench: Bench, kept: Kept, cut: CutPoint | null): ComparedSession {
  const operations: FlashOperation[] = [];
  const storage = kept.storage.fork();
  const device = new PlainDevice(bench, storage, supplyOf(cut, operations));
  device.isAsked = kept.isAsked;
  const end = device.run();
  return {
    operations,
    end,
    next: standing(bench, { storage, isAsked: device.isAsked }),
    isMixed: device.isMixed,
    cores: device.cores,
    events: device.events,
  };
}

interface ImageSlots {
  readonly primary: BootFlashArea;
  readonly secondary: BootFlashArea;
}

/** The device in one session. */
class PlainDevice {
  readonly images: readonly [ImageSlots, ImageSlots];
  readonly events: string[] = [];
  isMixed = false;
  isAsked = false;
  readonly #bench: Bench;
  readonly #scratch: BootFlashArea;

  constructor(bench: Bench, storage: MemoryStorage, power: Power) {
    this.#bench = bench;
    const chip = new NorChip({ name: "flash", profile: PROFILE, storage, power });
    const area = (offset: number, size: number): BootFlashArea =>
      bootFlashArea(flashArea(chip, offset, size), { device: "flash", offset });
    const slot = (index: number): BootFlashArea => area(index * SLOT_BYTES, SLOT_BYTES);
    this.images = [
      { primary: slot(0), secondary: slot(1) },
      { primary: slot(2), secondary: slot(3) },
    ];
    this.#scratch = area(4 * SLOT_BYTES, 2 * SECTOR_BYTES);
  }

  /** What the primary slots hold. */
  get cores(): ComparedSession["cores"] {
    return [this.#held(0), this.#held(1)];
  }

  run(): ComparedSession["end"] {
    try {
      return this.#boot() ? this.#runApplication() : "stopped";
    } catch (error) {
      if (error instanceof PowerLoss) return "power-lost";
      throw error;
    }
  }

  #boot(): boolean {
    const { config, crypto, row } = this.#bench;
    const result = bootGo({
      config,
      images: this.images,
      ...(row.mode === "scratch" ? { scratch: this.#scratch } : {}),
      crypto,
      keys: [TRUSTED_KEY],
    });
    this.events.push(...bootEvents(result));
    return result.kind === "boot";
  }

  #runApplication(): "reset" | "rest" {
    const { story } = this.#bench;
    const [app, net] = this.cores;
    this.isMixed = isSplit([app, net]);
    this.events.push(`the ${app ?? "unknown"} application runs beside ${net ?? "no"} network core`);
    if (app !== "new") return this.#ask();
    if (story.app.kind === "crashes") {
      this.events.push("it crashes");
      return "reset";
    }
    if (!this.#isOnTrial(0) && !this.#isOnTrial(1)) return "rest";
    const answers = net === "new" && story.net.kind === "boots";
    // Once it is confirmed itself, a reset would not bring anything back.
    if (!answers && !this.#isOnTrial(0)) return "rest";
    if (!answers) {
      this.events.push("its self-test fails: the network core does not answer as it should");
      return "reset";
    }
    for (const image of IMAGES) bootSetConfirmed(this.#bench.config, this.images[image].primary);
    this.events.push("it confirms both images");
    return "rest";
  }

  #ask(): "reset" | "rest" {
    if (this.isAsked) return "rest";
    const { config, next } = this.#bench;
    this.#upload(0, next.app);
    this.#upload(1, next.net);
    for (const image of IMAGES) bootSetPending(config, this.images[image].secondary, false, image);
    this.isAsked = true;
    this.events.push("the client has uploaded and marked images 0, 1");
    return "reset";
  }

  #isOnTrial(image: 0 | 1): boolean {
    const { magic, imageOk } = readSwapState(this.#bench.config, this.images[image].primary);
    return magic === "good" && imageOk !== "set";
  }

  /** The trailer is erased first, then page by page. */
  #upload(image: 0 | 1, bytes: Uint8Array): void {
    const { secondary } = this.images[image];
    const start = this.#bench.row.mode === "offset" ? SECTOR_BYTES : 0;
    secondary.erase(SLOT_BYTES - SECTOR_BYTES, SECTOR_BYTES);
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      secondary.erase(start + at, SECTOR_BYTES);
      secondary.write(start + at, padded(bytes.subarray(at, at + CHUNK_BYTES)));
    }
  }

  #held(image: 0 | 1): HeldRelease {
    const { crypto, old, next } = this.#bench;
    const verdict = verifyImage(this.images[image].primary, { crypto, keys: [TRUSTED_KEY] });
    if (!verdict.ok) return null;
    const hash = toHex(verdict.facts.hash);
    if (hash === old.hashes[image]) return "old";
    return hash === next.hashes[image] ? "new" : null;
  }
}

/** Whole words, as flash is written. */
function padded(bytes: Uint8Array): Uint8Array {
  const words = new Uint8Array(Math.ceil(bytes.length / 4) * 4).fill(0xff);
  words.set(bytes);
  return words;
}
