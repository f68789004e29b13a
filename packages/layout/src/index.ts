// SPDX-License-Identifier: Apache-2.0
export { checkProject, mergeFindings } from "./check-project.js";
export type { CheckOptions } from "./check-project.js";
export { formatSdkRange, formatSdkVersion, parseSdkVersion } from "./model/sdk-version.js";
export type { SdkRange, SdkVersion } from "./model/sdk-version.js";
export type { Place } from "./place.js";
export { classifyFound, planProjects } from "./project-files.js";
export type { PlannedProject, ProjectPlan } from "./project-files.js";
export { readProject } from "./read-project.js";
export type { ReadProject } from "./read-project.js";
export { SourceText } from "./read/source-text.js";
export { sarifReport } from "./report/sarif-report.js";
export { findingText, quote } from "./report/text-report.js";
export { RULES } from "./rules/all-rules.js";
export type { Finding, Rule, Severity } from "./rules/rule.js";
