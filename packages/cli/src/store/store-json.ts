// SPDX-License-Identifier: Apache-2.0
import { toHex } from "@tandem/base";

/** A value as JSON has it: bytes in hex, 64-bit numbers as decimal text. */
export function storeJson(value: unknown): string {
  return `${JSON.stringify(value, asJson, 2)}\n`;
}

function asJson(_key: string, item: unknown): unknown {
  if (item instanceof Uint8Array) return toHex(item);
  return typeof item === "bigint" ? item.toString() : item;
}
