// SPDX-License-Identifier: Apache-2.0
import { isErased } from "@tandem/base";
import { NorChip } from "@tandem/flash";
import type { MemoryStorage, NorProfile, PagedFlash, PageRead } from "@tandem/flash";

import type { DeviceState } from "../device-state.js";
import type { Geometry } from "../geometry.js";
import type { DeviceDump, DumpedPage } from "./boot-vector.js";

/** What the ports of a device read; pages that read differently from time to time read well. */
export function dumpDevice(geometry: Geometry, state: DeviceState): DeviceDump {
  const { map } = geometry;
  return {
    store: dumpStore(geometry, state.nand),
    app: dumpNor(map.appFlash, state.appFlash),
    net: dumpNor(map.netFlash, state.netFlash),
    counter: state.securityCounter,
  };
}

/** Blocks with a bad-block mark. */
export function badBlocksOf(geometry: Geometry, storage: MemoryStorage): readonly number[] {
  const flash = geometry.chip.make(storage, {});
  return Array.from({ length: flash.geometry.blockCount }, (_, block) => block).filter((block) =>
    flash.isMarkedBad(block),
  );
}

function dumpStore({ chip }: Geometry, storage: MemoryStorage): readonly DumpedPage[] {
  const flash: PagedFlash = chip.make(storage, {}, () => true);
  const { pagesPerBlock, blockCount } = flash.geometry;
  const pages: DumpedPage[] = [];
  for (let page = 0; page < pagesPerBlock * blockCount; page++) {
    if (storage.read(Math.floor(page / chip.pagesPerStoragePage)) === null) continue;
    const read = flash.readPage(page);
    const bits = bitsOf(read);
    if (bits !== 0 || !isErased(read.data)) pages.push({ page, bits, data: read.data });
  }
  return pages;
}

/** Bits as a dump has them. */
function bitsOf({ status, correctedBits }: PageRead): number {
  if (status === "uncorrectable") return -1;
  return status === "corrected" ? correctedBits : 0;
}

function dumpNor(profile: NorProfile, storage: MemoryStorage): readonly DumpedPage[] {
  const name = "flash";
  const chip = new NorChip({ name, profile, storage, unstableReadIsGood: () => true });
  const { pageBytes, sizeBytes } = profile;
  const pages: DumpedPage[] = [];
  for (let page = 0; page < sizeBytes / pageBytes; page++) {
    if (storage.read(page) === null) continue;
    const data = chip.read(page * pageBytes, pageBytes);
    if (!isErased(data)) pages.push({ page, bits: 0, data });
  }
  return pages;
}
