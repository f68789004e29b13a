// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";

/** The first two words of Arm Cortex-M firmware. */
export interface VectorTable {
  /** Initial value of the main stack pointer. */
  readonly stackPointer: number;
  /** Address of the reset handler; bit 0 is set, for Thumb. */
  readonly resetVector: number;
}

/** A range of addresses; `end` is the first one behind it. */
export interface AddressRange {
  readonly start: number;
  readonly end: number;
}

export interface LinkAddressProblem {
  readonly code: "no-vector-table" | "not-thumb" | "wrong-address";
  /** What, where, expected and found. */
  readonly message: string;
  /** Offset in the payload. */
  readonly offsetBytes: number;
}

/**
 * Vector table at the start of the payload; null when it is shorter than that.
 * @see Armv8-M Architecture Reference Manual, section B3.30
 */
export function readVectorTable(payload: Uint8Array): VectorTable | null {
  if (payload.length < 8) return null;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return { stackPointer: view.getUint32(0, true), resetVector: view.getUint32(4, true) };
}

/**
 * Whether firmware is linked for a range: its reset handler must lie there. Raw firmware does not
 * say more of where it belongs.
 * @param payloadHead at least the first 8 bytes
 */
export function checkLinkAddress(
  payloadHead: Uint8Array,
  range: AddressRange,
): LinkAddressProblem | null {
  const vectors = readVectorTable(payloadHead);
  const expected = `expected within ${hex(range.start, 8)} to ${hex(range.end, 8)}`;
  if (vectors === null) {
    const message = `vector table at 0x0: ${payloadHead.length} bytes, expected at least 8`;
    return { code: "no-vector-table", message, offsetBytes: 0 };
  }
  const { resetVector } = vectors;
  const found = `reset vector at 0x4: ${hex(resetVector, 8)}`;
  if (resetVector < range.start || resetVector >= range.end) {
    return { code: "wrong-address", message: `${found}, ${expected}`, offsetBytes: 4 };
  }
  if ((resetVector & 1) === 0) {
    return { code: "not-thumb", message: `${found}, expected an odd address`, offsetBytes: 4 };
  }
  return null;
}
