// SPDX-License-Identifier: Apache-2.0
import { PM_PROJECT } from "../base-projects.js";
import type { RuleCase } from "./rule-case.js";

const SYSBUILD = "sysbuild.conf";
const MCUBOOT = "sysbuild/mcuboot.conf";

/** A line more in a file of the base project. */
function line(
  rule: string,
  name: string,
  file: keyof typeof PM_PROJECT,
  added: string,
  rest: Partial<RuleCase> = {},
): RuleCase {
  const [first = ""] = added.split("\n");
  const bad = { [file]: `${PM_PROJECT[file]}${added}\n` };
  return { rule, name, base: PM_PROJECT, bad, at: [file, first], ...rest };
}

/** Rules about options. */
export const OPTION_CASES: readonly RuleCase[] = [
  {
    rule: "update/multi-image-with-swap",
    name: "a swap mode with the update of both cores",
    base: PM_PROJECT,
    bad: { [SYSBUILD]: [["MODE_OVERWRITE_ONLY=y", "MODE_OVERWRITE_ONLY=n"]] },
    at: [SYSBUILD, "SB_CONFIG_MCUBOOT_MODE_OVERWRITE_ONLY=n"],
  },
  {
    rule: "update/multi-image-with-swap",
    name: "the default mode, which swaps",
    base: PM_PROJECT,
    bad: { [SYSBUILD]: [["SB_CONFIG_MCUBOOT_MODE_OVERWRITE_ONLY=y\n", ""]] },
    at: [SYSBUILD, "SB_CONFIG_MCUBOOT_NRF53_MULTI_IMAGE_UPDATE=y"],
  },
  {
    rule: "update/multi-image-with-swap",
    name: "a multi-image update that another option selects",
    base: PM_PROJECT,
    bad: {
      [SYSBUILD]: [
        ["MCUBOOT_NRF53_MULTI_IMAGE_UPDATE=y", "PM_EXTERNAL_FLASH_MCUBOOT_SECONDARY=y"],
        ["MODE_OVERWRITE_ONLY=y", "MODE_SWAP_USING_MOVE=y"],
      ],
    },
    at: [SYSBUILD, "SB_CONFIG_MCUBOOT_MODE_SWAP_USING_MOVE=y"],
  },
  {
    rule: "update/multi-image-with-swap",
    name: "MCUboot's own switch for the dangerous combination",
    base: {
      "child_image/mcuboot.conf":
        "CONFIG_NRF53_MULTI_IMAGE_UPDATE=y\nCONFIG_FLASH_SIMULATOR=y\nCONFIG_FLASH_SIMULATOR_DOUBLE_WRITES=y\nCONFIG_BOOT_UPGRADE_ONLY=y\n",
    },
    bad: {
      "child_image/mcuboot.conf": [
        ["CONFIG_BOOT_UPGRADE_ONLY=y", "CONFIG_USE_NRF53_MULTI_IMAGE_WITHOUT_UPGRADE_ONLY=y"],
      ],
    },
    at: ["child_image/mcuboot.conf", "CONFIG_USE_NRF53_MULTI_IMAGE_WITHOUT_UPGRADE_ONLY=y"],
  },
  {
    rule: "update/external-without-multi-image",
    name: "an external slot and updates one by one",
    base: PM_PROJECT,
    bad: { [SYSBUILD]: [["MULTI_IMAGE_UPDATE=y", "MULTI_IMAGE_UPDATE=n"]] },
    at: [SYSBUILD, "SB_CONFIG_MCUBOOT_NRF53_MULTI_IMAGE_UPDATE=n"],
  },
  {
    rule: "update/external-without-multi-image",
    name: "an external slot without a word about it",
    base: PM_PROJECT,
    bad: { [SYSBUILD]: [["SB_CONFIG_MCUBOOT_NRF53_MULTI_IMAGE_UPDATE=y\n", ""]] },
    at: [SYSBUILD, "SB_CONFIG_NETCORE_APP_UPDATE=y"],
  },
  {
    rule: "update/no-revert",
    name: "that nothing can be reverted",
    base: PM_PROJECT,
    bad: {},
    at: [SYSBUILD, "SB_CONFIG_MCUBOOT_MODE_OVERWRITE_ONLY=y"],
    fixed: { "pm_static.yml": "", [SYSBUILD]: [["MULTI_IMAGE_UPDATE=y", "MULTI_IMAGE_UPDATE=n"]] },
  },
  line(
    "boot/mode-contradiction",
    "an MCUboot that wants to swap",
    MCUBOOT,
    "CONFIG_BOOT_SWAP_USING_SCRATCH=y",
  ),
  {
    rule: "boot/mode-contradiction",
    name: "an MCUboot that wants to overwrite",
    base: {
      [SYSBUILD]: "SB_CONFIG_BOOTLOADER_MCUBOOT=y\nSB_CONFIG_MCUBOOT_MODE_SWAP_USING_MOVE=y\n",
      [MCUBOOT]: "",
    },
    bad: { [MCUBOOT]: "CONFIG_BOOT_UPGRADE_ONLY=y\n" },
    at: [MCUBOOT, "CONFIG_BOOT_UPGRADE_ONLY=y"],
  },
  line(
    "boot/mode-contradiction",
    "an application that believes in swap",
    "prj.conf",
    "CONFIG_MCUBOOT_BOOTLOADER_MODE_OVERWRITE_ONLY=n",
  ),
  line("boot/two-modes", "two modes at once", SYSBUILD, "SB_CONFIG_MCUBOOT_MODE_DIRECT_XIP=y"),
  {
    rule: "config/unmet-dependency",
    name: "network core updates without b0n",
    base: PM_PROJECT,
    bad: { [SYSBUILD]: [["SECURE_BOOT_NETCORE=y", "SECURE_BOOT_NETCORE=n"]] },
    at: [SYSBUILD, "SB_CONFIG_NETCORE_APP_UPDATE=y"],
  },
  {
    rule: "config/unmet-dependency",
    name: "a multi-image update without network core updates",
    base: PM_PROJECT,
    bad: { [SYSBUILD]: [["SB_CONFIG_NETCORE_APP_UPDATE=y\n", ""]] },
    at: [SYSBUILD, "SB_CONFIG_MCUBOOT_NRF53_MULTI_IMAGE_UPDATE=y"],
  },
  line(
    "config/unmet-dependency",
    "manifest updates, which the nRF5340 cannot do",
    SYSBUILD,
    "SB_CONFIG_MCUBOOT_MANIFEST_UPDATES=y",
  ),
  line(
    "config/unmet-dependency",
    "pure signatures, which the nRF5340 cannot do",
    SYSBUILD,
    "SB_CONFIG_BOOT_SIGNATURE_TYPE_PURE=y",
  ),
  line(
    "config/unmet-dependency",
    "recovery beside the multi-image update",
    MCUBOOT,
    "CONFIG_NRF53_RECOVERY_NETWORK_CORE=y\nCONFIG_NRF53_MULTI_IMAGE_UPDATE=y",
  ),
  line(
    "config/wrong-file",
    "a sysbuild option in prj.conf",
    "prj.conf",
    "SB_CONFIG_NETCORE_APP_UPDATE=y",
  ),
  line("config/wrong-file", "an image's option in sysbuild.conf", SYSBUILD, "CONFIG_BT=y"),
  line("config/malformed-line", "spaces around the equals sign", "prj.conf", "CONFIG_NVS = y"),
  line(
    "config/malformed-line",
    "a comment behind a number",
    "prj.conf",
    "CONFIG_MAIN_STACK_SIZE=4096 # for TLS",
  ),
  line(
    "config/malformed-line",
    "a string without quotes",
    SYSBUILD,
    "SB_CONFIG_BOOT_ENCRYPTION_KEY_FILE=/keys/enc.pem",
  ),
  {
    rule: "boot/secure-ram",
    name: "a board with TF-M",
    base: {
      ...PM_PROJECT,
      "boards/nrf5340dk_nrf5340_cpuapp_ns.conf": "CONFIG_BT=y\n",
      [SYSBUILD]: `${PM_PROJECT[SYSBUILD]}SB_CONFIG_MCUBOOT_USE_ALL_AVAILABLE_RAM=y\n`,
    },
    bad: { [SYSBUILD]: [["SB_CONFIG_MCUBOOT_USE_ALL_AVAILABLE_RAM=y\n", ""]] },
    at: [SYSBUILD, "SB_CONFIG_MCUBOOT_NRF53_MULTI_IMAGE_UPDATE=y"],
  },
  {
    rule: "boot/fprotect-off",
    name: "an MCUboot that does not lock the command",
    base: PM_PROJECT,
    bad: { [MCUBOOT]: [["CONFIG_FPROTECT=y", "CONFIG_FPROTECT=n"]] },
    at: [MCUBOOT, "CONFIG_FPROTECT=n"],
  },
  {
    rule: "boot/fprotect-off",
    name: "the same written as a comment",
    base: PM_PROJECT,
    bad: { [MCUBOOT]: [["CONFIG_FPROTECT=y", "# CONFIG_FPROTECT is not set"]] },
    at: [MCUBOOT, "# CONFIG_FPROTECT is not set"],
  },
  {
    rule: "pcd/differs",
    name: "a b0n that looks elsewhere",
    base: {
      ...PM_PROJECT,
      [MCUBOOT]: "CONFIG_PCD_CMD_ADDRESS=0x20000000\n",
      "sysbuild/b0n.conf": "CONFIG_PCD_CMD_ADDRESS=0x20000000\n",
    },
    bad: { "sysbuild/b0n.conf": "CONFIG_PCD_CMD_ADDRESS=0x2007e000\n" },
    at: ["sysbuild/b0n.conf", "CONFIG_PCD_CMD_ADDRESS=0x2007e000"],
  },
  {
    rule: "keys/published",
    name: "MCUboot's key in sysbuild.conf",
    base: PM_PROJECT,
    bad: { [SYSBUILD]: [["/keys/product.pem", "${ZEPHYR_MCUBOOT_MODULE_DIR}/root-ec-p256.pem"]] },
    at: [
      SYSBUILD,
      'SB_CONFIG_BOOT_SIGNATURE_KEY_FILE="${ZEPHYR_MCUBOOT_MODULE_DIR}/root-ec-p256.pem"',
    ],
  },
  line(
    "keys/published",
    "MCUboot's key in MCUboot's configuration",
    MCUBOOT,
    'CONFIG_BOOT_SIGNATURE_KEY_FILE="root-rsa-2048.pem"',
    { release: true },
  ),
  {
    rule: "keys/default",
    name: "no key in a release",
    base: PM_PROJECT,
    bad: { [SYSBUILD]: [['SB_CONFIG_BOOT_SIGNATURE_KEY_FILE="/keys/product.pem"\n', ""]] },
    at: [SYSBUILD, "SB_CONFIG_BOOTLOADER_MCUBOOT=y"],
    release: true,
  },
  line("keys/default", "NSIB without a key", SYSBUILD, "SB_CONFIG_SECURE_BOOT_APPCORE=y", {
    release: true,
  }),
  line("keys/none", "images without signature", SYSBUILD, "SB_CONFIG_BOOT_SIGNATURE_TYPE_NONE=y"),
  {
    rule: "version/network-reader",
    name: "a version that b0n does not tell",
    base: { ...PM_PROJECT, "sysbuild/b0n.conf": "CONFIG_PCD_READ_NETCORE_APP_VERSION=n\n" },
    bad: { [MCUBOOT]: "CONFIG_PCD_READ_NETCORE_APP_VERSION=y\n" },
    at: [MCUBOOT, "CONFIG_PCD_READ_NETCORE_APP_VERSION=y"],
  },
  {
    rule: "version/network-downgrade",
    name: "a comparison that an interrupted update does not survive",
    base: { ...PM_PROJECT, "sysbuild/b0n.conf": "CONFIG_PCD_READ_NETCORE_APP_VERSION=y\n" },
    bad: {
      [MCUBOOT]: "CONFIG_MCUBOOT_DOWNGRADE_PREVENTION=y\nCONFIG_PCD_READ_NETCORE_APP_VERSION=y\n",
    },
    at: [MCUBOOT, "CONFIG_PCD_READ_NETCORE_APP_VERSION=y"],
    fixed: { [MCUBOOT]: "CONFIG_MCUBOOT_DOWNGRADE_PREVENTION=y\n", "sysbuild/b0n.conf": "" },
  },
  {
    rule: "version/network-default",
    name: "a network core that stays at version 1",
    base: PM_PROJECT,
    bad: { "sysbuild/ipc_radio.conf": "CONFIG_BT=y\n" },
    at: [SYSBUILD, "SB_CONFIG_NETCORE_APP_UPDATE=y"],
  },
  {
    rule: "image/impossible-dependency",
    name: "imgtool arguments that make the application depend on image 1",
    base: PM_PROJECT,
    bad: { "prj.conf": "CONFIG_MCUBOOT_EXTRA_IMGTOOL_ARGS=\"-d '(1, 1.2.0)'\"\n" },
    at: ["prj.conf", "CONFIG_MCUBOOT_EXTRA_IMGTOOL_ARGS=\"-d '(1, 1.2.0)'\""],
  },
];

