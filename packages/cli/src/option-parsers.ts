// SPDX-License-Identifier: Apache-2.0
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
