// SPDX-License-Identifier: Apache-2.0
import { createRandom, digestOf, fromHex } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { PowerLoss } from "@tandem/flash";
import { parseImage, encodeImage, parseVersion, signImage } from "@tandem/image";
import type { ImageDependency, Tlv } from "@tandem/image";
import { signerFromSeed } from "@tandem/image/node";
import { FlashBoard, bootSetConfirmed, bootSetPending } from "@tandem/mcuboot";
import type { BoardArea, BootConfig, SlotName } from "@tandem/mcuboot";

import { nrf5340Board } from "../../mcuboot/nrf5340-hooks.js";

export const SECTOR_SIZE = 4096;
export const SLOT_SIZE = 0x10000;
const IMAGE_BYTES = 20_000;
const HEADER_SIZE = 512;
const ALIGN = 4;
const GEOMETRY = { sectorSize: SECTOR_SIZE, align: ALIGN, erasedValue: 0xff } as const;

/** The key that the bootloader trusts, and one that it does not. */
const TRUSTED = signerFromSeed(new Uint8Array(32).fill(1));
const STRANGER = signerFromSeed(new Uint8Array(32).fill(2));

/** SubjectPublicKeyInfo of the key that the bootloader trusts. */
export const TRUSTED_KEY: Uint8Array = TRUSTED.publicKey.encoded;

/** Of builds with BOOT_MAX_ALIGN 8. */
const MAGIC = [...fromHex("77c295f360d2ef7f3552500f2cb67980")];

/** What is special about an image; all else is as imgtool makes it. */
export interface ImageWish {
  readonly version: string;
  /** Payload bytes, of noise. */
  readonly size?: number;
  readonly payload?: Uint8Array;
  readonly signedBy?: "trusted" | "stranger";
  readonly dependencies?: readonly { readonly image: number; readonly atLeast: string }[];
  readonly securityCounter?: number;
  readonly flags?: number;
  readonly loadAddress?: number;
  /** Outside the protected area. */
  readonly extraTlvs?: readonly Tlv[];
}

/** A signed image; equal wishes give equal bytes. */
export function makeImage(wish: ImageWish): Uint8Array {
  const { version, signedBy = "trusted", extraTlvs = [] } = wish;
  const signed = signImage({
    payload: wish.payload ?? noise(version, wish.size ?? IMAGE_BYTES),
    version: parseVersion(version),
    headerSize: HEADER_SIZE,
    signer: signedBy === "trusted" ? TRUSTED : STRANGER,
    crypto: nodeCrypto,
    dependencies: (wish.dependencies ?? []).map(({ image, atLeast }): ImageDependency => ({
      imageIndex: image,
      minVersion: parseVersion(atLeast),
    })),
    ...(wish.securityCounter !== undefined && { securityCounter: wish.securityCounter }),
    ...(wish.flags !== undefined && { flags: wish.flags }),
    ...(wish.loadAddress !== undefined && { loadAddress: wish.loadAddress }),
  });
  if (extraTlvs.length === 0) return signed;
  const image = parseImage(signed);
  return encodeImage({ ...image, tlvs: [...image.tlvs, ...extraTlvs] });
}

function noise(version: string, size: number): Uint8Array {
  const seed = digestOf(nodeCrypto, new TextEncoder().encode(version))[0] ?? 0;
  return createRandom(seed).bytes(size);
}

/** The layout of a dump; slots of 64 KiB on one device unless told otherwise. */
export interface BoardWish extends BootConfig {
  readonly imageCount?: number;
  readonly securityCounters?: readonly number[];
  /** Bytes. */
  readonly primarySize?: number;
  readonly secondarySize?: number;
  readonly scratchSize?: number;
  readonly keys?: "none" | "trusted";
  /** NCS's hooks: image 1 belongs to the network core, its primary slot is the device `ram`. */
  readonly isNrf5340?: boolean;
}

/** Flash of a device, built step by step as programmers, applications and power cuts leave it. */
export class DumpBuilder {
  readonly board: FlashBoard;
  readonly #config: BootConfig;

