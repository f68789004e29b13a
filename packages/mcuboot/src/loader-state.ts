// SPDX-License-Identifier: Apache-2.0
import { UsageError, digestOf, hex } from "@tandem/base";
import type { Crypto, HashAlgorithm, PublicKey } from "@tandem/base";
import { SIGNATURE_TLV } from "@tandem/image";
import type { ImageHeader } from "@tandem/image";

import { resolveBootConfig } from "./boot-config.js";
import type { ResolvedBootConfig } from "./boot-config.js";
import type { BootFlashArea } from "./boot-flash-area.js";
import type { BootOptions } from "./boot-options.js";
import type { BootReason, BootStep } from "./boot-result.js";
import type { BootHooks, SlotIndex } from "./hooks.js";
import type { SecurityCounterPort } from "./security-counter.js";
import { BOOT_SWAP_TYPE_NONE } from "./swap-types.js";
import { TrailerArea } from "./trailer.js";
import { trailerFormat } from "./trailer-format.js";
import type { TrailerFormat } from "./trailer-format.js";

/** Index of the slot that an image runs from. */
export const BOOT_SLOT_PRIMARY: SlotIndex = 0;
/** Index of the slot that an update comes to. */
export const BOOT_SLOT_SECONDARY: SlotIndex = 1;

/** What C finds in memory before it has read a header: zeros. */
const NO_HEADER: ImageHeader = {
  magic: 0,
  loadAddress: 0,
  headerSize: 0,
  protectedTlvSize: 0,
  imageSize: 0,
  flags: 0,
  version: { major: 0, minor: 0, revision: 0, build: 0 },
  pad: 0,
};

/** One slot: its area, its trailer, and the header that MCUboot has in memory for it. */
export interface LoaderSlot {
  readonly slot: SlotIndex;
  readonly area: BootFlashArea;
  readonly trailer: TrailerArea;
  header: ImageHeader;
  /** Swap using offset: size of the unprotected TLV area, read before the swap. */
  unprotectedTlvSize: number;
}

/** State of one image during a boot: its part of `struct boot_loader_state`. */
export interface LoaderImage {
  readonly index: number;
  readonly slots: readonly [LoaderSlot, LoaderSlot];
  /** `BOOT_SWAP_TYPE_…`. */
  swapType: number;
  /** `BOOT_WRITE_SZ`: unit of status writes; 0 until the sectors are known. */
  writeSize: number;
  /** Swap using offset: where in the secondary slot the image begins. */
  secondaryOffset: number;
  /** Swap using offset with bootstrap. */
  isSecondaryOffsetSet: boolean;
  /** What the trailers called for. */
  requested: number | null;
  resumed: number | null;
  decided: number;
}

/** `struct boot_loader_state`, with what the build of MCUboot fixes. */
export interface LoaderState {
  readonly config: ResolvedBootConfig;
  readonly format: TrailerFormat;
  readonly images: readonly LoaderImage[];
  readonly scratch: TrailerArea | null;
  readonly crypto: Crypto;
  readonly keys: readonly TrustedKey[];
  readonly securityCounter: SecurityCounterPort | null;
  readonly hooks: BootHooks;
  readonly steps: BootStep[];
  /** `BOOT_CURR_IMG`: the image that is being worked on. */
  current: number;
}

/** A key with what image validation compares. */
interface TrustedKey {
  readonly key: PublicKey;
  /** By the build's hash algorithm: the value of the key-hash TLV. */
  readonly hash: Uint8Array;
  readonly signatureTlv: number;
}

/**
 * A fresh state for one boot.
 * @throws {UsageError} mcuboot/config, mcuboot/unsupported-mode, mcuboot/slots
 */
export function createLoaderState(options: BootOptions): LoaderState {
  const config = resolveBootConfig(options.config);
  const format = trailerFormat(config);
  checkSlots(config, format, options);
  const scratch =
    options.scratch === undefined ? null : new TrailerArea(options.scratch, format, true);
  return {
    config,
    format,
    images: options.images.map(({ primary, secondary }, index) => ({
      index,
      // A single slot stands in for the secondary that its build never looks at.
      slots: [loaderSlot(0, primary, format), loaderSlot(1, secondary ?? primary, format)],
      swapType: BOOT_SWAP_TYPE_NONE,
      writeSize: 0,
      secondaryOffset: 0,
      isSecondaryOffsetSet: false,
      requested: null,
      resumed: null,
      decided: BOOT_SWAP_TYPE_NONE,
    })),
    scratch: config.mode === "scratch" ? scratch : null,
    crypto: options.crypto,
    keys: trustedKeys(options.crypto, options.keys ?? [], config.hash),
    securityCounter: options.securityCounter ?? null,
    hooks: options.hooks ?? {},
    steps: [],
    current: 0,
  };
}

/** Adds to the report. */
export function tell(state: LoaderState, image: number, source: string, reason: BootReason): void {
  state.steps.push({ image, source, ...reason });
}

function loaderSlot(slot: SlotIndex, area: BootFlashArea, format: TrailerFormat): LoaderSlot {
  return {
    slot,
    area,
    trailer: new TrailerArea(area, format),
    header: NO_HEADER,
    unprotectedTlvSize: 0,
  };
}

function trustedKeys(
  crypto: Crypto,
  keys: readonly PublicKey[],
  hash: HashAlgorithm,
): readonly TrustedKey[] {
  const trusted = keys.map((key) => ({
    key,
    hash: digestOf(crypto, key.encoded, hash),
    signatureTlv: SIGNATURE_TLV[key.type],
  }));
  if (new Set(trusted.map(({ signatureTlv }) => signatureTlv)).size > 1) {
    throw new UsageError(
      "mcuboot/config",
      `keys of types ${keys.map(({ type }) => type).join(", ")}, expected keys of one type`,
    );
  }
  return trusted;
}

function checkSlots(
  { mode, maxAlign }: ResolvedBootConfig,
  format: TrailerFormat,
  options: BootOptions,
): void {
  const { images, scratch } = options;
  const most = mode === "single" ? 1 : 4;
  if (images.length < 1 || images.length > most) {
    throw new UsageError(
      "mcuboot/slots",
      `${images.length} images in mode ${mode}, expected 1 to ${most}`,
    );
  }
  for (const [i, { secondary }] of images.entries()) {
    if ((secondary === undefined) === (mode === "single")) continue;
    const expected = mode === "single" ? "none in a single-slot build" : "one";
    const found = secondary === undefined ? "no secondary slot" : "a secondary slot";
    throw new UsageError("mcuboot/slots", `image ${i}: ${found}, expected ${expected}`);
  }
  if (mode === "scratch" && scratch === undefined) {
    throw new UsageError("mcuboot/slots", "no scratch area, expected one in mode scratch");
  }
  const areas = [scratch, ...images.flatMap((image) => [image.primary, image.secondary])];
  for (const area of areas) {
    if (area !== undefined) checkArea(area, maxAlign, format.infoSize);
  }
}

function checkArea(
  { device, offset, size, align }: BootFlashArea,
  maxAlign: number,
  leastSize: number,
): void {
  const where = `${device}, area at ${hex(offset)}`;
  if (![1, 2, 4, 8, 16, 32].includes(align) || align > maxAlign) {
    const expected = `1, 2, 4, 8, 16 or 32 up to ${maxAlign}`;
    throw new UsageError("mcuboot/slots", `${where}: align ${align}, expected ${expected}`);
  }
  if (size < leastSize) {
    const expected = `at least ${leastSize} for a trailer`;
    throw new UsageError("mcuboot/slots", `${where}: ${size} bytes, expected ${expected}`);
  }
}
