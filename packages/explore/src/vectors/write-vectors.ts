// SPDX-License-Identifier: Apache-2.0
import { bytesEqual, digestOf, toHex } from "@tandem/base";
import type { Crypto } from "@tandem/base";

import type { BootSetting } from "./boot-run.js";
import { DUMPED } from "./boot-vector.js";
import type { BootAction, BootVector, DumpedPage } from "./boot-vector.js";
import { BytePool } from "./byte-pool.js";
import { TITLE, headerLines } from "./vector-header.js";

/** The two files of a set of vectors. */
export interface VectorFiles {
  /** `boots.txt`: lines of words. */
  readonly text: string;
  /** `pages.bin`: the bytes that they refer to. */
  readonly pages: Uint8Array;
}

/** Writes vectors of one kind of device; equal vectors give equal files. */
export function writeVectors(
  setting: BootSetting,
  vectors: readonly BootVector[],
  crypto: Crypto,
): VectorFiles {
  const pool = new BytePool(crypto);
  const boots = vectors.flatMap((vector, number) => bootLines(vector, number, pool));
  const pages = pool.content;
  const lines = [
    TITLE,
    ...headerLines(setting),
    `pages ${pages.length} ${toHex(digestOf(crypto, pages))}`,
    `boots ${vectors.length}`,
    ...boots,
  ];
  return { text: `${lines.join("\n")}\n`, pages };
}

function bootLines(vector: BootVector, number: number, pool: BytePool): readonly string[] {
  const { name, resetReason, isWatchdogRunning, before, after, badBlocks } = vector;
  const entry = `${resetReason} ${isWatchdogRunning ? 1 : 0} ${before.counter}`;
  return [
    `boot ${number} ${entry} ${name.join(" ")}`,
    ...badBlocks.map((block) => `bad ${block}`),
    ...DUMPED.flatMap((device) =>
      before[device].map((page) => `in ${device} ${pageWords(page, pool)}`),
    ),
    ...vector.actions.map((action) => `do ${actionWords(action, pool)}`),
    `end ${vector.decision} ${after.counter}`,
    ...DUMPED.flatMap((device) =>
      changesOf(before[device], after[device]).map(
        ({ page, now }) => `out ${device} ${now === null ? `${page} 0 -1` : pageWords(now, pool)}`,
      ),
    ),
  ];
}

function pageWords({ page, bits, data }: DumpedPage, pool: BytePool): string {
  return `${page} ${bits} ${pool.offsetOf(data)}`;
}

function actionWords(action: BootAction, pool: BytePool): string {
  switch (action.kind) {
    case "store-erase":
      return `${action.kind} ${action.block}`;
    case "store-program":
      return `${action.kind} ${action.page} ${pool.offsetOf(action.data)}`;
    case "app-erase":
      return `${action.kind} ${action.address}`;
    case "app-write":
      return `${action.kind} ${action.address} ${pool.offsetOf(action.data)} ${action.data.length}`;
    case "net-version":
      return `${action.kind} ${action.answer ?? -1}`;
    case "net-copy":
      return `${action.kind} ${pool.offsetOf(action.data)} ${action.data.length} ${action.answer}`;
    case "counter-raise":
      return `${action.kind} ${action.value}`;
    case "net-off":
    case "pcd-clear":
    case "seal":
    case "watchdog-start":
    case "watchdog-feed":
      return action.kind;
    default:
      return action satisfies never;
  }
}

/** Pages that are not as they were; null: blank now. */
function changesOf(
  before: readonly DumpedPage[],
  after: readonly DumpedPage[],
): readonly { readonly page: number; readonly now: DumpedPage | null }[] {
  const old = new Map(before.map((page) => [page.page, page]));
  const now = new Map(after.map((page) => [page.page, page]));
  const numbers = [...new Set([...old.keys(), ...now.keys()])].toSorted((a, b) => a - b);
  return numbers.flatMap((page) => {
    const [was, is] = [old.get(page), now.get(page)];
    const isSame =
      was !== undefined &&
      is !== undefined &&
      was.bits === is.bits &&
      bytesEqual(was.data, is.data);
    return isSame ? [] : [{ page, now: is ?? null }];
  });
}
