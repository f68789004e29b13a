// SPDX-License-Identifier: Apache-2.0

/**
 * MCUboot stops for good: an assertion fails, or a loop never ends. Not an error of this package:
 * `bootGo` turns it into its result.
 */
export class BootStop extends Error {
  readonly kind: "assert" | "hang";
  /** MCUboot's function. */
  readonly where: string;
  /** What MCUboot took for granted. */
  readonly what: string;

  constructor(kind: "assert" | "hang", where: string, what: string) {
    super(`${where}: ${what}`);
    this.name = "BootStop";
    this.kind = kind;
    this.where = where;
    this.what = what;
  }
}

/** MCUboot's `assert`. */
export function bootAssert(condition: boolean, where: string, what: string): asserts condition {
  if (!condition) throw new BootStop("assert", where, what);
}
