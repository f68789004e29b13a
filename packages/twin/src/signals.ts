// SPDX-License-Identifier: Apache-2.0

/** Why the chip was reset last, as RESETREAS of the nRF5340 would say. */
export type ResetReason = "power-on" | "soft" | "watchdog" | "lockup";

/** Bits of RESETREAS (nRF5340 product specification, RESET chapter); power-on leaves it zero. */
export const RESETREAS: Readonly<Record<ResetReason, number>> = {
  "power-on": 0,
  watchdog: 1 << 1,
  soft: 1 << 3,
  lockup: 1 << 4,
};

/** Thrown when a program waits for what never comes, and nothing resets the microcontroller. */
export class McuHang extends Error {
  constructor(why: string) {
    super(why);
    this.name = "McuHang";
  }
}

/** Thrown when the microcontroller resets: like `PowerLoss`, only the device catches it. */
export class McuReset extends Error {
  readonly reason: ResetReason;

  constructor(reason: ResetReason) {
    super(`reset: ${reason}`);
    this.name = "McuReset";
    this.reason = reason;
  }
}
