// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from "node:fs";
import path from "node:path";

import { FormatError, UsageError } from "@tandem/base";
import type { PublicKey } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { loadPublicKey } from "@tandem/image/node";
import { FlashBoard } from "@tandem/mcuboot";
import type { BoardDevice, FlashBoardOptions } from "@tandem/mcuboot";
import { NETWORK_CORE_IMAGE } from "@tandem/twin";

import { parseBootSetup } from "./boot-setup.js";
import type { BootSetup } from "./boot-setup.js";
import { nrf5340Board } from "./nrf5340-hooks.js";

/** A dump that was named on the command line. */
export interface DumpArgument {
  readonly device: string;
  readonly file: string;
}

/** Parser for `--flash dev0=FILE`, which is repeated. */
export function collectDump(
  text: string,
  before: readonly DumpArgument[] = [],
): readonly DumpArgument[] {
  const at = text.indexOf("=");
  if (at <= 0 || at === text.length - 1) {
    throw new UsageError("cli/flash", `--flash ${text}: expected DEVICE=FILE`);
  }
  return [...before, { device: text.slice(0, at), file: text.slice(at + 1) }];
}

/**
 * Reads a configuration, its keys, and a dump for each of its devices.
 * @throws {FormatError} cli/mcuboot-config, cli/dump-size, and what keys are refused with
 * @throws {UsageError} cli/flash for a device without dump, or a dump without device
 */
export function loadBoard(configFile: string, dumps: readonly DumpArgument[]): FlashBoard {
  const setup = parseBootSetup(readFileSync(configFile, "utf8"), configFile);
  const files = filesOf(setup, dumps);
  const devices = Object.entries(setup.devices).map(([name, device]): BoardDevice => {
    const file = files.get(name);
    return { name, ...device, ...(file !== undefined && { bytes: readDump(file, device.size) }) };
  });
  return new FlashBoard(boardOptions(setup, devices, readKeys(setup)));
}

/** The board that a configuration describes. */
function boardOptions(
  setup: BootSetup,
  devices: readonly BoardDevice[],
  keys: readonly PublicKey[],
): FlashBoardOptions {
  const { build, images, scratch, securityCounters, hooks, sdk } = setup;
  const board: FlashBoardOptions = {
    config: build,
    devices,
    images,
    ...(scratch && { scratch }),
    crypto: nodeCrypto,
    keys,
    ...(securityCounters && { securityCounters }),
  };
  return hooks === "nrf5340" ? nrf5340Board(board, sdk) : board;
}

function filesOf(setup: BootSetup, dumps: readonly DumpArgument[]): ReadonlyMap<string, string> {
  const known = Object.keys(setup.devices);
  const files = new Map<string, string>();
  for (const { device, file } of dumps) {
    if (!known.includes(device)) {
      const message = `--flash ${device}=${file}: no such device in ${setup.file}, expected one of `;
      throw new UsageError("cli/flash", message + known.join(", "));
    }
    if (files.has(device)) {
      throw new UsageError(
        "cli/flash",
        `--flash ${device}=${file}: ${device} again, expected once`,
      );
    }
    files.set(device, file);
  }
  const missing = known.find((device) => !files.has(device) && device !== ramDevice(setup));
  if (missing === undefined) return files;
  throw new UsageError(
    "cli/flash",
    `no dump of ${missing}, expected --flash ${missing}=FILE as ${setup.file} has that device`,
  );
}

/** The device of the network core's primary slot, which is RAM and needs no dump. */
function ramDevice({ hooks, images }: BootSetup): string | null {
  return hooks === "nrf5340" ? (images[NETWORK_CORE_IMAGE]?.primary.device ?? null) : null;
}

/** The size is compared before anything is read. */
function readDump(file: string, size: number): Uint8Array {
  const found = statSync(file).size;
  if (found === size) return new Uint8Array(readFileSync(file));
  throw new FormatError(
    "cli/dump-size",
    `${file}: ${found} bytes, expected ${size} of the device`,
    {
      details: { file, found, expected: size },
    },
  );
}

/** Paths of keys count from the directory of the configuration. */
function readKeys({ file, keys }: BootSetup): PublicKey[] {
  return keys.map((key) => {
    const name = path.resolve(path.dirname(file), key);
    return loadPublicKey(readFileSync(name, "utf8"), { name });
  });
}
