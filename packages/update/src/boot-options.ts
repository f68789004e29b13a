// SPDX-License-Identifier: Apache-2.0
import type { PagedFlash } from "@tandem/flash";
import type { StoreOptions } from "@tandem/store";

import type { CoreInstaller } from "./core-installer.js";
import type { Marker } from "./marker.js";
import type { Trust } from "./trust.js";
import type { ImageSlot } from "./verify-bank.js";

/** What the coordinator needs of the chip beside flash and cores. */
export interface BootPorts {
  /** Hardware security counter: read, and raised for an accepted release only. */
  readonly securityCounter: { read(): number; raise(value: number): void };
  /** Watchdog: once started, only a reset stops it. */
  readonly watchdog: { start(): void; feed(): void };
  /** Number of the last reset's reason, kept with a failed trial. */
  readonly resetReason: number;
  /** Called last, before control goes back to MCUboot: clears the PCD command, locks its RAM. */
  readonly seal: () => void;
}

export interface BootOptions {
  readonly nand: PagedFlash;
  readonly storeOptions?: StoreOptions;
  readonly marker: Marker;
  /** By image index; index 0 is the application core, whose flash can be read. */
  readonly cores: readonly CoreInstaller[];
  readonly slots: readonly ImageSlot[];
  readonly trust: Trust;
  readonly ports: BootPorts;
  /** Start firmware in the primary slot that verifies but is not the accepted one (a debugger's). */
  readonly allowForeign?: boolean;
  /**
   * Start a device whose store was never formatted, and install a first release on one that has
   * none: there is nothing to fall back to until it is accepted.
   */
  readonly allowAdoption?: boolean;
  readonly log?: (event: BootEvent) => void;
}

/** What the coordinator did, for logs and traces. */
export interface BootEvent {
  readonly kind:
    | "state"
    | "install-begin"
    | "core-skipped"
    | "core-installed"
    | "core-failed"
    | "installed"
    | "fallback"
    | "refused"
    | "trial"
    | "foreign"
    | "nand-failed"
    | "scrubbed"
    | "scrub-failed";
  readonly text: string;
}

/** What MCUboot does next. */
export type BootDecision =
  | { readonly kind: "start" }
  | { readonly kind: "reset" }
  | { readonly kind: "recovery"; readonly why: string };

/** Install attempts on a candidate before it counts as failed. */
export const MAX_INSTALL_ATTEMPTS = 8;
/** Trial boots that a candidate gets before it counts as failed. */
export const TRIAL_BOOTS = 3;
