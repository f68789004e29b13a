// SPDX-License-Identifier: Apache-2.0
// How many cut points of a sweep run per second on all cores, beside MCUboot's C code when
// TANDEM_MCUBOOT_REF names its programs (packages/mcuboot/vectors/SOURCE.md).
import { availableParallelism } from "node:os";

import { SWEEP_MODES } from "@tandem/mcuboot";
import type { SweepMode, SweepOptions } from "@tandem/mcuboot";

import { runSweepOnThreads } from "../../packages/cli/src/mcuboot/run-sweep.js";
import { referenceDirectory } from "../../packages/mcuboot/src/testing/differential/reference.js";
import {
  K64F_LAYOUT,
  K64F_PAYLOAD_BYTES,
  K64F_SECTOR_BYTES,
  K64F_SLOT_BYTES,
  sweepReference,
} from "../../packages/mcuboot/src/testing/differential/sweep-reference.js";

/** What has to be reached on two cores. */
const LEAST_PER_SECOND = 1500;

const RUNS = 3;

interface Figure {
  readonly mode: SweepMode;
  readonly points: number;
  /** Cut points per second, all threads together; without the start of threads. */
  readonly perSecond: number;
  /** MCUboot's C code on one core, times the threads; null without its programs. */
  readonly referencePerSecond: number | null;
  readonly ratio: number | null;
}

const threads = availableParallelism();
const directory = referenceDirectory();

function optionsOf(mode: SweepMode): SweepOptions {
  const layout = {
    size: K64F_PAYLOAD_BYTES,
    slotSize: K64F_SLOT_BYTES,
    sectorSize: K64F_SECTOR_BYTES,
    align: K64F_LAYOUT.align,
  };
  return { ...layout, mode, images: 2, deps: "none", pending: "test", from: "install", flip: null };
}

/** Points and rate of Tandem's sweep. */
async function tandemRate(mode: SweepMode): Promise<{ points: number; perSecond: number }> {
  const { signal } = new AbortController();
  const watch = { threads, signal, onProgress: () => undefined };
  const { counts, busyMs } = await runSweepOnThreads(optionsOf(mode), watch);
  return { points: counts.points, perSecond: (counts.points * 1000) / busyMs };
}

function referenceRate(programs: string, mode: SweepMode): number {
  const { counts, seconds } = sweepReference(programs, { ...K64F_LAYOUT, mode }, null);
  return (threads * counts.points) / seconds;
}

/** The best of several runs of both: the others tell of what else the machine does. */
async function measure(mode: SweepMode): Promise<Figure> {
  let best = { points: 0, perSecond: 0 };
  let referencePerSecond: number | null = null;
  for (let run = 0; run < RUNS; run++) {
    const figure = await tandemRate(mode);
    if (figure.perSecond > best.perSecond) best = figure;
    if (directory === null) continue;
    referencePerSecond = Math.max(referencePerSecond ?? 0, referenceRate(directory, mode));
  }
  const ratio = referencePerSecond === null ? null : best.perSecond / referencePerSecond;
  return { mode, ...best, referencePerSecond, ratio };
}

const figures: Figure[] = [];
for (const mode of SWEEP_MODES) figures.push(await measure(mode));
const isMet = figures.every(({ perSecond }) => perSecond >= LEAST_PER_SECOND);
if (process.argv.includes("--json")) {
  process.stdout.write(`${JSON.stringify({ bench: "mcuboot", threads, figures })}\n`);
} else {
  process.stdout.write(
    `cut points per second on ${threads} threads, two images (at least ${LEAST_PER_SECOND})\n`,
  );
  for (const { mode, points, perSecond, referencePerSecond, ratio } of figures) {
    const reference =
      referencePerSecond === null || ratio === null
        ? ""
        : `, MCUboot's C code ${Math.round(referencePerSecond)}, ratio ${ratio.toFixed(1)}`;
    process.stdout.write(
      `${mode.padEnd(10)} ${points} points: ${Math.round(perSecond)}${reference}` +
        `${perSecond < LEAST_PER_SECOND ? " MISSED" : ""}\n`,
    );
  }
}
if (!isMet) process.exitCode = 1;
