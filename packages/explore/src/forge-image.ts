// SPDX-License-Identifier: Apache-2.0
import { crc32c } from "@tandem/base";
import { decodeBlockSummary, encodeBlockSummary, lookUpBlock, planStore } from "@tandem/store";
import type { BankImage } from "@tandem/store";

import type { DeviceState } from "./device-state.js";
import type { World } from "./world.js";

/**
 * Writes other bytes over an image in the store, in both copies, with summaries that fit: what
 * somebody does who has the chip in hands, and not the key.
 */
export function forgeImage(
  world: World,
  { nand }: DeviceState,
  image: BankImage,
  bytes: Uint8Array,
): void {
  const flash = world.geometry.chip.make(nand, {});
  const plan = planStore(flash.geometry, world.geometry.limits);
  const { pageBytes, pagesPerBlock, dataPagesPerBlock } = plan;
  const pageCount = Math.ceil(bytes.length / pageBytes);
  for (const extents of image.copies) {
    for (let first = 0; first < pageCount; first += dataPagesPerBlock) {
      const block = lookUpBlock(extents, first / dataPagesPerBlock)?.block;
      if (block === undefined) continue;
      const count = Math.min(dataPagesPerBlock, pageCount - first);
      const header = flash.readPage(block * pagesPerBlock).data;
      const summary = decodeBlockSummary(
        flash.readPage(block * pagesPerBlock + 1 + count).data,
        plan,
      );
      if (summary === null) continue;
      const pages = Array.from({ length: count }, (_, index) => {
        const page = new Uint8Array(pageBytes).fill(0xff);
        page.set(bytes.subarray((first + index) * pageBytes, (first + index + 1) * pageBytes));
        return page;
      });
      const sealed = encodeBlockSummary(
        { ...summary, pageCrcs: pages.map((page) => crc32c(page)) },
        plan,
      );
      flash.eraseBlock(block);
      for (const [index, page] of [header, ...pages, sealed].entries()) {
        flash.programPage(block * pagesPerBlock + index, page);
      }
    }
  }
}
