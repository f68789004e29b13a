// SPDX-License-Identifier: Apache-2.0
import { packagePlace } from "../read/dfu-package.js";
import { ALL_SDKS } from "../model/sdk-version.js";
import type { Rule, Severity } from "./rule.js";

/** SHA-256 of the public keys that MCUboot publishes for tests, by file name. */
const PUBLISHED_KEYS: ReadonlyMap<string, string> = new Map([
  ["fc5701dc6135e1323847bdc40f04d2e5bee5833b23c29f93593d00018cfa9994", "root-rsa-2048.pem"],
  ["449793fb65cd7698753d5b3f35fab15f1e3a45111ff24e1d46741de5ae12d59e", "root-rsa-3072.pem"],
  ["e30466f6b8470c1f29070b17f1e2d3e94d445e3f608087fdc711e4382bb538b6", "root-ec-p256.pem"],
  ["6bcd1e16d80e5fe13a5307e6f1de8344c7e50e537d9962ce35ef6db5e642fae8", "root-ec-p384.pem"],
  ["c1907fa4eac7fae3840a78902b6f0710b037e9968e5c6274a12a28790c7d4e3c", "root-ed25519.pem"],
]);

const PUBLISHED_FILE = /(^|[/\\])root-(rsa-(2048|3072)(_b)?|ec-p(256|384)(-pkcs8)?|ed25519)\.pem$/;

/** The build signs with a key that everybody has. */
export const publishedKey: Rule = {
  id: "keys/published",
  severity: "warning",
  title: "Images are signed with a key of one's own",
  reason:
    "The private halves of MCUboot's root-*.pem are public: anybody can sign images that the device " +
    "installs. The key cannot be changed once MCUboot is in the field.",
  source:
    "sdk-mcuboot root-*.pem; boot/zephyr/CMakeLists.txt (Using default MCUboot signing key file)",
  affects: ALL_SDKS,
  fix: 'Make a key (tandem image keygen, imgtool keygen) and set SB_CONFIG_BOOT_SIGNATURE_KEY_FILE="/path/key.pem".',
  *check({ project, config, release }) {
    const severity: Severity = release ? "error" : "warning";
    for (const [role, symbol] of KEY_FILES) {
      const assignment = config(role)?.get(symbol);
      if (assignment === null || assignment === undefined) continue;
      if (PUBLISHED_FILE.test(assignment.value)) {
        yield {
          severity,
          message: `${symbol} is MCUboot's published key`,
          place: assignment.place,
        };
      }
    }
    for (const { file, images } of project.packages) {
      for (const image of images) {
        for (const hash of image.keyHashes) {
          const key = PUBLISHED_KEYS.get(hash);
          if (key === undefined) continue;
          yield {
            severity,
            message: `${image.file} is signed with MCUboot's ${key}`,
            place: packagePlace(file),
          };
        }
      }
    }
  },
};

/** A signing build does not name its key. */
export const defaultKey: Rule = {
  id: "keys/default",
  severity: "warning",
  title: "The key file is named",
  reason:
    "Without a key file sysbuild takes MCUboot's published key, and NSIB makes a new key in every " +
    "build folder: images of another build are then refused.",
  source:
    "zephyr share/sysbuild/images/bootloader/Kconfig, BOOT_SIGNATURE_KEY_FILE; sdk-nrf cmake/sysbuild/debug_keys.cmake",
  affects: { from: "v2.7.0", to: null },
  fix: 'Set SB_CONFIG_BOOT_SIGNATURE_KEY_FILE="/path/key.pem" (and SB_CONFIG_SECURE_BOOT_SIGNING_KEY_FILE for NSIB).',
  *check({ config, release }) {
    const sysbuild = config("sysbuild");
    const mcuboot = sysbuild?.get("SB_CONFIG_BOOTLOADER_MCUBOOT");
    if (sysbuild === undefined || mcuboot?.value !== "y") return;
    const severity: Severity = release ? "error" : "note";
    const isSigned = sysbuild.state("SB_CONFIG_BOOT_SIGNATURE_TYPE_NONE") !== "on";
    const key = sysbuild.get("SB_CONFIG_BOOT_SIGNATURE_KEY_FILE");
    if (isSigned && (key === null || key.value === "")) {
      yield {
        severity,
        message: "MCUboot without SB_CONFIG_BOOT_SIGNATURE_KEY_FILE",
        place: key?.place ?? mcuboot.place,
      };
    }
    const nsib = sysbuild.get("SB_CONFIG_SECURE_BOOT_APPCORE");
    const nsibKey = sysbuild.get("SB_CONFIG_SECURE_BOOT_SIGNING_KEY_FILE");
    if (nsib?.value === "y" && (nsibKey === null || nsibKey.value === "")) {
      yield {
        severity,
        message: "NSIB without SB_CONFIG_SECURE_BOOT_SIGNING_KEY_FILE",
        place: nsib.place,
      };
    }
  },
};

/** Nothing checks who made an image. */
export const unsigned: Rule = {
  id: "keys/none",
  severity: "error",
  title: "Images are signed",
  reason: "Without a signature MCUboot installs whatever has a matching hash, from anybody.",
  source: "sdk-mcuboot boot/zephyr/Kconfig, BOOT_SIGNATURE_TYPE_NONE",
  affects: ALL_SDKS,
  fix: "Choose SB_CONFIG_BOOT_SIGNATURE_TYPE_ED25519=y or _ECDSA_P256=y and name a key.",
  *check({ config }) {
    for (const [role, symbol] of [
      ["sysbuild", "SB_CONFIG_BOOT_SIGNATURE_TYPE_NONE"],
      ["mcuboot", "CONFIG_BOOT_SIGNATURE_TYPE_NONE"],
    ] as const) {
      const assignment = config(role)?.get(symbol);
      if (assignment?.value === "y") yield { message: `${symbol}=y`, place: assignment.place };
    }
  },
};

const KEY_FILES = [
  ["sysbuild", "SB_CONFIG_BOOT_SIGNATURE_KEY_FILE"],
  ["mcuboot", "CONFIG_BOOT_SIGNATURE_KEY_FILE"],
  ["app", "CONFIG_MCUBOOT_SIGNATURE_KEY_FILE"],
] as const;
