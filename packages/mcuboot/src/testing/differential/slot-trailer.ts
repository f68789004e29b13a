// SPDX-License-Identifier: Apache-2.0
import { fromHex } from "@tandem/base";

import { maxAlignOf } from "./scenario.js";
import type { Scenario } from "./scenario.js";

export const BOOT_FLAG_SET = 1;
export const BOOT_SWAP_TYPE_TEST = 2;
export const BOOT_SWAP_TYPE_PERM = 3;

/** BOOT_STATUS_MAX_ENTRIES of the builds, but for `few-sectors`. */
const STATUS_ENTRIES = 128;
/** MCUBOOT_MAX_IMG_SECTORS of the build `few-sectors`. */
const FEW_STATUS_ENTRIES = 14;

/** Where the fields of a trailer are, from the start of the slot or scratch area, bytes. */
export interface TrailerOffsets {
  readonly magic: number;
  readonly imageOk: number;
  readonly copyDone: number;
  readonly swapInfo: number;
  readonly swapSize: number;
  /** First byte of the swap status. */
  readonly status: number;
}

/**
 * Trailer of an area of `size` bytes, written down here a second time so that a mistake in what is
 * tested cannot hide.
 * @see MCUboot, docs/design.md, "Image trailer"
 */
export function trailerOffsets(
  scenario: Scenario,
  size: number,
  kind: "slot" | "scratch",
): TrailerOffsets {
  const maxAlign = maxAlignOf(scenario);
  const magic = size - 16;
  const imageOk = Math.floor((magic - maxAlign) / maxAlign) * maxAlign;
  const swapInfo = imageOk - 2 * maxAlign;
  const swapSize = swapInfo - (scenario.mode === "offset" ? 2 : 1) * maxAlign;
  const states = scenario.mode === "offset" ? 2 : 3;
  const most = scenario.variant === "few-sectors" ? FEW_STATUS_ENTRIES : STATUS_ENTRIES;
  const entries = kind === "scratch" ? 1 : most;
  const status = swapSize - entries * states * writeSize(scenario);
  return { magic, imageOk, copyDone: imageOk - maxAlign, swapInfo, swapSize, status };
}

/** BOOT_WRITE_SZ: distance of the status bytes. */
export function writeSize({ align, secondaryAlign }: Scenario): number {
  return Math.max(align, secondaryAlign);
}

/** `boot_img_magic` of the build. */
export function bootMagic(scenario: Scenario): Uint8Array {
  const maxAlign = maxAlignOf(scenario);
  if (maxAlign === 8) return fromHex("77c295f360d2ef7f3552500f2cb67980");
  return Uint8Array.from([maxAlign, 0, ...fromHex("2de15d29410b8d77679c110f1f8a")]);
}
