// SPDX-License-Identifier: Apache-2.0
import { DT_PROJECT, NAND_PROJECT } from "../base-projects.js";
import type { RuleCase } from "./rule-case.js";

const OVERLAY = "app.overlay";

function nand(
  rule: string,
  name: string,
  replacements: readonly (readonly [string, string])[],
  line: string,
): RuleCase {
  return { rule, name, base: NAND_PROJECT, bad: { [OVERLAY]: replacements }, at: [OVERLAY, line] };
}

const SLOTS = NAND_PROJECT[OVERLAY].replace(
  "tandem_store: partition@0 {\n\t\t\t\treg = <0x0 DT_SIZE_M(64)>",
  "slot1_partition: partition@0 {\n\t\t\t\treg = <0x0 DT_SIZE_M(64)>",
);

/** Rules about NAND. */
export const NAND_CASES: readonly RuleCase[] = [
  nand(
    "nand/qspi",
    "a NAND chip below the QSPI peripheral",
    [["&spi4 {", "&qspi {"]],
    'compatible = "jedec,spi-nand";',
  ),
  {
    rule: "nand/qspi",
    name: "the driver for NOR on a chip with the id of a NAND",
    base: {
      [OVERLAY]:
        '&qspi {\n\tchip: chip@0 {\n\t\tcompatible = "nordic,qspi-nor";\n\t\tjedec-id = [c2 28 17];\n\t};\n};\n',
    },
    bad: { [OVERLAY]: [["c2 28 17", "ef aa 21"]] },
    at: [OVERLAY, "jedec-id = [ef aa 21];"],
  },
  {
    rule: "nand/qspi",
    name: "the driver for NOR on a chip with the name of a NAND",
    base: {
      [OVERLAY]:
        '&qspi {\n\tmx25r64: mx25r6435f@0 {\n\t\tcompatible = "nordic,qspi-nor";\n\t};\n};\n',
    },
    bad: { [OVERLAY]: [["mx25r64: mx25r6435f@0", "flash: mt29f1g01@0"]] },
    at: [OVERLAY, "flash: mt29f1g01@0 {"],
  },
  {
    rule: "nand/slot",
    name: "a secondary slot on NAND",
    base: NAND_PROJECT,
    bad: { [OVERLAY]: SLOTS },
    at: [OVERLAY, "slot1_partition: partition@0 {"],
  },
  {
    rule: "nand/slot",
    name: "a secondary slot on a device that Partition Manager knows by the name of a NAND",
    base: {
      "pm_static.yml":
        "mcuboot_secondary: {address: 0x0, size: 0xe0000, device: MX25R64, region: external_flash}\n",
    },
    bad: { "pm_static.yml": [["MX25R64", "W25N01GV"]] },
    at: [
      "pm_static.yml",
      "mcuboot_secondary: {address: 0x0, size: 0xe0000, device: W25N01GV, region: external_flash}",
    ],
  },
  {
    rule: "slot/write-block",
    name: "a slot with pages of 2 KiB",
    base: NAND_PROJECT,
    bad: { [OVERLAY]: SLOTS },
    at: [OVERLAY, "w25n01gv: w25n01gv@0 {"],
  },
  nand(
    "nand/erase-blocks",
    "a partition that ends in the middle of a block",
    [["reg = <0x0 DT_SIZE_M(64)>", "reg = <0x0 (DT_SIZE_M(64) - 0x10000)>"]],
    "reg = <0x0 (DT_SIZE_M(64) - 0x10000)>;",
  ),
  nand(
    "nand/erase-blocks",
    "a partition that begins in the middle of a block",
    [
      [
        "partition@4000000 {\n\t\t\t\treg = <0x4000000 DT_SIZE_M(64)>",
        "partition@4010000 {\n\t\t\t\treg = <0x4010000 DT_SIZE_M(32)>",
      ],
    ],
    "reg = <0x4010000 DT_SIZE_M(32)>;",
  ),
  nand(
    "nand/no-reserve",
    "a store without blocks for bad ones",
    [["reg = <0x0 DT_SIZE_M(64)>", "reg = <0x0 DT_SIZE_M(4)>"]],
    "reg = <0x0 DT_SIZE_M(4)>;",
  ),
  {
    rule: "nand/no-reserve",
    name: "a slot that needs all its blocks",
    base: NAND_PROJECT,
    bad: {
      [OVERLAY]: `${SLOTS.replace("reg = <0x0 DT_SIZE_M(64)>", "reg = <0x0 DT_SIZE_K(896)>")}&flash0 {\n\tpartitions {\n\t\tslot0_partition: partition@10000 {\n\t\t\treg = <0x10000 DT_SIZE_K(896)>;\n\t\t};\n\t};\n};\n`,
    },
    at: [OVERLAY, "reg = <0x0 DT_SIZE_K(896)>;"],
  },
  nand(
    "layout/beyond-memory",
    "a partition behind the end of the NAND",
    [["reg = <0x4000000 DT_SIZE_M(64)>", "reg = <0x4000000 DT_SIZE_M(128)>"]],
    "reg = <0x4000000 DT_SIZE_M(128)>;",
  ),
  {
    rule: "nand/needs-mapping",
    name: "a pure signature with an external slot",
    base: DT_PROJECT,
    bad: {
      "sysbuild/mcuboot.conf": `${DT_PROJECT["sysbuild/mcuboot.conf"]}CONFIG_BOOT_SIGNATURE_TYPE_PURE=y\n`,
    },
    at: ["sysbuild/mcuboot.conf", "CONFIG_BOOT_SIGNATURE_TYPE_PURE=y"],
  },
  {
    rule: "nand/needs-mapping",
    name: "hashing on storage with an external slot",
    base: DT_PROJECT,
    bad: {
      "sysbuild/mcuboot.conf": `${DT_PROJECT["sysbuild/mcuboot.conf"]}CONFIG_BOOT_IMG_HASH_DIRECTLY_ON_STORAGE=y\n`,
    },
    at: ["sysbuild/mcuboot.conf", "CONFIG_BOOT_IMG_HASH_DIRECTLY_ON_STORAGE=y"],
  },
  nand(
    "nand/no-scrub",
    "a file system on NAND",
    [["spare_partition:", "littlefs_partition:"]],
    "littlefs_partition: partition@4000000 {",
  ),
  nand(
    "nand/no-scrub",
    "a disk on NAND",
    [["&spi4 {", '/ {\n\tdisk {\n\t\tcompatible = "zephyr,ftl-dhara";\n\t};\n};\n&spi4 {']],
    'compatible = "zephyr,ftl-dhara";',
  ),
];
