// SPDX-License-Identifier: Apache-2.0
import type { FlashOperation } from "@tandem/flash";

import type { CutPoint } from "../session.js";

/** Which release's firmware a core holds; null: neither's, or not all of it. */
export type HeldRelease = "old" | "new" | null;

/** What the application core and the network core hold. */
export type HeldByCores = readonly [HeldRelease, HeldRelease];

/** The cores do not hold one release between them. */
export function isSplit([app, net]: HeldByCores): boolean {
  return app !== net || app === null;
}

/**
 * A device between two sessions, with the client that updates it. It stays as it is: each session
 * runs on a copy.
 */
export interface ComparedDevice {
  /** Equal for devices from which the same follows; null where nothing is known of that. */
  readonly key: string | null;
  /** One session: from a reset, or from power-on, to the next one or until nothing is left to do. */
  runSession(cut: CutPoint | null): ComparedSession;
}

/** What one session of a {@link ComparedDevice} did. */
export interface ComparedSession {
  readonly operations: readonly FlashOperation[];
  /**
   * `rest`: the application runs and has nothing left to do; `stopped`: nothing was started, and
   * nothing will be until power is switched off and on.
   */
  readonly end: "reset" | "rest" | "stopped" | "power-lost";
  readonly next: ComparedDevice;
  /** A core was started beside firmware of another release, or beside a part of one. */
  readonly isMixed: boolean;
  /** What the cores hold at the end. */
  readonly cores: HeldByCores;
  /** What the bootloader and the application did, in words. */
  readonly events: readonly string[];
}
