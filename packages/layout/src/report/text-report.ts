// SPDX-License-Identifier: Apache-2.0
import { formatSdkRange } from "../model/sdk-version.js";
import { placeText } from "../place.js";
import type { Place } from "../place.js";
import type { SourceText } from "../read/source-text.js";
import type { Finding } from "../rules/rule.js";

/** Longest quoted line, characters. */
const MAX_LINE = 160;

/**
 * A finding for people: what, the line with the place underlined, why, what to do, where that is
 * written.
 * @param explained rules whose reason was told already
 */
export function findingText(
  finding: Finding,
  sources: ReadonlyMap<string, SourceText>,
  explained: Set<string>,
): string {
  const lines = [`${finding.severity}[${finding.rule}]: ${finding.message}`];
  lines.push(...quote(finding.place, sources, "^"));
  for (const { place, message } of finding.related.slice(0, 4)) {
    lines.push(...quote(place, sources, "-", message));
  }
  const isFirst = !explained.has(finding.rule);
  explained.add(finding.rule);
  if (isFirst) lines.push(`  why: ${finding.reason}`);
  lines.push(`  fix: ${finding.fix}`);
  if (isFirst) {
    lines.push(`  source: ${finding.source}`);
    lines.push(`  affects: ${formatSdkRange(finding.affects)} (nRF Connect SDK)`);
  }
  return `${lines.join("\n")}\n`;
}

/** The line of a place, and the place underlined. */
export function quote(
  place: Place,
  sources: ReadonlyMap<string, SourceText>,
  mark: "^" | "-",
  message = "",
): string[] {
  const source = sources.get(place.file);
  const head = `  --> ${source === undefined ? place.file : placeText(place)}`;
  const note = message === "" ? "" : ` ${message}`;
  if (source === undefined) return [`${head}${note}`];
  const number = String(place.line);
  const margin = " ".repeat(number.length);
  const line = source.line(place.line);
  // Tabs stay in the margin of the underline, so that it stands below its text.
  const before = line.slice(0, place.column - 1).replace(/[^\t]/g, " ");
  if (place.column > MAX_LINE) return [`${head}${note}`];
  const length = Math.max(1, Math.min(place.length, MAX_LINE - place.column + 1));
  return [
    head,
    ` ${number} | ${line.slice(0, MAX_LINE)}`,
    ` ${margin} | ${before}${mark.repeat(length)}${note}`,
  ];
}
