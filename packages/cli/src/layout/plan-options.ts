// SPDX-License-Identifier: Apache-2.0
import { InvalidArgumentError } from "commander";

import { UsageError } from "@tandem/base";
import { MX25R6435F, NAND_PROFILES } from "@tandem/flash";
import type { StoreChip } from "@tandem/layout";

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 * 1024 };

/** Parser for `280K`, `1M`, `0xe0000`, `650000`: bytes. */
export function parseSize(text: string): number {
  const match = /^(0x[0-9a-fA-F]+|\d+(?:\.\d+)?)([KM]?)(?:i?B)?$/.exec(text);
  const bytes = Number(match?.[1]) * (UNITS[match?.[2] ?? ""] ?? 1);
  if (match !== null && Number.isSafeInteger(bytes) && bytes > 0 && bytes <= 2 ** 32) return bytes;
  throw new InvalidArgumentError("expected a size such as 280K, 1M or 0xe0000.");
}

/** Parser for `50%` or `50`. */
export function parsePercent(text: string): number {
  const percent = Number(/^(\d{1,4})%?$/.exec(text)?.[1]);
  if (Number.isInteger(percent)) return percent;
  throw new InvalidArgumentError("expected a percentage such as 50%.");
}

/** Parser for `internal=1M`: the flash of the application core. */
export function parseInternalFlash(text: string): number {
  const match = /^internal=(.+)$/.exec(text);
  if (match?.[1] === undefined) throw new InvalidArgumentError("expected internal=1M.");
  return parseSize(match[1]);
}

/** The chip of `--nand W25N01GV` or `--nor MX25R64=8M`. */
export function storeChip(options: { readonly nand?: string; readonly nor?: string }): StoreChip {
  if (options.nor !== undefined) {
    const [name = "", size] = options.nor.split("=");
    const sizeBytes = size === undefined ? MX25R6435F.sizeBytes : parseSize(size);
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
      throw new UsageError(
        "layout/unknown-chip",
        `NOR ${name}, expected a node label such as MX25R64=8M`,
      );
    }
    // Serial NOR differ little in what a plan asks of them: sectors of 4 KiB, blocks of 64.
    return { kind: "nor", name, profile: { ...MX25R6435F, sizeBytes } };
  }
  const profile = NAND_PROFILES.find(({ name }) => name === options.nand);
  if (profile !== undefined) return { kind: "nand", name: profile.name, profile };
  const known = NAND_PROFILES.map(({ name }) => name).join(", ");
  throw new UsageError(
    "layout/unknown-chip",
    `NAND ${options.nand ?? "none"}, expected one of ${known}`,
  );
}
