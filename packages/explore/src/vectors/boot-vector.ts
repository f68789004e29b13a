// SPDX-License-Identifier: Apache-2.0

/** What b0n answers to a COPY command; `busy`: nothing, until the deadline has passed. */
export const COPY_ANSWERS = ["done", "failed", "busy"] as const;
export type CopyAnswer = (typeof COPY_ANSWERS)[number];

/** One call of a port that changes something outside, or whose answer decides what follows. */
export type BootAction =
  | { readonly kind: "store-erase"; readonly block: number }
  | { readonly kind: "store-program"; readonly page: number; readonly data: Uint8Array }
  /** Addresses count from the start of the application core's flash: slot and marker. */
  | { readonly kind: "app-erase"; readonly address: number }
  | { readonly kind: "app-write"; readonly address: number; readonly data: Uint8Array }
  | { readonly kind: "net-off" }
  /** READ_VERSION of PCD; null: no answer, or no firmware with `fw_info`. */
  | { readonly kind: "net-version"; readonly answer: number | null }
  /** COPY of PCD, with the firmware that it points to; polls are not told. */
  | { readonly kind: "net-copy"; readonly data: Uint8Array; readonly answer: CopyAnswer }
  | { readonly kind: "pcd-clear" }
  | { readonly kind: "seal" }
  | { readonly kind: "watchdog-start" }
  /** Any number of feeds in a row; those while b0n copies are not told. */
  | { readonly kind: "watchdog-feed" }
  | { readonly kind: "counter-raise"; readonly value: number };

/** A page as its port reads it. */
export interface DumpedPage {
  readonly page: number;
  /** Bits that the ECC corrected; -1: the page is lost, whatever the bytes are. */
  readonly bits: number;
  readonly data: Uint8Array;
}

/** Pages that are not blank, in ascending order. */
export interface DeviceDump {
  readonly store: readonly DumpedPage[];
  readonly app: readonly DumpedPage[];
  readonly net: readonly DumpedPage[];
  readonly counter: number;
}

export const DUMPED = ["store", "app", "net"] as const;
export type Dumped = (typeof DUMPED)[number];

export const DECISIONS = ["start", "reset", "recovery"] as const;
export type Decision = (typeof DECISIONS)[number];

/** One boot of the coordinator: what it finds, what it does, what it decides, and what it leaves. */
export interface BootVector {
  /** What it is about, in words without blanks. */
  readonly name: readonly string[];
  /** Reset reason, as the bits of RESETREAS. */
  readonly resetReason: number;
  /** The watchdog of a trial runs already. */
  readonly isWatchdogRunning: boolean;
  readonly before: DeviceDump;
  /** Blocks of the store that carry a bad-block mark. */
  readonly badBlocks: readonly number[];
  readonly actions: readonly BootAction[];
  readonly decision: Decision;
  readonly after: DeviceDump;
}
