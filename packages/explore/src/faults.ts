// SPDX-License-Identifier: Apache-2.0

/**
 * Kinds of fault, each of which counts as one on a path: power goes at an operation of flash; the
 * chip is reset there while power stays; a page of the store decays before a session; a block of
 * the store goes bad at a program or erase; a download goes wrong.
 */
export const FAULT_KINDS = ["cuts", "resets", "decay", "bad-blocks", "transport"] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** How many faults of each kind came. */
export type FaultCounts = Readonly<Record<FaultKind, number>>;

/** What one page of the store is like from one session on. */
export interface Decay {
  /** Page of the store. */
  readonly page: number;
  /** Lost: beyond what ECC corrects. Weak: as many bits are wrong as it corrects. */
  readonly kind: "lost" | "weak";
}

/** What may be wrong with the transport of a release, once in a session. */
export const TRANSPORT_FAULTS = [
  /** The connection goes in the middle of an image; another one goes on from there. */
  "dropped",
  /** The file ends early. */
  "truncated",
  /** A fragment holds another byte than the file. */
  "wrong-content",
  /** The server exchanges the file: what follows is another release's. */
  "exchanged",
  /** The server offers another release in the middle, and then this one again. */
  "other-release",
  /** What is known of the file is stale, so that it comes from its start again. */
  "stale-etag",
] as const;
export type TransportFault = (typeof TRANSPORT_FAULTS)[number];

/** What goes wrong in one session besides that it may be cut. */
export interface SessionFaults {
  /** A page of the store decays before the session. */
  readonly decay: Decay | null;
  /** Number of the operation at which the block that it works on goes bad. */
  readonly badAt: number | null;
  readonly transport: TransportFault | null;
}

export const NO_FAULTS: SessionFaults = { decay: null, badAt: null, transport: null };

/** Counts of nothing yet. */
export function noFaultCounts(): Record<FaultKind, number> {
  return { cuts: 0, resets: 0, decay: 0, "bad-blocks": 0, transport: 0 };
}

/** The kinds of fault that are in these, one entry for each. */
export function kindsOf(faults: SessionFaults): readonly FaultKind[] {
  return [
    ...(faults.decay === null ? [] : (["decay"] as const)),
    ...(faults.badAt === null ? [] : (["bad-blocks"] as const)),
    ...(faults.transport === null ? [] : (["transport"] as const)),
  ];
}

/** The same, each fault left out in turn. */
export function withOneLess(faults: SessionFaults): readonly SessionFaults[] {
  return [
    ...(faults.decay === null ? [] : [{ ...faults, decay: null }]),
    ...(faults.badAt === null ? [] : [{ ...faults, badAt: null }]),
    ...(faults.transport === null ? [] : [{ ...faults, transport: null }]),
  ];
}
