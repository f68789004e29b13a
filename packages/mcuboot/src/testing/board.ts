// SPDX-License-Identifier: Apache-2.0
import { concatBytes, createRandom, digestOf } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import {
  IMAGE_TLV_DEPENDENCY,
  IMAGE_TLV_SEC_CNT,
  IMAGE_TLV_SHA256,
  encodeDependency,
  encodeImage,
  parseVersion,
} from "@tandem/image";
import type { Tlv } from "@tandem/image";

import type { BootConfig } from "../boot-config.js";
import { bootGo } from "../boot-go.js";
import type { BootOptions } from "../boot-options.js";
import type { BootResult } from "../boot-result.js";
import { bootSetPending } from "../bootutil-public.js";
import { FlashOperations, SimpleFlash } from "../simple-flash.js";
import type { SimpleFlashSnapshot } from "../simple-flash.js";

/** An unsigned image with a SHA-256 TLV. */
export function testImage(options: {
  readonly version: string;
  readonly size: number;
  /** Needs another image at this version at least. */
  readonly needs?: { readonly image: number; readonly version: string };
  readonly counter?: number;
  readonly flags?: number;
  readonly loadAddress?: number;
  /** 32-bit words of the payload by their offset, little-endian. */
  readonly words?: ReadonlyMap<number, number>;
}): Uint8Array {
  const payload = new Uint8Array(options.size);
  const random = createRandom(options.size + options.version.charCodeAt(0));
  for (let i = 0; i < payload.length; i++) payload[i] = random.below(256);
  const view = new DataView(payload.buffer);
  for (const [offset, word] of options.words ?? []) view.setUint32(offset, word, true);
  const protectedTlvs: Tlv[] = [];
  if (options.needs !== undefined) {
    const { image, version } = options.needs;
    const value = encodeDependency({ imageIndex: image, minVersion: parseVersion(version) });
    protectedTlvs.push({ type: IMAGE_TLV_DEPENDENCY, value });
  }
  if (options.counter !== undefined) {
    const value = new Uint8Array(4);
    new DataView(value.buffer).setUint32(0, options.counter, true);
    protectedTlvs.push({ type: IMAGE_TLV_SEC_CNT, value });
  }
  const image = {
    header: {
      magic: 0x96f3b83d,
      loadAddress: options.loadAddress ?? 0,
      headerSize: 32,
      protectedTlvSize: 0,
      imageSize: 0,
      flags: options.flags ?? 0,
      version: parseVersion(options.version),
      pad: 0,
    },
    headerPadding: new Uint8Array(0),
    payload,
    protectedTlvs,
    tlvs: [],
    trailing: new Uint8Array(0),
  };
  const bare = encodeImage(image);
  const covered = bare.subarray(0, bare.length - 4);
  const hash = { type: IMAGE_TLV_SHA256, value: digestOf(nodeCrypto, covered) };
  return concatBytes(encodeImage({ ...image, tlvs: [hash] }));
}

/** What a {@link TestBoard} is made of. */
export interface BoardOptions {
  readonly config: BootConfig;
  readonly images?: number;
  readonly sectorSize?: number;
  readonly slotSectors?: number;
  readonly align?: number;
  readonly more?: Omit<Partial<BootOptions>, "config" | "images">;
}

/** One device with the slots of all images one after the other, then scratch. */
export class TestBoard {
  readonly operations: FlashOperations = new FlashOperations();
  readonly flash: SimpleFlash;
  readonly options: BootOptions;

  constructor(board: BoardOptions) {
    const { config, images = 1, sectorSize = 4096, slotSectors = 16, align = 4 } = board;
    const slotSize = slotSectors * sectorSize;
    this.flash = new SimpleFlash({
      name: "dev0",
      size: images * 2 * slotSize + sectorSize,
      sectorSize,
      align,
      operations: this.operations,
    });
    const isSingle = config.mode === "single";
    this.options = {
      config,
      images: Array.from({ length: images }, (_, i) => ({
        primary: this.flash.area(2 * i * slotSize, slotSize),
        ...(!isSingle && { secondary: this.flash.area((2 * i + 1) * slotSize, slotSize) }),
      })),
      ...(config.mode === "scratch" && {
        scratch: this.flash.area(images * 2 * slotSize, sectorSize),
      }),
      crypto: nodeCrypto,
      ...board.more,
    };
  }

  /** Programs an image into a slot, where an update tool puts it. */
  install(image: number, slot: "primary" | "secondary", bytes: Uint8Array): void {
    const area = this.options.images[image]?.[slot];
    if (area === undefined) return;
    const { mode } = this.options.config;
    const isOffset = mode === "offset" && slot === "secondary";
    const first = isOffset ? (area.sectors[0]?.size ?? 0) : 0;
    const align = this.flash.align;
    const padded = new Uint8Array(Math.ceil(bytes.length / align) * align).fill(0xff);
    padded.set(bytes);
    this.flash.program(area.offset + first, padded);
  }

  /** Asks for the secondary of an image to be installed. */
  pend(image: number, permanent = false): number {
    const area = this.options.images[image]?.secondary;
    if (area === undefined) return -1;
    return bootSetPending(this.options.config, area, permanent, image);
  }

  boot(cutBefore?: number): BootResult {
    this.operations.reset(cutBefore);
    return bootGo(this.options);
  }

  snapshot(): SimpleFlashSnapshot {
    return this.flash.snapshot();
  }

  restore(snapshot: SimpleFlashSnapshot): void {
    this.flash.restore(snapshot);
  }

  /** Major version in the primary of an image, as its header says. */
  running(image = 0): number {
    const area = this.options.images[image]?.primary;
    return area === undefined ? -1 : (area.read(20, 1)[0] ?? -1);
  }
}
