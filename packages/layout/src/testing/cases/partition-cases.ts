// SPDX-License-Identifier: Apache-2.0
import { DT_PROJECT, PM_PROJECT } from "../base-projects.js";
import type { Changes, RuleCase } from "./rule-case.js";

const STATIC = "pm_static.yml";

function pm(
  rule: string,
  name: string,
  replacements: readonly (readonly [string, string])[],
  line: string,
): RuleCase {
  return { rule, name, base: PM_PROJECT, bad: { [STATIC]: replacements }, at: [STATIC, line] };
}

/** Both images in internal flash, without slots that share bytes. */
const INTERNAL: Changes = {
  [STATIC]: `mcuboot: {address: 0x0, size: 0x10000}
mcuboot_pad: {address: 0x10000, size: 0x200}
app: {address: 0x10200, size: 0x4fe00}
mcuboot_primary: {address: 0x10000, size: 0x50000, span: [mcuboot_pad, app]}
mcuboot_secondary: {address: 0x60000, size: 0x50000}
mcuboot_secondary_1: {address: 0xb0000, size: 0x40000}
settings_storage: {address: 0xf0000, size: 0x10000}
mcuboot_primary_1: {address: 0x0, size: 0x40000, region: ram_flash}
pcd_sram: {address: 0x20000000, size: 0x2000}
`,
};

