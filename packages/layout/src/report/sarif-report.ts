// SPDX-License-Identifier: Apache-2.0
import type { FormatError } from "@tandem/base";

import { formatSdkRange } from "../model/sdk-version.js";
import type { Place } from "../place.js";
import { RULES } from "../rules/all-rules.js";
import type { Finding } from "../rules/rule.js";

/**
 * A SARIF 2.1.0 log of one run, for code scanning.
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0
 */
export function sarifReport(
  findings: readonly Finding[],
  unreadable: readonly FormatError[],
): unknown {
  const used = new Set(findings.map(({ rule }) => rule));
  const rules = RULES.filter(({ id }) => used.has(id));
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "tandem check",
            rules: rules.map(({ id, title, reason, source, affects, fix, severity }) => ({
              id,
              shortDescription: { text: title },
              fullDescription: { text: reason },
              help: { text: `${fix} Source: ${source}. Affects: ${formatSdkRange(affects)}.` },
              defaultConfiguration: { level: severity },
            })),
          },
        },
        columnKind: "utf16CodeUnits",
        invocations: [
          {
            executionSuccessful: unreadable.length === 0,
            toolExecutionNotifications: unreadable.map((error) => ({
              level: "error",
              message: { text: error.message },
            })),
          },
        ],
        results: findings.map((finding) => ({
          ruleId: finding.rule,
          ruleIndex: rules.findIndex(({ id }) => id === finding.rule),
          level: finding.severity,
          message: { text: `${finding.message}. ${finding.fix}` },
          locations: [locationOf(finding.place)],
          relatedLocations: finding.related.map(({ place, message }, id) => ({
            id,
            ...locationOf(place),
            message: { text: message },
          })),
        })),
      },
    ],
  };
}

function locationOf({ file, line, column, length }: Place) {
  return {
    physicalLocation: {
      artifactLocation: { uri: file.split("/").map(encodeURIComponent).join("/") },
      region: { startLine: line, startColumn: column, endColumn: column + length },
    },
  };
}
