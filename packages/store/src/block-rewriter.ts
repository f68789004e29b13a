// SPDX-License-Identifier: Apache-2.0
import { crc32c } from "@tandem/base";
import type { PagedFlash } from "@tandem/flash";

import { dataPagesIn } from "./bank-reader.js";
import type { BlockPlace } from "./bank-writer.js";
import { allocateBlocks, replaceBlock, withBadBlock, withCopyMap } from "./block-map.js";
import type { AllocatedBlock } from "./block-map.js";
import { encodeBlockHeader, encodeBlockSummary } from "./data-block.js";
import type { StateRecord } from "./state-record.js";
import type { StorePlan } from "./store-plan.js";

/** What rewriting needs of the store around it. */
export interface RewriterHost {
  readonly flash: PagedFlash;
  readonly plan: StorePlan;
  record(): StateRecord;
  /** Makes a record the state, durable and proven. */
  commit(record: StateRecord): void;
}

/**
 * Writes a complete logical block of one copy to a fresh block. The old block stays in the map
 * until the new one is complete and its record proven, so a cut anywhere leaves one of them whole.
 * @param readPage data page by its index in the block
 * @throws {TransportError} store/no-space
 */
export function rewriteBlock(
  host: RewriterHost,
  place: BlockPlace,
  readPage: (index: number) => Uint8Array,
): void {
  for (;;) {
    const { blocks, record } = allocateBlocks(host.record(), 1, host.plan);
    // The sequence is used up before anything carries it: after a cut it must not be given again,
    // or what is left in this block could pass for another one.
    host.commit(record);
    const [target] = blocks;
    if (target === undefined) continue;
    const now = host.record();
    if (writeBlock(host, place, target, readPage)) {
      const extents = now.banks[place.bank]?.images[place.image]?.copies[place.copy] ?? [];
      const moved = replaceBlock(extents, place.logicalBlock, target);
      host.commit(withCopyMap(now, place, moved, host.plan));
      return;
    }
    host.commit({ ...now, badBlocks: withBadBlock(now.badBlocks, target.block) });
  }
}

function writeBlock(
  host: RewriterHost,
  place: BlockPlace,
  target: AllocatedBlock,
  readPage: (index: number) => Uint8Array,
): boolean {
  const { flash, plan } = host;
  const sizeBytes = host.record().banks[place.bank]?.images[place.image]?.sizeBytes ?? 0;
  const pages = dataPagesIn(sizeBytes, place.logicalBlock, plan);
  const identity = { ...place, sequence: target.sequence };
  const first = target.block * plan.pagesPerBlock;
  if (flash.eraseBlock(target.block) === "failed") return false;
  if (flash.programPage(first, encodeBlockHeader(identity, plan)) === "failed") return false;
  const pageCrcs: number[] = [];
  for (let index = 0; index < pages; index++) {
    const data = readPage(index);
    pageCrcs.push(crc32c(data));
    if (flash.programPage(first + 1 + index, data) === "failed") return false;
  }
  const start = place.logicalBlock * plan.dataBytesPerBlock;
  const lengthBytes = Math.min(plan.dataBytesPerBlock, sizeBytes - start);
  const summary = encodeBlockSummary({ identity, lengthBytes, pageCrcs }, plan);
  return flash.programPage(first + 1 + pages, summary) === "ok";
}
