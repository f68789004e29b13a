// SPDX-License-Identifier: Apache-2.0
import type { MemoCrypto } from "../memo-crypto.js";
import type { ComparedDevice } from "./compared-device.js";
import { ncsComparedDevice } from "./ncs-device.js";
import type { NcsRow } from "./ncs-device.js";
import { plainComparedDevice } from "./plain-device.js";
import type { PlainRow } from "./plain-device.js";
import type { ComparedStory } from "./stories.js";
import { tandemComparedDevice } from "./tandem-device.js";
import type { TandemRow } from "./tandem-device.js";

/** One way to update both cores. */
export interface ComparedRow {
  readonly name: string;
  readonly title: string;
  /** What Tandem is compared with; the others are Tandem. */
  readonly isBaseline: boolean;
  /** The network core's image is installed by b0n. */
  readonly hasB0n: boolean;
  readonly make: (story: ComparedStory, crypto: MemoCrypto) => ComparedDevice;
}

/** All rows of the comparison, in its order. */
export const COMPARED_ROWS: readonly ComparedRow[] = [
  ncs("ncs-overwrite", "NCS v3.4.0, overwrite-only", {
    build: { sdk: "v3.4.0", mode: "overwrite" },
  }),
  ncs("ncs-overwrite-app-first", "NCS v3.4.0, overwrite-only, application marked first", {
    build: { sdk: "v3.4.0", mode: "overwrite" },
    order: [0, 1],
  }),
  ncs("ncs-overwrite-version", "NCS v3.4.0, overwrite-only, no downgrades of either core", {
    build: { sdk: "v3.4.0", mode: "overwrite", downgradePrevention: true, readsNetVersion: true },
  }),
  ncs("ncs-move", "NCS v3.4.0, swap using move", { build: { sdk: "v3.4.0", mode: "move" } }),
  ncs("ncs-move-documented", "NCS v3.4.0, swap using move, reverts as documented", {
    build: { sdk: "v3.4.0", mode: "move" },
    netOnRevert: "fills-with-ram",
  }),
  ncs("ncs-move-v3.2", "NCS v3.2.1, swap using move", { build: { sdk: "v3.2.1", mode: "move" } }),
  ...(["scratch", "move", "offset"] as const).flatMap((mode) => [
    plain(`mcuboot-${mode}`, `MCUboot, two images, swap using ${mode}`, {
      mode,
      dependencies: false,
    }),
    plain(`mcuboot-${mode}-deps`, `MCUboot, two images, swap using ${mode}, dependencies`, {
      mode,
      dependencies: true,
    }),
  ]),
  ncs("ncs-overwrite-store", "Tandem's store and service, NCS v3.4.0, overwrite-only", {
    build: { sdk: "v3.4.0", mode: "overwrite" },
    hasStore: true,
  }),
  ncs("ncs-move-store", "Tandem's store and service, NCS v3.4.0, swap using move", {
    build: { sdk: "v3.4.0", mode: "move" },
    hasStore: true,
  }),
  tandem("tandem-nand", "Tandem under its hook, NAND", { profile: "small", flash: "nand-1bit" }),
  tandem("tandem-nor", "Tandem under its hook, NOR", { profile: "small", flash: "nor" }),
];

function ncs(
  name: string,
  title: string,
  row: Pick<NcsRow, "build"> & Partial<NcsRow>,
): ComparedRow {
  const full = { order: [1, 0], hasStore: false, netOnRevert: "nothing", ...row } as const;
  const kind = { isBaseline: true, hasB0n: true };
  return { name, title, ...kind, make: (story, crypto) => ncsComparedDevice(full, story, crypto) };
}

function plain(name: string, title: string, row: PlainRow): ComparedRow {
  const kind = { isBaseline: true, hasB0n: false };
  return { name, title, ...kind, make: (story, crypto) => plainComparedDevice(row, story, crypto) };
}

function tandem(name: string, title: string, row: TandemRow): ComparedRow {
  const kind = { isBaseline: false, hasB0n: true };
  return {
    name,
    title,
    ...kind,
    make: (story, crypto) => tandemComparedDevice(row, story, crypto),
  };
}
