// SPDX-License-Identifier: Apache-2.0
import type { FormatError } from "@tandem/base";

import { checkProject, mergeFindings } from "../check-project.js";
import { parseSdkVersion } from "../model/sdk-version.js";
import { planProjects } from "../project-files.js";
import { readProject } from "../read-project.js";
import { SourceText } from "../read/source-text.js";
import type { Finding } from "../rules/rule.js";
import type { ProjectFiles } from "./base-projects.js";

/** What a check of a folder with these files says. */
export interface CheckedFiles {
  readonly findings: readonly Finding[];
  readonly unreadable: readonly FormatError[];
  readonly builds: readonly string[];
}

/** Checks files as `tandem check` does with a folder. */
export function checkFiles(
  files: ProjectFiles,
  options: { readonly sdk?: string; readonly release?: boolean } = {},
): CheckedFiles {
  const encoder = new TextEncoder();
  const read = (path: string): Uint8Array => {
    const content = files[path] ?? "";
    return typeof content === "string" ? encoder.encode(content) : content;
  };
  const sources = new Map<string, SourceText>();
  const plan = planProjects(Object.keys(files).toSorted(), []);
  const projects = plan.projects.map((planned) => readProject(planned, read, sources));
  const sdk = options.sdk === undefined ? null : parseSdkVersion(options.sdk);
  const findings = projects.map(({ project }) =>
    checkProject(project, { sdk, release: options.release ?? false }),
  );
  return {
    findings: mergeFindings(findings),
    unreadable: projects.flatMap(({ unreadable }) => unreadable),
    builds: projects.map(({ project }) => project.name),
  };
}