/** Rules about partitions, whichever way they are written. */
export const PARTITION_CASES: readonly RuleCase[] = [
  pm(
    "layout/overlap",
    "settings on top of the end of the application",
    [
      [
        "settings_storage:\n  address: 0xf0000\n  size: 0x10000",
        "settings_storage:\n  address: 0xef000\n  size: 0x11000",
      ],
    ],
    "address: 0xef000",
  ),
  pm(
    "layout/overlap",
    "secondary slots on top of each other",
    [["address: 0xe0000\n  size: 0x40000", "address: 0xdf000\n  size: 0x40000"]],
    "address: 0xdf000",
  ),
  {
    rule: "layout/overlap",
    name: "slots that share bytes although both images come in one go",
    base: PM_PROJECT,
    bad: { [STATIC]: String(INTERNAL[STATIC]).replace("0xb0000, size", "0x60000, size") },
    at: [STATIC, "mcuboot_secondary_1: {address: 0x60000, size: 0x40000}"],
    fixed: INTERNAL,
  },
  pm(
    "layout/overlap",
    "the network core's command in the RAM of the application",
    [
      [
        "pcd_sram:",
        "sram_primary: {address: 0x20000000, size: 0x80000, region: sram_primary}\npcd_sram:",
      ],
    ],
    "address: 0x20000000",
  ),
  {
    rule: "layout/overlap",
    name: "partitions of a devicetree",
    base: DT_PROJECT,
    bad: {
      "app.overlay": [["reg = <0xe0000 DT_SIZE_K(256)>", "reg = <0xd0000 DT_SIZE_K(256)>"]],
      "sysbuild/mcuboot.overlay": [
        ["reg = <0xe0000 DT_SIZE_K(256)>", "reg = <0xd0000 DT_SIZE_K(256)>"],
      ],
    },
    at: ["app.overlay", "reg = <0xd0000 DT_SIZE_K(256)>;"],
  },
  pm(
    "layout/beyond-memory",
    "settings behind the end of the flash",
    [["address: 0xf0000\n  size: 0x10000", "address: 0xf0000\n  size: 0x11000"]],
    "size: 0x11000",
  ),
  pm(
    "layout/beyond-memory",
    "a command below the RAM",
    [["address: 0x20000000", "address: 0x1fffe000"]],
    "address: 0x1fffe000",
  ),
  {
    rule: "layout/beyond-memory",
    name: "a slot behind the end of a chip whose size the node tells",
    base: DT_PROJECT,
    bad: {
      "app.overlay": [["&mx25r64 {", "&mx25r64 {\n\tsize = <(DT_SIZE_M(1) * 8)>;"]],
    },
    at: ["app.overlay", "reg = <0xe0000 DT_SIZE_K(256)>;"],
    fixed: { "app.overlay": [["&mx25r64 {", "&mx25r64 {\n\tsize = <DT_SIZE_M(64)>;"]] },
  },
  {
    rule: "layout/beyond-memory",
    name: "a slot behind the end of the chip of regions.yml",
    base: {
      "build/regions.yml": "external_flash:\n  base_address: 0x0\n  size: 0x800000\n",
      "build/partitions.yml":
        "mcuboot_secondary:\n  address: 0x0\n  size: 0xe0000\n  region: external_flash\n",
    },
    bad: { "build/regions.yml": [["0x800000", "0x80000"]] },
    at: ["build/partitions.yml", "size: 0xe0000"],
  },
  pm(
    "layout/unaligned",
    "settings in the middle of a sector",
    [
      ["address: 0xf0000\n  size: 0x10000", "address: 0xf0000\n  size: 0xf800"],
      ["pcd_sram:", "EMPTY_0: {address: 0xff800, size: 0x800}\npcd_sram:"],
    ],
    "size: 0xf800",
  ),
  pm(
    "slot/size-mismatch",
    "a secondary slot that is smaller",
    [
      ["address: 0x0\n  size: 0xe0000\n  device", "address: 0x0\n  size: 0xc0000\n  device"],
      ["address: 0xe0000\n  size: 0x40000", "address: 0xc0000\n  size: 0x40000"],
    ],
    "size: 0xc0000",
  ),
  pm(
    "slot/size-mismatch",
    "a secondary slot of the network core that is larger",
    [["address: 0xe0000\n  size: 0x40000", "address: 0xe0000\n  size: 0x80000"]],
    "size: 0x80000",
  ),
  pm(
    "slot/size-mismatch",
    "a difference of one sector",
    [["address: 0xe0000\n  size: 0x40000", "address: 0xe0000\n  size: 0x41000"]],
    "size: 0x41000",
  ),
  {
    rule: "slot/unaligned",
    name: "a slot that begins in a sector",
    base: DT_PROJECT,
    bad: {
      "app.overlay": [["reg = <0xe0000 DT_SIZE_K(256)>", "reg = <0xe0800 DT_SIZE_K(256)>"]],
      "sysbuild/mcuboot.overlay": [
        ["reg = <0xe0000 DT_SIZE_K(256)>", "reg = <0xe0800 DT_SIZE_K(256)>"],
      ],
    },
    at: ["app.overlay", "reg = <0xe0800 DT_SIZE_K(256)>;"],
  },
  {
    rule: "slot/unaligned",
    name: "a slot that ends in a sector",
    base: PM_PROJECT,
    bad: {
      [STATIC]: String(INTERNAL[STATIC])
        .replaceAll("0x40000", "0x3f800")
        .replace("0xb0000", "0xb0800"),
    },
    at: [STATIC, "mcuboot_primary_1: {address: 0x0, size: 0x3f800, region: ram_flash}"],
    fixed: INTERNAL,
  },
  pm(
    "slot/network-primary",
    "a RAM slot in flash",
    [
      ["region: ram_flash", "region: flash_primary"],
      ["address: 0x0\n  size: 0x40000", "address: 0x100000\n  size: 0x40000"],
    ],
    "region: flash_primary",
  ),
  {
    rule: "slot/ram-flash-size",
    name: "a RAM slot that is larger than RAM flash",
    base: PM_PROJECT,
    bad: {
      "sysbuild/mcuboot/boards/nrf5340dk_nrf5340_cpuapp.overlay":
        "/ {\n\tsim {\n\t\tflash_sim0: flash_sim@0 {\n\t\t\treg = <0x0 DT_SIZE_K(224)>;\n\t\t};\n\t};\n};\n",
    },
    at: [STATIC, "size: 0x40000"],
    fixed: {
      "sysbuild/mcuboot/boards/nrf5340dk_nrf5340_cpuapp.overlay":
        "/ {\n\tsim {\n\t\tflash_sim0: flash_sim@0 {\n\t\t\treg = <0x0 DT_SIZE_K(256)>;\n\t\t};\n\t};\n};\n",
    },
  },
  {
    rule: "slot/ram-flash-size",
    name: "a RAM slot that is larger than the option says",
    base: PM_PROJECT,
    bad: { "sysbuild/mcuboot.conf": "CONFIG_NRF53_RAM_FLASH_SIZE=0x38000\n" },
    at: [STATIC, "size: 0x40000"],
    fixed: { "sysbuild/mcuboot.conf": "CONFIG_NRF53_RAM_FLASH_SIZE=0x40000\n" },
  },
  pm(
    "slot/without-pair",
    "a third secondary slot without a primary one",
    [
      [
        "pcd_sram:",
        "mcuboot_secondary_2:\n  address: 0x120000\n  size: 0x20000\n  region: external_flash\npcd_sram:",
      ],
    ],
    "mcuboot_secondary_2:",
  ),
  pm(
    "slot/without-pair",
    "a RAM slot without a secondary one",
    [["mcuboot_secondary_1:", "spare:"]],
    "mcuboot_primary_1:",
  ),
  {
    rule: "slot/sector-count",
    name: "a sector table of 128 for 224 sectors",
    base: PM_PROJECT,
    bad: { "sysbuild/mcuboot.conf": [["SECTORS=256", "SECTORS=128"]] },
    at: ["sysbuild/mcuboot.conf", "CONFIG_BOOT_MAX_IMG_SECTORS=128"],
  },
  {
    rule: "slot/write-block",
    name: "a chip that is written by 64 bytes",
    base: DT_PROJECT,
    bad: { "app.overlay": [["&mx25r64 {", "&mx25r64 {\n\twrite-block-size = <64>;"]] },
    at: ["app.overlay", "&mx25r64 {"],
    fixed: { "app.overlay": [["&mx25r64 {", "&mx25r64 {\n\twrite-block-size = <32>;"]] },
  },
  pm(
    "pm/duplicate-name",
    "a partition that is defined twice",
    [["pcd_sram:", "settings_storage: {address: 0xf0000, size: 0x10000}\npcd_sram:"]],
    "settings_storage: {address: 0xf0000, size: 0x10000}",
  ),
  pm(
    "pm/incomplete-entry",
    "a partition without size",
    [["pcd_sram:", "log: {address: 0x120000, region: external_flash}\npcd_sram:"]],
    "log: {address: 0x120000, region: external_flash}",
  ),
  pm(
    "pm/span-mismatch",
    "a slot that is longer than its image",
    [
      [
        "address: 0x10200\n  size: 0xdfe00\n  region: flash_primary\nmcuboot_primary_app",
        "address: 0x10200\n  size: 0xdee00\n  region: flash_primary\nmcuboot_primary_app",
      ],
    ],
    "size: 0xe0000",
  ),
  pm(
    "pm/span-mismatch",
    "a slot with a hole between pad and application",
    [
      [
        "address: 0x10200\n  size: 0xdfe00\n  region: flash_primary\nmcuboot_primary_app:\n  address: 0x10200\n  size: 0xdfe00",
        "address: 0x11000\n  size: 0xdf000\n  region: flash_primary\nmcuboot_primary_app:\n  address: 0x11000\n  size: 0xdf000",
      ],
    ],
    "mcuboot_primary:",
  ),
  pm(
    "pm/gaps",
    "a gap behind the settings",
    [["address: 0xf0000\n  size: 0x10000", "address: 0xf0000\n  size: 0xf000"]],
    "settings_storage:",
  ),
  pm(
    "pm/gaps",
    "a gap in front of a simple region",
    [
      ["region: ram_flash", "region: ram_flash # moved"],
      ["address: 0x0\n  size: 0x40000", "address: 0x1000\n  size: 0x3f000"],
      ["address: 0xe0000\n  size: 0x40000", "address: 0xe0000\n  size: 0x3f000"],
    ],
    "mcuboot_primary_1:",
  ),
  pm(
    "pm/pad-size",
    "a pad of 2 KiB",
    [
      ["address: 0x10000\n  size: 0x200", "address: 0x10000\n  size: 0x800"],
      [
        "app:\n  address: 0x10200\n  size: 0xdfe00\n  region: flash_primary\nmcuboot_primary_app:\n  address: 0x10200\n  size: 0xdfe00",
        "app:\n  address: 0x10800\n  size: 0xdf800\n  region: flash_primary\nmcuboot_primary_app:\n  address: 0x10800\n  size: 0xdf800",
      ],
    ],
    "size: 0x800",
  ),
  {
    rule: "pm/pad-size",
    name: "a pad that is not the one that sysbuild signs with",
    base: PM_PROJECT,
    bad: { "sysbuild.conf": `${PM_PROJECT["sysbuild.conf"]}SB_CONFIG_PM_MCUBOOT_PAD=0x400\n` },
    at: [STATIC, "size: 0x200"],
    fixed: { "sysbuild.conf": `${PM_PROJECT["sysbuild.conf"]}SB_CONFIG_PM_MCUBOOT_PAD=0x200\n` },
  },
  {
    rule: "pm/unused",
    name: "a static layout beside devicetree partitions",
    base: DT_PROJECT,
    bad: { [STATIC]: PM_PROJECT[STATIC] },
    at: [STATIC, "mcuboot:"],
  },
  {
    rule: "pm/deprecated",
    name: "Partition Manager in v3.4",
    base: PM_PROJECT,
    bad: {},
    at: [STATIC, "mcuboot:"],
    sdk: "v3.4.0",
    fixed: { [STATIC]: "", "sysbuild.conf": DT_PROJECT["sysbuild.conf"] },
  },
  pm(
    "pcd/not-fixed",
    "a network core slot without pcd_sram",
    [["pcd_sram:", "retained_sram:"]],
    "mcuboot_primary_1:",
  ),
  pm(
    "pcd/unaligned",
    "a command in the middle of an SPU region",
    [["address: 0x20000000", "address: 0x20001000"]],
    "address: 0x20001000",
  ),
  pm("pcd/unaligned", "a command of 1 KiB", [["size: 0x2000\n", "size: 0x400\n"]], "size: 0x400"),
  {
    rule: "boot/protection-unit",
    name: "an MCUboot that ends in the middle of an SPU block",
    base: DT_PROJECT,
    bad: {
      "app.overlay": [["reg = <0x0 DT_SIZE_K(64)>", "reg = <0x0 DT_SIZE_K(52)>"]],
      "sysbuild/mcuboot.overlay": [["reg = <0x0 DT_SIZE_K(64)>", "reg = <0x0 DT_SIZE_K(52)>"]],
    },
    at: ["app.overlay", "reg = <0x0 DT_SIZE_K(52)>;"],
  },
  {
    rule: "dt/mapped-partition",
    name: "a network core with fixed partitions",
    base: DT_PROJECT,
    bad: { "sysbuild/b0n.overlay": [["\t\tranges;\n", '\t\tcompatible = "fixed-partitions";\n']] },
    at: ["sysbuild/b0n.overlay", 'compatible = "fixed-partitions";'],
  },
  {
    rule: "dt/mapped-partition",
    name: "one partition of the network core that is not mapped",
    base: DT_PROJECT,
    bad: {
      "sysbuild/b0n.overlay": [
        ['@8800 {\n\t\t\tcompatible = "zephyr,mapped-partition";', "@8800 {"],
      ],
    },
    at: ["sysbuild/b0n.overlay", "s0_partition: partition@8800 {"],
  },
  {
    rule: "dt/merged-nodes",
    name: "two partitions with the same unit address",
    base: DT_PROJECT,
    bad: { "app.overlay": [["slot3_partition: partition@e0000", "slot3_partition: partition@0"]] },
    at: ["app.overlay", "slot3_partition: partition@0 {"],
  },
  {
    rule: "dt/slots-differ",
    name: "an MCUboot that sees another slot",
    base: DT_PROJECT,
    bad: {
      "sysbuild/mcuboot.overlay": [
        [
          "slot3_partition: partition@e0000 {\n\t\t\treg = <0xe0000",
          "slot3_partition: partition@100000 {\n\t\t\treg = <0x100000",
        ],
      ],
    },
    at: ["sysbuild/mcuboot.overlay", "reg = <0x100000 DT_SIZE_K(256)>;"],
  },
  {
    rule: "dt/code-partition",
    name: "an MCUboot that is linked for the application's slot",
    base: DT_PROJECT,
    bad: { "sysbuild/mcuboot.overlay": [["= &boot_partition", "= &slot0_partition"]] },
    at: ["sysbuild/mcuboot.overlay", "zephyr,code-partition = &slot0_partition;"],
  },
  {
    rule: "dt/automatic-sectors",
    name: "an external slot whose sectors are counted automatically",
    base: DT_PROJECT,
    bad: { "sysbuild/mcuboot.conf": "CONFIG_FPROTECT=y\nCONFIG_BOOT_MAX_IMG_SECTORS_AUTO=y\n" },
    at: ["sysbuild/mcuboot.conf", "CONFIG_BOOT_MAX_IMG_SECTORS_AUTO=y"],
  },
];
