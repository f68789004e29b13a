// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import type { Random } from "@tandem/base";

/** One operation that changes a chip: the unit at, in and after which power can go. */
export interface FlashOperation {
  /** Name of the chip, e.g. `nand` or `app-flash`. */
  readonly device: string;
  /** `erase`: one erase block. `program`: one NAND page. `write`: at most 1,024 bytes of NOR. */
  readonly kind: "erase" | "program" | "write";
  /** First byte that the operation touches, counted without spare areas. */
  readonly address: number;
  /** Bytes that the operation touches. */
  readonly length: number;
}

/**
 * What a cut inside a program leaves: nothing; some of the bits to be cleared; one of them; all but
 * one; all; or all, but so weakly that reads differ from time to time and fail in the end.
 */
export const PROGRAM_TEARS = [
  "nothing",
  "some-bits",
  "one-bit",
  "all-but-one-bit",
  "complete",
  "unstable",
] as const;
export type ProgramTear = (typeof PROGRAM_TEARS)[number];

/**
 * What a cut inside an erase leaves: the old data; a mixture; blank pages in which programs get bit
 * errors until a complete erase; or a completely erased block.
 */
export const ERASE_TEARS = ["old", "mixed", "blank-weak", "complete"] as const;
export type EraseTear = (typeof ERASE_TEARS)[number];

export type Tear = ProgramTear | EraseTear;

/** The tears that a cut inside an operation can have. */
export function tearsOf(kind: FlashOperation["kind"]): readonly Tear[] {
  return kind === "erase" ? ERASE_TEARS : PROGRAM_TEARS;
}

/** How power goes: before the operation did anything, in its middle, or complete but unanswered. */
export interface Cut {
  readonly when: "before" | "inside" | "after";
  /** Decides which bits or words were reached by a cut inside. */
  readonly random: Random;
  /** What a cut inside leaves; a mixture that `random` decides when absent. */
  readonly tear?: Tear;
}

/**
 * The tear of a cut inside a program or write.
 * @throws {UsageError} flash/tear when it is one of an erase
 */
export function programTear(cut: Cut): ProgramTear {
  const tear = cut.tear ?? "some-bits";
  const found = PROGRAM_TEARS.find((kind) => kind === tear);
  if (found === undefined) throw new UsageError("flash/tear", `tear ${tear} of a program`);
  return found;
}

/**
 * The tear of a cut inside an erase.
 * @throws {UsageError} flash/tear when it is one of a program
 */
export function eraseTear(cut: Cut): EraseTear {
  const tear = cut.tear ?? "mixed";
  const found = ERASE_TEARS.find((kind) => kind === tear);
  if (found === undefined) throw new UsageError("flash/tear", `tear ${tear} of an erase`);
  return found;
}

/** The supply of a device: asked at the start of each operation whether it still holds. */
export interface Power {
  /** Null: the operation completes. Otherwise the chip tears as told and throws `PowerLoss`. */
  begin(operation: FlashOperation): Cut | null;
}

/** Power that never goes. */
export const STEADY_POWER: Power = { begin: () => null };

/**
 * Thrown by a chip when power goes. Not an error of the code that it passes through: only the
 * device (the twin) catches it, everything else lets it pass.
 */
export class PowerLoss extends Error {
  readonly operation: FlashOperation;

  constructor(operation: FlashOperation) {
    super(
      `power lost at ${operation.kind} of ${operation.device} 0x${operation.address.toString(16)}`,
    );
    this.name = "PowerLoss";
    this.operation = operation;
  }
}

/** Model time: chips add what each operation takes on the device. */
export interface ModelClock {
  /** Lets `us` microseconds pass. May throw what the device does meanwhile (a watchdog reset). */
  elapse(us: number): void;
}

/** A clock that nobody reads. */
export const NO_CLOCK: ModelClock = { elapse: () => undefined };

/** A rule of the chip that was broken: always a bug of the software above it. */
export interface RuleViolation {
  readonly device: string;
  readonly rule:
    | "program-twice"
    | "program-out-of-order"
    | "program-bad-block"
    | "program-after-cut-erase"
    /** A program in a block whose last program or erase failed. */
    | "program-failed-block"
    /** More partial programs of a page than the part allows. */
    | "nop-exceeded"
    /** The ECC is still off after a raw read. */
    | "program-ecc-off"
    | "read-ecc-off"
    /** Blocks are protected after power-up. */
    | "program-locked"
    | "erase-locked"
    | "erase-bad-block";
  readonly address: number;
}
