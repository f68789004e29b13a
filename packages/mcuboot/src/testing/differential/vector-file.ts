// SPDX-License-Identifier: Apache-2.0
import type { BootRecord } from "./reference.js";
import type { Scenario } from "./scenario.js";

/** `vectors/boots.json`: boots of MCUboot's C code, to be repeated without it. */
export interface VectorFile {
  readonly format: "tandem-mcuboot-boots-1";
  /** Release of MCUboot that the digests come from. */
  readonly mcuboot: string;
  /** What a scenario is where it does not say otherwise. */
  readonly defaults: Scenario;
  readonly scenarios: readonly VectorScenario[];
}

/** A scenario, with what the C code did in each of its boots. */
export interface VectorScenario {
  readonly scenario: Partial<Scenario>;
  /** Boots that lead to the one under test, as {@link recordText} writes them. */
  readonly before: readonly string[];
  readonly runs: readonly VectorRun[];
}

/** One boot from the flash after `before`, cut, and the boots after it. */
export interface VectorRun {
  /** Power goes before this write or erase, counted from 1; 0: it stays. */
  readonly cut: number;
  readonly boots: readonly string[];
}

/** Digits of a digest that the file keeps: 64 bits. */
const DIGEST_DIGITS = 16;

/** `OUTCOME OPERATIONS DIGEST`, with the first 64 bits of the digest. */
export function recordText({ outcome, operations, digest }: BootRecord): string {
  return `${outcome} ${operations} ${digest.slice(0, DIGEST_DIGITS)}`;
}

/** Boots recorded in a scenario. */
export function bootCount({ before, runs }: VectorScenario): number {
  return runs.reduce((sum, { boots }) => sum + boots.length, before.length);
}
