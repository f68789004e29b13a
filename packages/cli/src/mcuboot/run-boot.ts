// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from "node:fs";
import path from "node:path";

import { PowerLoss } from "@tandem/flash";
import type { FlashOperation } from "@tandem/flash";
import { formatVersion } from "@tandem/image";
import { explainStep, stepContext } from "@tandem/mcuboot";
import type { BootResult, BootStep, FlashBoard, ImageDecision, SlotName } from "@tandem/mcuboot";

import { replaceFile } from "../write-file.js";

/** What one boot did: the document of `tandem mcuboot boot --json`. */
export interface BootReport {
  /** What the trailers asked for and what was done, per image; of a cut boot: what it was about to do. */
  readonly decisions: readonly ImageDecision[];
  /** The image that starts, always image 0; null when nothing does. */
  readonly starts: {
    readonly slot: SlotName;
    readonly device: string;
    /** Of the slot on the device, bytes. */
    readonly offset: number;
    readonly version: string;
  } | null;
  /** Why nothing starts; null when something does, or power went before. */
  readonly why: { readonly text: string; readonly step: BootStep } | null;
  /** The operation before which power went, the first one being number 1; null when it stayed. */
  readonly cut: ({ readonly number: number } & FlashOperation) | null;
  /** Writes and erases in their order. */
  readonly operations: readonly FlashOperation[];
  /** What MCUboot found out, in its order. */
  readonly steps: readonly BootStep[];
  /** Of the device, per image; empty without security counters. */
  readonly securityCounters: readonly number[];
}

/**
 * Boots a board once. The board is left as flash is left.
 * @param cut power goes before the operation with this number, from 1; undefined: it stays
 */
export function bootOnce(board: FlashBoard, cut: number | undefined): BootReport {
  const context = stepContext(board);
  const undisturbed = cut === undefined ? null : board.fork().boot();
  const operations: FlashOperation[] = [];
  board.operations.observer = (operation) => void operations.push(operation);
  let result: BootResult;
  try {
    result = board.boot(cut === undefined ? undefined : cut - 1);
  } catch (error) {
    if (!(error instanceof PowerLoss) || cut === undefined || undisturbed === null) throw error;
    return {
      decisions: undisturbed.decisions,
      starts: null,
      why: null,
      cut: { number: cut, ...error.operation },
      operations,
      steps: [],
      securityCounters: board.securityCounters,
    };
  }
  return {
    decisions: result.decisions,
    starts: startsOf(result),
    why: result.kind === "boot" ? null : whyOf(result.why, context),
    cut: null,
    operations,
    steps: result.steps,
    securityCounters: board.securityCounters,
  };
}

function startsOf(result: BootResult): BootReport["starts"] {
  if (result.kind === "none") return null;
  const { slot, area, header } = result;
  return {
    slot,
    device: area.device,
    offset: area.offset,
    version: formatVersion(header.version),
  };
}

function whyOf(step: BootStep, context: ReturnType<typeof stepContext>): BootReport["why"] {
  const { why, where } = explainStep(step, context);
  return { text: `image ${step.image}: ${why}; ${where}`, step };
}

/**
 * Writes the dump of every device as DIRECTORY/NAME.bin, each as a whole; replaces what is there.
 * @returns the files
 */
export async function writeDumps(board: FlashBoard, directory: string): Promise<readonly string[]> {
  mkdirSync(directory, { recursive: true });
  const files: string[] = [];
  for (const [name, { bytes }] of board.devices) {
    const file = path.join(directory, `${name}.bin`);
    await replaceFile(file, bytes);
    files.push(file);
  }
  return files;
}

/** The report in lines for people. */
export function describeBoot(report: BootReport): string[] {
  const { decisions, operations, cut, starts, why } = report;
  const erases = operations.filter(({ kind }) => kind === "erase").length;
  const lines = decisions.map(describeDecision);
  lines.push(`${operations.length - erases} writes, ${erases} erases`);
  if (cut !== null) {
    const place = `${cut.kind} of ${cut.length} bytes at ${cut.device} 0x${cut.address.toString(16)}`;
    lines.push(`power went before operation ${cut.number}: ${place}`);
  } else if (starts !== null) {
    lines.push(`starts ${starts.version} from the ${starts.slot} slot`);
  } else {
    lines.push("starts nothing", `  ${why?.text ?? "no reason given"}`);
  }
  return lines;
}

/** One image's decision in words. */
export function describeDecision({ image, requested, decided, resumed }: ImageDecision): string {
  const parts = [
    ...(resumed === null ? [] : [`went on with a ${resumed} swap that was cut`]),
    ...(requested === null ? [] : [`asked for ${requested}`]),
    `did ${decided}`,
  ];
  return `image ${image}: ${parts.join(", ")}`;
}
