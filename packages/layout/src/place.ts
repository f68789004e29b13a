// SPDX-License-Identifier: Apache-2.0

/** A stretch of one line of a file. */
export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** UTF-16 units, at least 1. */
  readonly length: number;
}

/** A value, and where it was written. */
export interface Located<T> {
  readonly value: T;
  readonly place: Place;
}

/** `file:line:column`. */
export function placeText(place: Place): string {
  return `${place.file}:${place.line}:${place.column}`;
}
