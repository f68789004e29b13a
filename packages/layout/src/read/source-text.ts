// SPDX-License-Identifier: Apache-2.0
import { FormatError, hex } from "@tandem/base";

import { placeText } from "../place.js";
import type { Place } from "../place.js";

/**
 * Longest text file that is read, bytes. A zephyr.dts of an nRF5340 has about 100 KiB, a .config
 * 80 KiB.
 */
const MAX_TEXT_BYTES = 2_097_152;

/** One file as text, which knows where its lines are. */
export class SourceText {
  readonly name: string;
  readonly text: string;
  readonly #lineStarts: readonly number[];

  constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
    const starts = [0];
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) {
      starts.push(at + 1);
    }
    this.#lineStarts = starts;
  }

  /**
   * Decodes UTF-8.
   * @throws {FormatError} layout/too-large, layout/not-text
   */
  static decode(name: string, bytes: Uint8Array, maxBytes: number = MAX_TEXT_BYTES): SourceText {
    if (bytes.length > maxBytes) {
      const place = { file: name, line: 1, column: 1, length: 1 };
      throw badInput(
        "layout/too-large",
        `${bytes.length} bytes, expected at most ${maxBytes}`,
        place,
      );
    }
    const text = new TextDecoder().decode(bytes);
    const source = new SourceText(name, text);
    // TextDecoder puts U+FFFD where the bytes are no UTF-8.
    const at = text.search(/[\0-\x08\x0e-\x1f\ufffd]/); // oxlint-disable-line no-control-regex
    if (at === -1) return source;
    const found = text[at] === "\ufffd" ? "bytes that are no UTF-8" : byteName(text, at);
    throw badInput("layout/not-text", `${found}, expected text`, source.placeOf(at, 1));
  }

  /** @param length cut at the end of the line */
  placeOf(offset: number, length: number): Place {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const start = this.#lineStarts[low] ?? 0;
    const rest = this.line(low + 1).length - (offset - start);
    return {
      file: this.name,
      line: low + 1,
      column: offset - start + 1,
      length: Math.max(1, Math.min(length, rest)),
    };
  }

  /** Text of a line without its end; empty behind the last one. */
  line(number: number): string {
    const start = this.#lineStarts[number - 1];
    if (start === undefined) return "";
    const next = this.#lineStarts[number];
    return this.text.slice(start, next === undefined ? undefined : next - 1).replace(/\r$/, "");
  }

  get lineCount(): number {
    return this.#lineStarts.length;
  }
}

/** The error for input that cannot be read: message and details carry the place. */
export function badInput(
  code: string,
  message: string,
  place: Place,
  cause?: unknown,
): FormatError {
  return new FormatError(code, `${placeText(place)}: ${message}`, {
    cause,
    details: { ...place, message },
  });
}

function byteName(text: string, at: number): string {
  return `byte ${hex(text.charCodeAt(at), 2)}`;
}
