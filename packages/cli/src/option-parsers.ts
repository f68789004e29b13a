// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import { InvalidArgumentError } from "commander";

/** Parser for an option that is a whole number, decimal or 0x hex, within limits. */
export function parseWholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^(0x[0-9a-fA-F]+|\d+)$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}.`);
  };
}

/** Collects an option that is repeated; a variadic one would swallow the argument behind it. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/**
 * A time as milliseconds, e.g. `90s`, `10m` or `1h`.
 * @throws {UsageError} cli/duration
 */
export function parseDuration(text: string): number {
  const match = /^(\d+)(s|m|h)$/.exec(text);
  const [, number, unit] = match ?? [];
  const ms = { s: 1000, m: 60_000, h: 3_600_000 }[unit ?? ""];
  if (ms === undefined) {
    throw new UsageError("cli/duration", `${text}, expected a time such as 90s, 10m or 1h`);
  }
  return Number(number) * ms;
}
