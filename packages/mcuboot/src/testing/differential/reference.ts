// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { InternalError } from "@tandem/base";

import { hasCounters, layoutOf, scenarioName, sectorsText } from "./scenario.js";
import type { Scenario } from "./scenario.js";
import { startCounters, startFlash } from "./start-flash.js";
import type { Step } from "./steps.js";

/**
 * Directory with the programs built from MCUboot's C code as vectors/SOURCE.md tells, from the
 * variable TANDEM_MCUBOOT_REF; null when it is not set.
 */
export function referenceDirectory(): string | null {
  return process.env["TANDEM_MCUBOOT_REF"] ?? null;
}

/** Far more than the boots of any scenario take. */
const SCENARIO_SECONDS = 15;

/** A write or an erase as a boot asked for it: `w p0 0x1000 1024`. */
export type OperationLine = string;

/** What one boot did, told alike by the reference and by Tandem. */
export interface BootRecord {
  /**
   * `start:DEVICE:OFFSET:VERSION`, `none`, `cut`, `assert` where MCUboot would stop, or, from the
   * reference only, `undefined` where the C code leaves its arrays or does not end.
   */
  readonly outcome: string;
  /** Writes and erases that happened. */
  readonly operations: number;
  /** SHA-256 of all devices, and of the security counters, after the boot, hex. */
  readonly digest: string;
}

/** A boot and its writes and erases in order. */
export interface TracedBoot extends BootRecord {
  readonly log: readonly OperationLine[];
}

/**
 * Does steps on a scenario's start flash with MCUboot's C code; a record per boot. The last boot
 * is `traced` with its operations, the others have none.
 * @throws {InternalError} mcuboot/reference-failed when the program is missing
 */
export function runReference(
  directory: string,
  scenario: Scenario,
  steps: readonly Step[],
  tracing: "traced" | "untraced" = "untraced",
): readonly TracedBoot[] {
  const commands = steps.map(commandOf);
  if (tracing === "traced") {
    const last = commands.findLastIndex((command) => command.startsWith("boot"));
    if (last !== -1) commands[last] = (commands[last] ?? "").replace("boot", "trace");
  }
  const answers = askReference(directory, scenario, commands, SCENARIO_SECONDS);
  if (answers !== null) return parseBoots(answers);
  return steps.filter(({ kind }) => kind === "boot").map(() => UNDEFINED_BOOT);
}

/** Where the C code leaves its arrays, or does not end. */
const UNDEFINED_BOOT: TracedBoot = { outcome: "undefined", operations: 0, digest: "", log: [] };

/**
 * Answers of the reference driver to commands on a scenario's start flash; null when a signal ended
 * it: the C code ran into memory that is not there, or did not end within `seconds`.
 * @throws {InternalError} mcuboot/reference-failed when the program is missing or fails otherwise
 */
export function askReference(
  directory: string,
  scenario: Scenario,
  commands: readonly string[],
  seconds: number,
): string | null {
  const variant = scenario.variant === "plain" ? "" : `-${scenario.variant}`;
  const program = path.join(directory, `${scenario.mode}-${scenario.images}${variant}`);
  const temporary = mkdtempSync(path.join(tmpdir(), "tandem-mcuboot-"));
  try {
    const files = startFlash(scenario).map((bytes, id) => {
      const file = path.join(temporary, `${id}.bin`);
      writeFileSync(file, bytes);
      return file;
    });
    const { status, signal, stdout, stderr, error } = spawnSync(program, [], {
      input: [...setUp(scenario, files), ...commands, ""].join("\n"),
      encoding: "utf8",
      maxBuffer: 1 << 28,
      timeout: seconds * 1000,
    });
    if (status === 0) return stdout;
    if (signal !== null) return null;
    throw new InternalError(
      "mcuboot/reference-failed",
      `${program}: status ${status} ${stderr} ${error?.message ?? ""}`,
      { details: { scenario: scenarioName(scenario) } },
    );
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/** The commands of the driver that bring up a scenario with its flash in files. */
function setUp(scenario: Scenario, files: readonly string[]): readonly string[] {
  const { devices, areas } = layoutOf(scenario);
  const counters = hasCounters(scenario) ? startCounters(scenario) : [];
  return [
    ...devices.map(({ sectors, align, erasedValue }, id) => {
      return `device ${id} ${align} ${erasedValue} ${sectorsText(sectors)}`;
    }),
    ...areas.map(({ name, device, offset, size }) => `area ${name} ${device} ${offset} ${size}`),
    ...files.map((file, id) => `load ${id} ${file}`),
    ...counters.map((counter, image) => `counter ${image} ${counter}`),
  ];
}

function commandOf(step: Step): string {
  switch (step.kind) {
    case "boot":
      return `boot ${step.cut}`;
    case "flip":
      return `flip ${step.device} ${step.offset} ${step.mask}`;
    case "put":
      return `put ${step.device} ${step.offset} ${step.value.toString(16).padStart(2, "0")}`;
    case "keep":
    case "restore":
      return step.kind;
    default:
      return step satisfies never;
  }
}

/** The boots in answers of the reference driver, in order. */
export function parseBoots(answers: string): readonly TracedBoot[] {
  const boots: TracedBoot[] = [];
  let log: OperationLine[] = [];
  for (const line of answers.split("\n")) {
    if (line.startsWith("w ") || line.startsWith("e ")) {
      log.push(line);
      continue;
    }
    const match = /^boot (\S+) (\d+) \d+ \d+ \S+ (\S+)$/.exec(line);
    if (match === null) continue;
    const [, outcome = "", operations = "", digest = ""] = match;
    boots.push({ outcome, operations: Number(operations), digest, log });
    log = [];
  }
  return boots;
}
