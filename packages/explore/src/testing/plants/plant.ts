// SPDX-License-Identifier: Apache-2.0
import type { Violation } from "../../checks.js";
import type { FaultKind } from "../../faults.js";
import type { FlashKind } from "../../geometry.js";

/**
 * What is done to a device to find a bug: faults, as the explorer makes them; or one of those of
 * `other-faults.ts` in a story to which nothing else happens.
 */
type Fault = ExploredFault | OtherFault;
export type ExploredFault =
  | FaultKind
  /** A page is lost, and power goes while that is put right; or the other way round. */
  | "decay-and-cuts";
export type OtherFault =
  /** Another chip, with nothing on it, is in place of the store's. */
  | "lost-store"
  /** The store's chip is put back to what it held at another moment. */
  | "exchanged-store"
  /** Somebody wrote another image over the network core's in the store. */
  | "forged-image"
  /** A page reads well, and is another: ECC has miscorrected it. */
  | "miscorrection"
  /** A page of the accepted release is gone in both copies while nothing has been touched yet. */
  | "loss"
  /** The network core draws so much while the new release is copied to it that power goes. */
  | "brownout"
  /** A page of the application core's slot is blank. */
  | "damaged-slot";

/** One exploration. All of them are of profile `small`, and equal ones take equal ways. */
export interface Hunt {
  readonly fault: Fault;
  readonly flash: FlashKind;
  readonly scenario: string;
  /** Faults on one path; without meaning for those of `other-faults.ts`. */
  readonly depth: number;
  /** Cuts are made at that many first operations of each session only. */
  readonly firstOperations?: number;
  /**
   * The device has refused a release before, so the next one's blocks would be the accepted one's
   * if those were free.
   */
  readonly afterRefusal?: true;
}

/** A bug: one hunk of product code, exchanged. */
export interface Plant {
  readonly name: string;
  /** What the code does then. */
  readonly bug: string;
  /** File below `packages`. */
  readonly file: string;
  /** Text that stands in the file exactly once. */
  readonly find: string;
  readonly replacement: string;
  /** An invariant that the first session with a finding breaks. */
  readonly breaks: Violation["invariant"];
  readonly hunt: Hunt;
}

/** What came of a hunt. */
export interface Catch {
  /** What the session breaks that shows the bug first; empty: nothing was found. */
  readonly violations: readonly Violation[];
  /** Sessions that were run until then. */
  readonly sessions: number;
  /** What `tandem explore replay` shows again; null for faults that it cannot express. */
  readonly line: string | null;
}
