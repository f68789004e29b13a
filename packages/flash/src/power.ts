// SPDX-License-Identifier: Apache-2.0
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

/** How power goes: before the operation did anything, in its middle, or complete but unanswered. */
export interface Cut {
  readonly when: "before" | "inside" | "after";
  /** Decides which bits or words were reached by a cut inside. */
  readonly random: Random;
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
    | "erase-bad-block";
  readonly address: number;
}
