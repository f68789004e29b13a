// SPDX-License-Identifier: Apache-2.0
import type { Assignment, KconfigFile } from "../read/kconfig.js";

/** The image of a build that a configuration belongs to. */
export type ImageRole = "sysbuild" | "app" | "mcuboot" | "b0n" | "net";

/** Whether an option is on, as far as the files that were read tell. */
export type OptionState = "on" | "off" | "unknown";

/** What all files of one image say together: the last assignment counts. */
export class Configuration {
  readonly role: ImageRole;
  readonly files: readonly KconfigFile[];
  readonly #effective = new Map<string, Assignment>();

  /** @param files in the order in which the build merges them */
  constructor(role: ImageRole, files: readonly KconfigFile[]) {
    this.role = role;
    this.files = files;
    for (const { assignments } of files) {
      for (const assignment of assignments) this.#effective.set(assignment.symbol, assignment);
    }
  }

  /** True when a .config is among the files: what it does not mention is off. */
  get complete(): boolean {
    return this.files.some(({ complete }) => complete);
  }

  /** The assignment that counts. */
  get(symbol: string): Assignment | null {
    return this.#effective.get(symbol) ?? null;
  }

  /** The assignment of a symbol whose name is one of several in the history of the SDK. */
  anyOf(symbols: readonly string[]): Assignment | null {
    for (const symbol of symbols) {
      const found = this.get(symbol);
      if (found !== null) return found;
    }
    return null;
  }

  state(symbol: string): OptionState {
    const value = this.get(symbol)?.value;
    if (value === undefined) return this.complete ? "off" : "unknown";
    return value === "n" ? "off" : "on";
  }

  /** A number, decimal or hex; null when it is not set to one. */
  number(symbol: string): number | null {
    const value = this.get(symbol)?.value;
    if (value === undefined || !/^(-?\d+|0[xX][0-9a-fA-F]+)$/.test(value)) return null;
    return Number(value);
  }
}
