// SPDX-License-Identifier: Apache-2.0
import { UsageError, createRandom, digestOf } from "@tandem/base";
import type { Crypto } from "@tandem/base";
import {
  IMAGE_HEADER_SIZE,
  IMAGE_TLV_DEPENDENCY,
  IMAGE_TLV_SHA256,
  TLV_INFO_LAYOUT,
  IMAGE_MAGIC,
  encodeDependency,
  encodeImage,
} from "@tandem/image";
import type { Tlv } from "@tandem/image";

import { bootSetPending } from "../bootutil-public.js";
import { FlashBoard } from "../flash-board.js";
import type { BoardArea } from "../flash-board.js";
import { checkSweepOptions } from "./sweep-options.js";
import type { SweepOptions } from "./sweep-options.js";

const DEVICE = "flash";
/** CONFIG_BOOT_MAX_IMG_SECTORS of Zephyr, which sizes the swap status. */
const MAX_IMG_SECTORS = 128;

/** Major versions of the release that is replaced and of the one that replaces it. */
export const OLD_RELEASE = 1;
export const NEW_RELEASE = 2;

/**
 * A device right before the boot that is swept: v1 in the primary slots, v2 in the secondary ones,
 * marked; for a revert, that update installed and not confirmed.
 * @throws {UsageError} mcuboot/sweep-options when options contradict each other, or the images do
 * not fit the slots
 */
export function createSweepBoard(options: SweepOptions, crypto: Crypto): FlashBoard {
  checkSweepOptions(options);
  const board = emptyBoard(options, crypto);
  for (let image = 0; image < options.images; image++) provision(board, options, image, crypto);
  checkFits(board, options);
  const { pending } = options;
  const marked = pending === "first-only" ? 1 : options.images;
  for (let image = 0; image < marked; image++) mark(board, image, pending === "permanent");
  if (options.from === "revert") board.boot();
  return board;
}

function emptyBoard(options: SweepOptions, crypto: Crypto): FlashBoard {
  const { mode, images, slotSize, sectorSize, align } = options;
  const slot = (index: number): BoardArea => ({
    device: DEVICE,
    offset: index * slotSize,
    size: slotSize,
  });
  const slots = 2 * images;
  return new FlashBoard({
    config: {
      mode,
      maxAlign: Math.max(8, align),
      maxImgSectors: Math.max(MAX_IMG_SECTORS, slotSize / sectorSize),
      validatePrimary: true,
    },
    devices: [
      { name: DEVICE, size: slots * slotSize + sectorSize, sectorSize, align, erasedValue: 0xff },
    ],
    images: Array.from({ length: images }, (_, i) => ({
      primary: slot(2 * i),
      secondary: slot(2 * i + 1),
    })),
    ...(mode === "scratch" && {
      scratch: { device: DEVICE, offset: slots * slotSize, size: sectorSize },
    }),
    crypto,
  });
}

function provision(board: FlashBoard, options: SweepOptions, image: number, crypto: Crypto): void {
  const { mode, slotSize, sectorSize, align } = options;
  for (const release of [OLD_RELEASE, NEW_RELEASE]) {
    const bytes = sweepImage(options, image, release, crypto);
    const isSecondary = release === NEW_RELEASE;
    const offset = isSecondary && mode === "offset" ? sectorSize : 0;
    if (offset + bytes.length > slotSize) throw tooLarge(options, slotSize - offset);
    const padded = new Uint8Array(Math.ceil(bytes.length / align) * align).fill(0xff);
    padded.set(bytes);
    const slot = 2 * image + (isSecondary ? 1 : 0);
    board.devices.get(DEVICE)?.program(slot * slotSize + offset, padded);
  }
}

/** An image with a hash and no signature; equal options give equal bytes. */
function sweepImage(
  options: SweepOptions,
  image: number,
  release: number,
  crypto: Crypto,
): Uint8Array {
  const others = [0, 1].filter((other) => other !== image && other < options.images);
  const hasDeps = options.deps === "mutual" && release === NEW_RELEASE;
  const version = { major: release, minor: 0, revision: 0, build: 0 };
  const protectedTlvs: readonly Tlv[] = (hasDeps ? others : []).map((imageIndex) => ({
    type: IMAGE_TLV_DEPENDENCY,
    value: encodeDependency({ imageIndex, minVersion: version }),
  }));
  const parts = {
    header: {
      magic: IMAGE_MAGIC,
      loadAddress: 0,
      headerSize: IMAGE_HEADER_SIZE,
      protectedTlvSize: 0,
      imageSize: options.size,
      flags: 0,
      version,
      pad: 0,
    },
    headerPadding: new Uint8Array(0),
    payload: createRandom(payloadSeed(image, release)).bytes(options.size),
    protectedTlvs,
    trailing: new Uint8Array(0),
  };
  // The hash covers everything before the unprotected area, of which only the info is there yet.
  const covered = encodeImage({ ...parts, tlvs: [] }).subarray(0, -TLV_INFO_LAYOUT.size);
  const hash = { type: IMAGE_TLV_SHA256, value: digestOf(crypto, covered) };
  return encodeImage({ ...parts, tlvs: [hash] });
}

/** Of the images of packages/mcuboot/vectors/sweep-k64f.json. */
function payloadSeed(image: number, release: number): number {
  return 16 + 2 * image + release - OLD_RELEASE;
}

function mark(board: FlashBoard, image: number, isPermanent: boolean): void {
  const { config, images } = board.bootOptions;
  const secondary = images[image]?.secondary;
  if (secondary !== undefined) bootSetPending(config, secondary, isPermanent, image);
}

/** Images that MCUboot would refuse for their size make no sweep. */
function checkFits(board: FlashBoard, options: SweepOptions): void {
  const trial = board.fork();
  for (let image = 0; image < options.images; image++) {
    mark(trial, image, true);
  }
  const { steps } = trial.boot();
  const refused = steps.find(
    ({ reason }) => reason === "image-invalid" || reason === "no-room" || reason === "assertion",
  );
  if (refused === undefined) return;
  if (refused.reason === "image-invalid" && refused.expected !== undefined) {
    throw tooLarge(options, refused.expected);
  }
  throw tooLarge(options, options.slotSize);
}

function tooLarge({ size, mode }: SweepOptions, room: number): UsageError {
  return new UsageError(
    "mcuboot/sweep-options",
    `--size ${size}: the image does not fit its slot, expected room for it with header and TLVs ` +
      `in ${room} bytes in mode ${mode}`,
  );
}
