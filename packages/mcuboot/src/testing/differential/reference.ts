// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { InternalError } from "@tandem/base";

import { layoutOf } from "./scenario.js";
import type { Scenario } from "./scenario.js";

/**
 * Directory with the programs built from MCUboot's C code as vectors/SOURCE.md tells, from the
 * variable TANDEM_MCUBOOT_REF; null when it is not set.
 */
export function referenceDirectory(): string | null {
  return process.env["TANDEM_MCUBOOT_REF"] ?? null;
}

/** A write or an erase as a boot asked for it: `w p0 0x1000 1024`. */
export type OperationLine = string;

/** What one boot did, told alike by the reference and by Tandem. */
export interface BootRecord {
  /** `start:DEVICE:OFFSET:VERSION`, `none`, `cut`, or `assert` where MCUboot would stop. */
  readonly outcome: string;
  /** Writes and erases that happened. */
  readonly operations: number;
  /** SHA-256 of all devices after the boot, hex. */
  readonly digest: string;
}

/** A boot and its writes and erases in order. */
export interface TracedBoot extends BootRecord {
  readonly log: readonly OperationLine[];
}

/** The commands of the reference driver that bring up a scenario with this flash. */
function setUp(scenario: Scenario, files: readonly string[]): string[] {
  const { devices, areas } = layoutOf(scenario);
  return [
    ...devices.map(
      ({ size, sectorSize, align, erasedValue }, id) =>
        `device ${id} ${size} ${sectorSize} ${align} ${erasedValue}`,
    ),
    ...areas.map(({ name, device, offset, size }) => `area ${name} ${device} ${offset} ${size}`),
    ...files.map((file, id) => `load ${id} ${file}`),
  ];
}

/**
 * Answers of the reference driver to commands on a scenario with this flash.
 * @throws {InternalError} mcuboot/reference-failed when the program is missing or stops
 */
export function askReference(
  directory: string,
  scenario: Scenario,
  flash: readonly Uint8Array[],
  commands: readonly string[],
): string {
  const variant = scenario.variant === "plain" ? "" : `-${scenario.variant}`;
  const program = path.join(directory, `${scenario.mode}-${scenario.images}${variant}`);
  const temporary = mkdtempSync(path.join(tmpdir(), "tandem-mcuboot-"));
  try {
    const files = flash.map((bytes, id) => {
      const file = path.join(temporary, `${id}.bin`);
      writeFileSync(file, bytes);
      return file;
    });
    const { status, stdout, stderr, error } = spawnSync(program, [], {
      input: [...setUp(scenario, files), ...commands, ""].join("\n"),
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    if (status === 0) return stdout;
    throw new InternalError(
      "mcuboot/reference-failed",
      `${program}: status ${status}, ${stderr} ${error?.message ?? ""}`,
    );
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/** The boots in answers of the reference driver to `boot`, `trace` and `cuts`, in order. */
export function parseBoots(answers: string): readonly TracedBoot[] {
  const boots: TracedBoot[] = [];
  let log: OperationLine[] = [];
  for (const line of answers.split("\n")) {
    if (line.startsWith("w ") || line.startsWith("e ")) {
      log.push(line);
      continue;
    }
    const match = /(?:boot|undisturbed|cut|then) (\S+) (\d+) \d+ \d+ \S+ (\S+)$/.exec(line);
    if (match === null) continue;
    const [, outcome = "", operations = "", digest = ""] = match;
    boots.push({ outcome, operations: Number(operations), digest, log });
    log = [];
  }
  return boots;
}
