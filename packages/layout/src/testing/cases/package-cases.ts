// SPDX-License-Identifier: Apache-2.0
import { fromHex } from "@tandem/base";
import {
  IMAGE_MAGIC,
  IMAGE_TLV_DEPENDENCY,
  IMAGE_TLV_KEYHASH,
  encodeDependency,
  encodeImage,
  parseVersion,
} from "@tandem/image";
import { writeDfuZip } from "@tandem/release";

import { PM_PROJECT } from "../base-projects.js";
import type { RuleCase } from "./rule-case.js";

const ZIP = "dfu_application.zip";
const NO_LINE = "";

/** MCUboot's published RSA-2048 key, and one of nobody. */
const PUBLISHED = fromHex("fc5701dc6135e1323847bdc40f04d2e5bee5833b23c29f93593d00018cfa9994");
const OWN = new Uint8Array(32).fill(0x11);

interface CaseImage {
  readonly index: number;
  readonly payloadBytes?: number;
  readonly resetVector?: number;
  readonly version?: string;
  readonly headerBytes?: number;
  readonly keyHash?: Uint8Array;
  readonly dependsOn?: readonly [image: number, version: string];
}

function imageOf(image: CaseImage): Uint8Array {
  const isApp = image.index === 0;
  const payload = new Uint8Array(image.payloadBytes ?? 4096);
  const vectors = new DataView(payload.buffer);
  vectors.setUint32(0, isApp ? 0x2000_1000 : 0x2100_1000, true);
  vectors.setUint32(4, image.resetVector ?? (isApp ? 0x1_0401 : 0x0100_8a01), true);
  const headerSize = image.headerBytes ?? 0x200;
  const dependency = image.dependsOn && {
    imageIndex: image.dependsOn[0],
    minVersion: parseVersion(image.dependsOn[1]),
  };
  return encodeImage({
    header: {
      magic: IMAGE_MAGIC,
      loadAddress: 0,
      headerSize,
      protectedTlvSize: 0,
      imageSize: payload.length,
      flags: 0,
      version: parseVersion(image.version ?? "1.2.0"),
      pad: 0,
    },
    headerPadding: new Uint8Array(headerSize - 32).fill(0xff),
    payload,
    protectedTlvs: dependency
      ? [{ type: IMAGE_TLV_DEPENDENCY, value: encodeDependency(dependency) }]
      : [],
    tlvs: [{ type: IMAGE_TLV_KEYHASH, value: image.keyHash ?? OWN }],
    trailing: new Uint8Array(0),
  });
}

function packageOf(...images: readonly CaseImage[]): Uint8Array {
  return writeDfuZip(
    images.map((image) => ({
      file: image.index === 0 ? "app.signed.bin" : "ipc_radio.bin",
      imageIndex: image.index,
      bytes: imageOf(image),
      board: "nrf5340dk",
      soc: "nRF5340_CPUAPP_QKAA",
      loadAddress: 0x10200,
      version: { key: "version", text: image.version ?? "1.2.0" },
    })),
    { name: "app", time: 0 },
  );
}

const GOOD = { ...PM_PROJECT, [ZIP]: packageOf({ index: 0 }, { index: 1 }) };

function pack(
  rule: string,
  name: string,
  images: readonly CaseImage[],
  rest: Partial<RuleCase> = {},
): RuleCase {
  return {
    rule,
    name,
    base: GOOD,
    bad: { [ZIP]: packageOf(...images) },
    at: [ZIP, NO_LINE],
    ...rest,
  };
}

/** Rules about the images of an update package. */
export const PACKAGE_CASES: readonly RuleCase[] = [
  pack("image/too-large", "an application that is larger than its slot", [
    { index: 0, payloadBytes: 0xe0000 },
    { index: 1 },
  ]),
  pack("image/too-large", "a network core image that is larger than RAM flash", [
    { index: 0 },
    { index: 1, payloadBytes: 0x40000 },
  ]),
  {
    rule: "image/too-large",
    name: "firmware that is larger than the network core's partition",
    base: {
      "build/partitions_CPUNET.yml": "app: {address: 0x01008800, size: 0x37800}\n",
      [`build/${ZIP}`]: packageOf({ index: 0 }, { index: 1 }),
    },
    bad: { [`build/${ZIP}`]: packageOf({ index: 0 }, { index: 1, payloadBytes: 0x38000 }) },
    at: [`build/${ZIP}`, NO_LINE],
  },
  pack("image/impossible-dependency", "a dependency on an image that is not in the package", [
    { index: 0, dependsOn: [1, "1.0.0"] },
  ]),
  pack("image/impossible-dependency", "a dependency on a version that the package does not have", [
    { index: 0, dependsOn: [1, "2.0.0"] },
    { index: 1 },
  ]),
  pack("image/impossible-dependency", "a dependency that holds in one update only", [
    { index: 0, dependsOn: [1, "1.0.0"] },
    { index: 1 },
  ]),
  pack("image/impossible-dependency", "a dependency of an image on itself", [
    { index: 0, dependsOn: [0, "1.0.0"] },
    { index: 1 },
  ]),
  pack("image/header-size", "a header of 2 KiB", [{ index: 0, headerBytes: 0x800 }, { index: 1 }]),
  pack("image/wrong-core", "network core firmware as image 0", [
    { index: 0, resetVector: 0x0100_8a01 },
    { index: 1 },
  ]),
  pack("image/wrong-core", "application firmware as image 1", [
    { index: 0 },
    { index: 1, resetVector: 0x1_0401 },
  ]),
  pack("image/network-version", "a network core image without version", [
    { index: 0 },
    { index: 1, version: "0.0.0" },
  ]),
  pack("keys/published", "an image that is signed with MCUboot's key", [
    { index: 0, keyHash: PUBLISHED },
    { index: 1 },
  ]),
  {
    rule: "image/swap-room",
    name: "an image that leaves no room for the swap",
    base: {
      "build/partitions.yml": "mcuboot_primary: {address: 0x10000, size: 0x20000}\n",
      "build/mcuboot/zephyr/.config": "CONFIG_MCUBOOT=y\nCONFIG_BOOT_SWAP_USING_MOVE=y\n",
      [`build/${ZIP}`]: packageOf({ index: 0, payloadBytes: 0x1e800 }),
    },
    bad: { [`build/${ZIP}`]: packageOf({ index: 0, payloadBytes: 0x1f000 }) },
    at: [`build/${ZIP}`, NO_LINE],
    sdk: "v2.9.2",
  },
];