/** Known issues: found for an affected SDK, not for the next one. */
export const KNOWN_ISSUE_CASES: readonly (RuleCase & { readonly unaffected: string })[] = [
  {
    ...line("known/NCSDK-34106", "MCUmgr with two images", "prj.conf", "CONFIG_MCUMGR_GRP_IMG=y"),
    sdk: "v2.9.2",
    unaffected: "v2.5.3",
  },
  {
    ...line(
      "known/NCSDK-21790",
      "MCUmgr with network core updates",
      "prj.conf",
      "CONFIG_MCUMGR_GRP_IMG=y",
    ),
    sdk: "v3.0.2",
    unaffected: "v3.1.0",
  },
  {
    ...line(
      "known/NCSDK-11432",
      "MCUmgr in v2.0",
      "prj.conf",
      "CONFIG_NCS_SAMPLE_MCUMGR_BT_OTA_DFU=y",
    ),
    sdk: "v2.0.0",
    unaffected: "v2.1.0",
  },
  {
    ...line(
      "known/NCSDK-24305",
      "fota_download with retries",
      "prj.conf",
      "CONFIG_FOTA_DOWNLOAD=y",
    ),
    sdk: "v2.6.4",
    unaffected: "v2.7.0",
  },
  {
    ...line(
      "known/NCSDK-24203",
      "hardening with two images",
      MCUBOOT,
      "CONFIG_BOOT_FIH_PROFILE_MEDIUM=y",
    ),
    sdk: "v2.5.1",
    unaffected: "v2.6.0",
  },
  {
    ...line("known/NCSDK-11308", "serial recovery", MCUBOOT, "CONFIG_MCUBOOT_SERIAL=y"),
    sdk: "v3.1.1",
    unaffected: "v3.2.0",
  },
  {
    ...line("known/NCSDK-18422", "serial recovery in v2.1", MCUBOOT, "CONFIG_MCUBOOT_SERIAL=y"),
    sdk: "v2.1.4",
    unaffected: "v2.2.0",
  },
  {
    ...line("known/NCSDK-33173", "an MCUboot with LTO", MCUBOOT, "CONFIG_LTO=y"),
    sdk: "v3.0.2",
    unaffected: "v3.1.0",
  },
  {
    ...line("known/NCSIDB-1194", "a UART in MCUboot", MCUBOOT, "CONFIG_SERIAL=y"),
    sdk: "v3.1.1",
    unaffected: "v3.2.0",
  },
  {
    ...line(
      "known/NCSDK-23761",
      "counters and the low profile",
      MCUBOOT,
      "CONFIG_MCUBOOT_HW_DOWNGRADE_PREVENTION=y\nCONFIG_BOOT_FIH_PROFILE_LOW=y",
    ),
    sdk: "v2.4.2",
    unaffected: "v2.6.0",
  },
  {
    ...line(
      "known/NCSDK-19265",
      "a counter of NSIB",
      SYSBUILD,
      "SB_CONFIG_SECURE_BOOT_MONOTONIC_COUNTER=y",
    ),
    sdk: "v3.1.1",
    unaffected: "v3.2.0",
  },
  {
    ...line(
      "known/NCSDK-31918",
      "NSIB",
      SYSBUILD,
      'SB_CONFIG_SECURE_BOOT_APPCORE=y\nSB_CONFIG_SECURE_BOOT_SIGNING_KEY_FILE="/keys/nsib.pem"',
    ),
    sdk: "v3.1.1",
    unaffected: "v3.2.0",
  },
  {
    rule: "known/NCSDK-21379",
    name: "updates one by one",
    base: PM_PROJECT,
    sdk: "v2.5.3",
    unaffected: "v2.6.0",
    bad: { "pm_static.yml": "", [SYSBUILD]: [["MULTI_IMAGE_UPDATE=y", "MULTI_IMAGE_UPDATE=n"]] },
    at: [SYSBUILD, "SB_CONFIG_NETCORE_APP_UPDATE=y"],
  },
  {
    rule: "known/NCSIDB-1487",
    name: "updates one by one",
    base: PM_PROJECT,
    sdk: "v3.4.0",
    unaffected: "v3.5.0",
    bad: { "pm_static.yml": "", [SYSBUILD]: [["MULTI_IMAGE_UPDATE=y", "MULTI_IMAGE_UPDATE=n"]] },
    at: [SYSBUILD, "SB_CONFIG_NETCORE_APP_UPDATE=y"],
  },
  {
    rule: "known/NCSIDB-1950",
    name: "serial recovery with a single slot",
    base: PM_PROJECT,
    sdk: "v3.4.0",
    unaffected: "v3.5.0",
    bad: {
      "pm_static.yml": "",
      [SYSBUILD]: [
        ["SB_CONFIG_MCUBOOT_NRF53_MULTI_IMAGE_UPDATE=y\n", ""],
        ["MODE_OVERWRITE_ONLY=y", "MODE_SINGLE_APP=y"],
      ],
      [MCUBOOT]: "CONFIG_MCUBOOT_SERIAL=y\n",
    },
    at: [MCUBOOT, "CONFIG_MCUBOOT_SERIAL=y"],
  },
  {
    rule: "known/NCSDK-11234",
    name: "a fixed command",
    base: PM_PROJECT,
    bad: {},
    at: ["pm_static.yml", "pcd_sram:"],
    sdk: "v1.9.2",
    unaffected: "v2.0.0",
  },
  {
    rule: "known/NCSDK-28461",
    name: "static partitions",
    base: PM_PROJECT,
    bad: {},
    at: ["pm_static.yml", "mcuboot:"],
    sdk: "v3.0.0",
    unaffected: "v3.2.0",
  },
  {
    rule: "known/NCSDK-28462",
    name: "a key",
    base: PM_PROJECT,
    bad: {},
    at: [SYSBUILD, 'SB_CONFIG_BOOT_SIGNATURE_KEY_FILE="/keys/product.pem"'],
    sdk: "v2.7.0",
    unaffected: "v2.8.0",
  },
];