  constructor(wish: BoardWish) {
    const {
      imageCount = 1,
      securityCounters,
      primarySize,
      secondarySize,
      scratchSize,
      ...rest
    } = wish;
    const { keys = "trusted", isNrf5340 = false, ...build } = rest;
    const sizes = [primarySize ?? SLOT_SIZE, secondarySize ?? SLOT_SIZE] as const;
    let offset = 0;
    const take = (size: number): BoardArea => {
      const area = { device: "flash", offset, size };
      offset += size;
      return area;
    };
    const ram = { device: "ram", offset: 0, size: sizes[0] };
    const images = Array.from({ length: imageCount }, (_, i) => {
      const primary = isNrf5340 && i === 1 ? ram : take(sizes[0]);
      return build.mode === "single" ? { primary } : { primary, secondary: take(sizes[1]) };
    });
    const scratch = build.mode === "scratch" ? take(scratchSize ?? SECTOR_SIZE) : undefined;
    const board = {
      config: build,
      devices: [
        { name: "flash", size: offset, ...GEOMETRY },
        ...(isNrf5340 ? [{ name: "ram", size: ram.size, ...GEOMETRY }] : []),
      ],
      images,
      ...(scratch && { scratch }),
      crypto: nodeCrypto,
      keys: keys === "none" ? [] : [TRUSTED.publicKey],
      ...(securityCounters && { securityCounters }),
    };
    this.board = new FlashBoard(isNrf5340 ? nrf5340Board(board) : board);
    this.#config = this.board.bootOptions.config;
  }

  /** Writes bytes to a slot, from `offset` on; by default where the mode expects an image. */
  write(image: number, slot: SlotName, bytes: Uint8Array, offset = this.#imageOffset(slot)): this {
    const padded = new Uint8Array(Math.ceil(bytes.length / ALIGN) * ALIGN).fill(0xff);
    padded.set(bytes);
    const area = this.#area(image, slot);
    this.board.devices.get("flash")?.program(area.offset + offset, padded);
    return this;
  }

  /** An image in a slot. */
  image(image: number, slot: SlotName, wish: ImageWish | string): this {
    return this.write(image, slot, makeImage(typeof wish === "string" ? { version: wish } : wish));
  }

  /** 1.0.0 in the primary slot of every image. */
  old(): this {
    for (const i of this.board.bootOptions.images.keys()) this.image(i, "primary", "1.0.0");
    return this;
  }

  /** 2.0.0 in the secondary slot of every image, marked as told. */
  update(how: "test" | "permanent" | "unmarked" = "test", wish: Partial<ImageWish> = {}): this {
    for (const i of this.board.bootOptions.images.keys()) {
      this.image(i, "secondary", { version: "2.0.0", ...wish });
      if (how !== "unmarked") this.mark(i, how);
    }
    return this;
  }

  /** What an application does to have its update installed. */
  mark(image: number, how: "test" | "permanent" = "test"): this {
    bootSetPending(this.#config, this.#area(image, "secondary"), how === "permanent", image);
    return this;
  }

  /** What an application does to stay. */
  confirm(image: number): this {
    bootSetConfirmed(this.#config, this.#area(image, "primary"));
    return this;
  }

  /** What imgtool --pad puts behind an image. */
  pad(image: number, slot: SlotName): this {
    return this.patch(image, slot, -MAGIC.length, MAGIC);
  }

  /** Boots, to the end or to the cut before operation `cut`. */
  boot(cut?: number): this {
    try {
      this.board.boot(cut);
    } catch (error) {
      if (!(error instanceof PowerLoss)) throw error;
    }
    return this;
  }

  /** Sets bytes, from `offset` on, counted from the end of the slot when negative. */
  patch(image: number, slot: SlotName, offset: number, bytes: readonly number[]): this {
    const area = this.#area(image, slot);
    const at = area.offset + (offset < 0 ? area.size + offset : offset);
    const flash = this.board.devices.get("flash");
    flash?.bytes.set(bytes, at);
    flash?.touched();
    return this;
  }

  /** Erased bytes. */
  blank(image: number, slot: SlotName, offset = 0, length = SLOT_SIZE - offset): this {
    return this.patch(
      image,
      slot,
      offset,
      Array.from({ length }, () => 0xff),
    );
  }

  #area(image: number, slot: SlotName) {
    const area = this.board.bootOptions.images[image]?.[slot];
    if (area === undefined) throw new RangeError(`image ${image} has no ${slot} slot`);
    return area;
  }

  #imageOffset(slot: SlotName): number {
    return this.#config.mode === "offset" && slot === "secondary" ? SECTOR_SIZE : 0;
  }
}
