// SPDX-License-Identifier: Apache-2.0
import { crc32c, createRandom } from "@tandem/base";
import type { Crypto } from "@tandem/base";
import {
  VALIDATION_INFO_LAYOUT,
  appendValidationInfo,
  encodeFwInfo,
  parseVersion,
} from "@tandem/image";

import { DEFAULT_HEADER_SIZE } from "./build-release.js";
import { NRF5340_APP as APP, NRF5340_NET as NET, firmwareStart } from "./layout.js";
import type { CoreLayout } from "./layout.js";

/** Firmware made up for demonstrations and tests. */
export interface GeneratedPayloads {
  readonly app: Uint8Array;
  readonly net: Uint8Array;
}

const APP_BYTES = 280 * 1024;
const NET_BYTES = 173 * 1024;
const FW_INFO_OFFSET = 0x200;
/** Vectors of a Cortex-M33 core with the nRF5340's 69 interrupts. */
const VECTORS = 16 + 69;
/** End of RAM of each core: where the stack begins. */
const STACK_TOP: Readonly<Record<string, number>> = { app: 0x2008_0000, net: 0x2101_0000 };

/**
 * Firmware that is linked for the nRF5340 as {@link NRF5340_LAYOUT} divides it, with vector
 * tables, the network core's fw_info and validation info, and random bytes for code. The same for
 * the same seed and versions.
 * @param options.version of the release; another version gives other bytes
 * @param options.netVersion fw_info's counter; made of the version when left out
 * @param options.appBytes default 280 KiB
 * @param options.netBytes default 173 KiB, validation info included; rounded down to words
 */
export function generatePayloads(
  seed: number,
  options: {
    readonly version: string;
    readonly crypto: Crypto;
    readonly netVersion?: number;
    readonly appBytes?: number;
    readonly netBytes?: number;
  },
): GeneratedPayloads {
  const { version, crypto } = options;
  const app = generateCode(seed, version, APP, options.appBytes ?? APP_BYTES);
  const netTotal = (options.netBytes ?? NET_BYTES) & ~3;
  const net = generateCode(seed, version, NET, netTotal - VALIDATION_INFO_LAYOUT.size);
  const address = NET.slot.start;
  const netVersion = options.netVersion ?? firmwareVersion(version);
  net.set(encodeFwInfo({ size: net.length, version: netVersion, address }), FW_INFO_OFFSET);
  return { app, net: appendValidationInfo(net, address, crypto) };
}

/** One number of a version, as imgtool makes security counters: major, minor, revision. */
function firmwareVersion(version: string): number {
  const { major, minor, revision } = parseVersion(version);
  return ((major << 24) | (minor << 16) | revision) >>> 0;
}

function generateCode(seed: number, version: string, core: CoreLayout, length: number): Uint8Array {
  const name = new TextEncoder().encode(`${core.core} ${version}`);
  const random = createRandom((seed ^ crc32c(name)) >>> 0);
  const code = random.bytes(length);
  const view = new DataView(code.buffer);
  const start = firmwareStart(core, DEFAULT_HEADER_SIZE);
  const firstCode = FW_INFO_OFFSET * 2;
  view.setUint32(0, STACK_TOP[core.core] ?? 0, true);
  for (let i = 1; i < VECTORS; i++) {
    const handler = firstCode + 2 * random.below((length - firstCode) / 2);
    view.setUint32(4 * i, start + handler + 1, true);
  }
  return code;
}
