// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { runCommand } from "../testing/run-command.js";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-check-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const SYSBUILD = `SB_CONFIG_BOOTLOADER_MCUBOOT=y
SB_CONFIG_SECURE_BOOT_NETCORE=y
SB_CONFIG_NETCORE_APP_UPDATE=y
SB_CONFIG_MCUBOOT_NRF53_MULTI_IMAGE_UPDATE=y
SB_CONFIG_MCUBOOT_MODE_OVERWRITE_ONLY=n
SB_CONFIG_BOOT_SIGNATURE_KEY_FILE="/keys/product.pem"
`;

function json(text: string): {
  ok: boolean;
  builds: { name: string; board: string | null; used: { path: string; as: string }[] }[];
  unused: { path: string }[];
  unreadable: { code: string; message: string; place: { line: number } }[];
  findings: { rule: string; severity: string; place: { file: string; line: number } }[];
} {
  return JSON.parse(text);
}

async function rulesFound(...options: readonly string[]): Promise<readonly string[]> {
  const { out } = await runCommand(["check", folder, "--json", ...options]);
  return json(out).findings.map(({ rule }) => rule);
}

describe("tandem check", () => {
  it("reports a project that can brick, quotes the line, and ends with 1", async () => {
    write("sysbuild.conf", SYSBUILD);
    write("prj.conf", "CONFIG_BT=y\n");
    const { status, out } = await runCommand(["check", folder]);
    expect(status).toBe(1);
    expect(out).toContain(
      "error[update/multi-image-with-swap]: multi-image update of both cores without overwrite-only mode",
    );
    expect(out).toContain(
      " 5 | SB_CONFIG_MCUBOOT_MODE_OVERWRITE_ONLY=n\n   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
    );
    expect(out).toContain("why: This can brick the device.");
    expect(out).toContain(
      "SB_CONFIG_MCUBOOT_MODE_OVERWRITE_ONLY=y and SB_CONFIG_MCUBOOT_NRF53_MULTI_IMAGE_UPDATE=y",
    );
    expect(out).toContain("sysbuild.conf: sysbuild options");
  });

  it("ends with 0 when no finding is an error", async () => {
    write("sysbuild.conf", SYSBUILD.replace("ONLY=n", "ONLY=y"));
    const { status, out } = await runCommand(["check", folder, "--json"]);
    expect(status).toBe(0);
    expect(json(out).ok).toBe(true);
    expect(json(out).findings.map(({ rule }) => rule)).toEqual(["update/no-revert"]);
  });

  it("checks known issues of a named SDK only", async () => {
    write("sysbuild.conf", SYSBUILD.replace("ONLY=n", "ONLY=y"));
    write("prj.conf", "CONFIG_MCUMGR_GRP_IMG=y\n");
    expect(await rulesFound()).not.toContain("known/NCSDK-34106");
    expect(await rulesFound("--sdk", "v2.9.2")).toContain("known/NCSDK-34106");
    expect(await rulesFound("--sdk", "v2.9.2", "--ignore", "known/NCSDK-34106")).not.toContain(
      "known/NCSDK-34106",
    );
    expect(await rulesFound("--sdk", "v2.5.0")).not.toContain("known/NCSDK-34106");
  });

  it("ends with 2 for malformed files, and still checks the others", async () => {
    const bad = write("pm_static.yml", "app:\n\taddress: 0x0\n");
    write("sysbuild.conf", SYSBUILD);
    const { status, out } = await runCommand(["check", folder]);
    expect(status).toBe(2);
    expect(out).toContain(
      `pm_static.yml:2:1: tab as indentation, expected spaces [layout/bad-yaml]`,
    );
    expect(out).toContain("error[update/multi-image-with-swap]");
    const alone = await runCommand(["check", "--json", bad]);
    expect(alone.status).toBe(2);
    expect(json(alone.out).unreadable).toMatchObject([
      { code: "layout/bad-yaml", place: { line: 2 } },
    ]);
  });

  it("does not take a file of 10 GB into memory", async () => {
    const path = write("pm_static.yml", "");
    truncateSync(path, 10_000_000_000);
    const { status, out } = await runCommand(["check", path, "--json"]);
    expect(status).toBe(2);
    expect(json(out).unreadable).toMatchObject([{ code: "layout/too-large", place: { line: 1 } }]);
  });

  it("refuses what is neither a file nor a folder", async () => {
    const { status, err } = await runCommand(["check", "/dev/zero"]);
    expect([status, err]).toEqual([2, expect.stringContaining("[layout/cannot-read]")]);
  });

  it.each([
    ["a path that is not there", ["nowhere"], "layout/cannot-read"],
    ["a folder without anything to check", ["."], "layout/nothing-to-check"],
  ])("ends with 2 for %s", async (_, names, code) => {
    const { status, out, err } = await runCommand([
      "check",
      ...names.map((name) => join(folder, name)),
    ]);
    expect([status, out]).toEqual([2, ""]);
    expect(err).toContain(`[${code}]`);
  });

  it.each([
    ["--sdk", "latest"],
    ["--ignore", "no/such-rule"],
  ])("ends with 2 for %s %s", async (option, value) => {
    write("prj.conf", "CONFIG_BT=y\n");
    expect((await runCommand(["check", folder, option, value])).status).toBe(2);
  });

  it("checks an application once for each board and suffix, with the files that Zephyr takes", async () => {
    write("prj.conf", "CONFIG_BT=y\n");
    write("sysbuild.conf", SYSBUILD.replace("ONLY=n", "ONLY=y"));
    write("sysbuild_fota.conf", SYSBUILD);
    write("boards/nrf5340dk_nrf5340_cpuapp.conf", "CONFIG_NVS=y\n");
    write("boards/nrf52840dk_nrf52840.conf", "CONFIG_NVS=y\n");
    write("sysbuild/mcuboot/boards/nrf5340dk_nrf5340_cpuapp.conf", "CONFIG_FPROTECT=y\n");
    const { status, out } = await runCommand(["check", folder, "--json"]);
    const { builds, findings, unused } = json(out);
    expect(status).toBe(1);
    expect(
      builds.map(({ board, used }) => [board, used.map(({ path }) => path.split("/").at(-1))]),
    ).toEqual([
      ["nrf5340dk_nrf5340_cpuapp", expect.arrayContaining(["sysbuild.conf", "prj.conf"])],
      ["nrf5340dk_nrf5340_cpuapp", expect.arrayContaining(["sysbuild_fota.conf", "prj.conf"])],
    ]);
    expect(builds[1]?.used.map(({ path }) => path)).not.toContain(join(folder, "sysbuild.conf"));
    expect(unused.map(({ path }) => path)).toEqual([
      join(folder, "boards/nrf52840dk_nrf52840.conf"),
    ]);
    const errors = findings.filter(({ severity }) => severity === "error");
    expect(errors.map(({ rule, place }) => [rule, place.file.split("/").at(-1)])).toEqual([
      ["update/multi-image-with-swap", "sysbuild_fota.conf"],
    ]);
  });

  it("reads a build folder, and tells images by the contents of their .config", async () => {
    write("partitions.yml", "mcuboot_primary: {address: 0x10000, size: 0xe0000}\n");
    write(
      "zephyr/.config",
      "SB_CONFIG_BOOTLOADER_MCUBOOT=y\nSB_CONFIG_NETCORE_APP_UPDATE=y\nSB_CONFIG_MCUBOOT_NRF53_MULTI_IMAGE_UPDATE=y\n",
    );
    write("mcuboot/zephyr/.config", "CONFIG_MCUBOOT=y\nCONFIG_BOOT_MAX_IMG_SECTORS=128\n");
    write("product/zephyr/.config", 'CONFIG_BOARD_TARGET="nrf5340dk/nrf5340/cpuapp"\n');
    const { out } = await runCommand(["check", folder, "--json"]);
    const { builds, findings } = json(out);
    expect(builds).toHaveLength(1);
    expect(builds[0]?.board).toBe("nrf5340dk/nrf5340/cpuapp");
    expect(builds[0]?.used.map(({ as }) => as).toSorted()).toEqual([
      "options of app",
      "options of mcuboot",
      "partitions of a build",
      "sysbuild options",
    ]);
    expect(findings.map(({ rule }) => rule)).toEqual(
      expect.arrayContaining([
        "slot/sector-count",
        "update/multi-image-with-swap",
        "boot/fprotect-off",
      ]),
    );
  });

  it("does not follow links in circles", async () => {
    write("prj.conf", "CONFIG_BT=y\n");
    symlinkSync(folder, join(folder, "again"));
    expect((await runCommand(["check", folder])).status).toBe(0);
  });

  it("prints SARIF that names rule, level and region", async () => {
    write("sysbuild.conf", SYSBUILD);
    const { status, out } = await runCommand(["check", folder, "--sarif"]);
    expect(status).toBe(1);
    const log = JSON.parse(out);
    expect(log.version).toBe("2.1.0");
    const [run] = log.runs;
    const index = run.results.findIndex(
      (result: { ruleId: string }) => result.ruleId === "update/multi-image-with-swap",
    );
    expect(run.results[index]).toMatchObject({
      level: "error",
      locations: [
        { physicalLocation: { region: { startLine: 5, startColumn: 1, endColumn: 40 } } },
      ],
    });
    expect(run.tool.driver.rules[run.results[index].ruleIndex].id).toBe(
      "update/multi-image-with-swap",
    );
  });
});
