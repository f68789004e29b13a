// SPDX-License-Identifier: Apache-2.0
import { NRF5340_APP_FLASH, NRF5340_NET_FLASH } from "@tandem/flash";
import type { NorProfile } from "@tandem/flash";

import type { LayoutPlan, StoreChip } from "./layout-plan.js";
import { geometryOf } from "./store-size.js";

/** Command, address and status bytes around one NAND page. */
const NAND_OVERHEAD_BYTES = 12;

/**
 * Resets of one update that write the journal: download, install, trial, acceptance. Each opens a
 * fresh block in each chain, which rotates over four.
 */
const JOURNAL_SESSIONS = 4;
const JOURNAL_BLOCKS_PER_CHAIN = 4;

/** Times that a bank is read: at its end, before the install with the fallback, and for the install. */
const BANK_READS = 4;

/** Write and erase cycles of the nRF5340's flash (product specification, NVMC; to be confirmed). */
const INTERNAL_ENDURANCE_CYCLES = 10_000;

/** Of a serial NOR, and of NAND whose profile does not say. */
const EXTERNAL_ENDURANCE_CYCLES = 100_000;

/** How one memory wears. */
interface Wear {
  readonly memory: string;
  /** Erases of each block, on average, for one update. */
  readonly cyclesPerUpdate: number;
  readonly enduranceCycles: number;
  readonly years: number;
}

/** What one update of today's images costs, by the timing figures of the chips. */
export interface UpdateCost {
  readonly downloadBytes: number;
  /** Two copies with headers and summaries. */
  readonly storedBytes: number;
  readonly storeErases: number;
  /** Writing both copies, without the network. */
  readonly storeSeconds: number;
  /** Verifying in the application and in the bootloader. */
  readonly verifySeconds: number;
  /** Erasing and writing both cores: the device is away. */
  readonly installSeconds: number;
  readonly wear: readonly Wear[];
}

/** The model: typical times of the chips' profiles, no overlap, no driver overhead. */
export function updateCost(plan: LayoutPlan): UpdateCost {
  const { options, store } = plan;
  const { pageBytes, pagesPerBlock } = geometryOf(options.chip);
  const sizes = [options.appBytes, options.netBytes];
  const dataBytes = (pagesPerBlock - 2) * pageBytes;
  const blocks = sum(sizes.map((bytes) => Math.ceil(bytes / dataBytes)));
  const dataPages = sum(sizes.map((bytes) => Math.ceil(bytes / pageBytes)));
  const pages = 2 * (dataPages + 2 * blocks);
  const erases = 2 * blocks;
  const times = pageTimes(options.chip, pageBytes);
  return {
    downloadBytes: sum(sizes),
    storedBytes: pages * pageBytes,
    storeErases: erases,
    storeSeconds: seconds(pages * times.programUs + erases * times.eraseUs),
    verifySeconds: seconds((BANK_READS - 1) * dataPages * times.readUs),
    installSeconds: seconds(
      dataPages * times.readUs +
        rewriteUs(NRF5340_APP_FLASH, options.appBytes) +
        rewriteUs(NRF5340_NET_FLASH, options.netBytes),
    ),
    wear: [
      wearOf("application flash", 1, INTERNAL_ENDURANCE_CYCLES, options.updatesPerYear),
      wearOf("network core flash", 1, INTERNAL_ENDURANCE_CYCLES, options.updatesPerYear),
      wearOf(
        "store, data blocks",
        erases / (store.blocks - store.journalBlocks - store.reserveBlocks),
        enduranceOf(options.chip),
        options.updatesPerYear,
      ),
      wearOf(
        "store, journal",
        JOURNAL_SESSIONS / JOURNAL_BLOCKS_PER_CHAIN,
        enduranceOf(options.chip),
        options.updatesPerYear,
      ),
    ],
  };
}

function seconds(us: number): number {
  return us / 1_000_000;
}

function wearOf(
  memory: string,
  cyclesPerUpdate: number,
  enduranceCycles: number,
  perYear: number,
): Wear {
  return {
    memory,
    cyclesPerUpdate,
    enduranceCycles,
    years: enduranceCycles / (cyclesPerUpdate * perYear),
  };
}

function enduranceOf(chip: StoreChip): number {
  const stated = chip.kind === "nand" ? chip.profile.enduranceCycles : undefined;
  return stated ?? EXTERNAL_ENDURANCE_CYCLES;
}

/** Microseconds for a page, and for the erase of a block. */
function pageTimes(chip: StoreChip, pageBytes: number) {
  if (chip.kind === "nand") {
    const { busHz, readUs, programUs, eraseUs } = chip.profile;
    const busUs = ((pageBytes + NAND_OVERHEAD_BYTES) * 8 * 1_000_000) / busHz;
    return { readUs: readUs + busUs, programUs: programUs + busUs, eraseUs };
  }
  const { bus, program, writeUs, writeBytes, blockErase, eraseUs } = chip.profile;
  const busUs = bus === undefined ? 0 : (pageBytes * 8 * 1_000_000) / (bus.hz * bus.lanes);
  const programUs =
    program === undefined
      ? (pageBytes / writeBytes) * writeUs
      : (pageBytes / program.bytes) * program.us;
  return { readUs: busUs, programUs: programUs + busUs, eraseUs: blockErase?.us ?? eraseUs };
}

function rewriteUs({ pageBytes, eraseUs, writeBytes, writeUs }: NorProfile, bytes: number): number {
  return Math.ceil(bytes / pageBytes) * eraseUs + (bytes / writeBytes) * writeUs;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
