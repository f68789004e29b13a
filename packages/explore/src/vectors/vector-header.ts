// SPDX-License-Identifier: Apache-2.0
import { toHex } from "@tandem/base";

import type { BootSetting } from "./boot-run.js";

/** Version of the format: the first line of `boots.txt`. */
export const TITLE = "tandem-boot-vectors 1";

/** What all boots of a file have in common: chips, places, limits, and the key that is trusted. */
export function headerLines({
  geometry,
  slots,
  trust,
  eccStrengthBits,
}: BootSetting): readonly string[] {
  const { profile, flash, chip, limits, map } = geometry;
  const { pageBytes, pagesPerBlock, blockCount } = chip.shape;
  const { appFlash, netFlash, appSlot, netSlot, marker, pcdRamBytes } = map;
  return [
    `for ${profile} ${flash}`,
    `store ${pageBytes} ${pagesPerBlock} ${blockCount} ${eccStrengthBits}`,
    `limits ${limits.images} ${limits.banks} ${limits.extents} ${limits.badBlocks} ${limits.journalBlocks}`,
    `app-flash ${appFlash.pageBytes} ${appFlash.writeBytes} ${appFlash.sizeBytes}`,
    `app-slot ${appSlot.start} ${appSlot.sizeBytes}`,
    `marker ${marker.start} ${marker.sizeBytes}`,
    `net-flash ${netFlash.pageBytes} ${netFlash.writeBytes} ${netFlash.sizeBytes}`,
    `net-slot ${netSlot.start} ${netSlot.sizeBytes}`,
    `ram ${pcdRamBytes}`,
    ...slots.map(({ core, maxBytes, codeRange, fwInfoAddress, needsSecurityCounter }) =>
      [
        "image",
        core,
        maxBytes,
        codeRange?.start ?? -1,
        codeRange?.end ?? -1,
        fwInfoAddress ?? -1,
        needsSecurityCounter ? 1 : 0,
      ].join(" "),
    ),
    ...trust.keys.map(({ type, encoded }) => `key ${type} ${toHex(encoded)}`),
  ];
}
