// SPDX-License-Identifier: Apache-2.0
import { layoutsInUse } from "./model/project.js";
import type { Project } from "./model/project.js";
import { isAffected } from "./model/sdk-version.js";
import type { SdkVersion } from "./model/sdk-version.js";
import { updateSchemeOf } from "./model/update-scheme.js";
import { placeText } from "./place.js";
import { RULES } from "./rules/all-rules.js";
import type { CheckContext, Finding, Rule, Severity } from "./rules/rule.js";

/** What a check takes besides the files. */
export interface CheckOptions {
  /** Null: rules that hold for every release only. */
  readonly sdk: SdkVersion | null;
  /** True for a build that goes into the field: keys that everybody has are errors. */
  readonly release?: boolean;
  /** Ids of rules that are left out. */
  readonly ignored?: ReadonlySet<string>;
}

const ORDER: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 };

/** Applies every rule; findings come in the order of severity, file and line. */
export function checkProject(project: Project, options: CheckOptions): readonly Finding[] {
  const context: CheckContext = {
    project,
    layouts: layoutsInUse(project),
    scheme: updateSchemeOf(project),
    sdk: options.sdk,
    release: options.release ?? false,
    config: (role) => project.configurations.get(role),
  };
  const rules = RULES.filter((rule) => applies(rule, options));
  return sortFindings(rules.flatMap((rule) => findingsOf(rule, context)));
}

/** The findings of several builds; the same one of two builds is told once. */
export function mergeFindings(lists: readonly (readonly Finding[])[]): readonly Finding[] {
  const merged = new Map<string, Finding>();
  for (const finding of lists.flat()) {
    const key = `${finding.rule} ${placeText(finding.place)} ${finding.message}`;
    const before = merged.get(key);
    const build = before === undefined ? finding.build : `${before.build}, ${finding.build}`;
    merged.set(key, { ...(before ?? finding), build });
  }
  return sortFindings([...merged.values()]);
}

function applies(rule: Rule, { sdk, ignored }: CheckOptions): boolean {
  if (ignored?.has(rule.id) === true) return false;
  return sdk === null ? rule.needsSdk !== true : isAffected(sdk, rule.affects);
}

function findingsOf(rule: Rule, context: CheckContext): Finding[] {
  return [...rule.check(context)].map((violation) => ({
    rule: rule.id,
    severity: violation.severity ?? rule.severity,
    message: violation.message,
    place: violation.place,
    related: violation.related ?? [],
    reason: rule.reason,
    source: rule.source,
    affects: rule.affects,
    fix: violation.fix ?? rule.fix,
    build: context.project.name,
  }));
}

function sortFindings(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted(
    (a, b) =>
      ORDER[a.severity] - ORDER[b.severity] ||
      compareText(a.place.file, b.place.file) ||
      a.place.line - b.place.line ||
      a.place.column - b.place.column ||
      compareText(a.rule, b.rule),
  );
}

/** By code units: the same order everywhere. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
