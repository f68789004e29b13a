// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from "node:fs";

import type { Command } from "@commander-js/extra-typings";
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { FormatError, TandemError, UsageError } from "@tandem/base";
import {
  RULES,
  checkProject,
  findingText,
  formatSdkVersion,
  mergeFindings,
  parseSdkVersion,
  planProjects,
  quote,
  readProject,
  sarifReport,
} from "@tandem/layout";
import type {
  Finding,
  Place,
  ProjectPlan,
  ReadProject,
  SdkVersion,
  SourceText,
} from "@tandem/layout";

import type { Context } from "../context.js";
import { ExitCode } from "../exit-codes.js";
import { findFiles } from "../layout/find-files.js";
import { collect } from "../option-parsers.js";

/** Largest file that is taken into memory: an update package of four images of 16 MiB. */
const MAX_FILE_BYTES = 67_108_864;

/** Everything that one run found. */
interface CheckResult {
  readonly plan: ProjectPlan;
  readonly projects: readonly ReadProject[];
  readonly findings: readonly Finding[];
  readonly unreadable: readonly FormatError[];
  readonly sources: ReadonlyMap<string, SourceText>;
}

/** `tandem check`: partitions and configuration, before they are built and after. */
export function registerCheckCommand(program: Command, context: Context): void {
  program
    .command("check")
    .description("Check partitions and Kconfig of an nRF5340 product for what bricks devices")
    .argument("<path...>", "application folder, build folder, or single files")
    .option("--sdk <version>", "nRF Connect SDK, such as v2.9.2: also check known issues", parseSdk)
    .option("--release", "the build goes into the field: published keys are errors")
    .addOption(
      new Option("--ignore <rule>", "leave a rule out; may be repeated").argParser(parseRule),
    )
    .addOption(new Option("--json", "print one JSON document").conflicts("sarif"))
    .option("--sarif", "print a SARIF 2.1.0 log for code scanning")
    .addHelpText(
      "after",
      "\nExit status: 0 no finding is an error, 1 some are, 2 a file cannot be read.\n" +
        "Rules: docs/check.md.",
    )
    .action((paths, options) => {
      const result = check(paths, {
        sdk: options.sdk ?? null,
        release: options.release === true,
        ignored: new Set(options.ignore),
      });
      if (options.sarif === true) {
        context.out(
          `${JSON.stringify(sarifReport(result.findings, result.unreadable), null, 2)}\n`,
        );
      } else if (options.json === true)
        context.out(`${JSON.stringify(jsonReport(result), null, 2)}\n`);
      else printReport(context, result, options.sdk ?? null);
      if (result.unreadable.length > 0) context.setExitCode(ExitCode.BadInput);
      else if (result.findings.some(({ severity }) => severity === "error")) {
        context.setExitCode(ExitCode.Negative);
      }
    });
}

function check(
  paths: readonly string[],
  options: { sdk: SdkVersion | null; release: boolean; ignored: ReadonlySet<string> },
): CheckResult {
  const { found, named } = findFiles(paths);
  const plan = planProjects(found, named);
  if (plan.projects.length === 0) {
    const expected = "pm_static.yml, prj.conf, sysbuild.conf, a .config or another file of a build";
    throw new UsageError(
      "layout/nothing-to-check",
      `${paths.join(", ")}: nothing to check for an nRF5340, expected ${expected}`,
    );
  }
  const sources = new Map<string, SourceText>();
  const bytes = new Map<string, Uint8Array>();
  const read = (path: string): Uint8Array => {
    const content = bytes.get(path) ?? readBounded(path);
    bytes.set(path, content);
    return content;
  };
  const projects = plan.projects.map((planned) => readProject(planned, read, sources));
  const findings = mergeFindings(projects.map(({ project }) => checkProject(project, options)));
  const unreadable = new Map(
    projects.flatMap((project) => project.unreadable).map((error) => [error.message, error]),
  );
  return { plan, projects, findings, unreadable: [...unreadable.values()], sources };
}

/** Contents of a file, if it is not far larger than anything that is read here. */
function readBounded(path: string): Uint8Array {
  const { size } = statSync(path);
  if (size <= MAX_FILE_BYTES) return readFileSync(path);
  const place = { file: path, line: 1, column: 1, length: 1 };
  const message = `${path}:1:1: ${size} bytes, expected at most ${MAX_FILE_BYTES}`;
  throw new FormatError("layout/too-large", message, { details: place });
}

function jsonReport({ plan, projects, findings, unreadable }: CheckResult) {
  return {
    ok: unreadable.length === 0 && findings.every(({ severity }) => severity !== "error"),
    builds: projects.map(({ project, used }) => ({
      name: project.name,
      board: project.board,
      used,
    })),
    unused: plan.unused,
    unreadable: unreadable.map(({ code, message, details }) => ({ code, message, place: details })),
    findings,
  };
}

function printReport(context: Context, result: CheckResult, sdk: SdkVersion | null): void {
  const { projects, findings, unreadable, sources, plan } = result;
  for (const { project, used } of projects) {
    const board = project.board === null ? "" : `, board ${project.board}`;
    context.out(`${project.name === "" ? "files" : project.name}${board}\n`);
    for (const { path, as } of used) context.out(`  ${path}: ${as}\n`);
  }
  for (const { path, reason } of plan.unused) context.out(`not used: ${path}: ${reason}\n`);
  context.out("\n");
  for (const error of unreadable) context.out(`${unreadableText(error, sources)}\n`);
  const explained = new Set<string>();
  const several = projects.length > 1;
  for (const finding of findings) {
    const build = several ? `  build: ${finding.build}\n` : "";
    context.out(`${findingText(finding, sources, explained)}${build}\n`);
  }
  context.out(`${summary(result)}\n`);
  if (sdk === null) context.out("Known issues were not checked: name the SDK with --sdk v2.9.2.\n");
  else context.out(`Checked for nRF Connect SDK ${formatSdkVersion(sdk)}.\n`);
}

function unreadableText(error: FormatError, sources: ReadonlyMap<string, SourceText>): string {
  const lines = [`cannot read: ${error.message} [${error.code}]`];
  const place = placeOf(error);
  if (place !== null && sources.has(place.file)) lines.push(...quote(place, sources, "^"));
  return `${lines.join("\n")}\n`;
}

function placeOf({ details }: TandemError): Place | null {
  const { file, line, column, length } = details;
  const isPlace =
    typeof file === "string" &&
    typeof line === "number" &&
    typeof column === "number" &&
    typeof length === "number";
  return isPlace ? { file, line, column, length } : null;
}

function summary({ findings, unreadable }: CheckResult): string {
  const count = (severity: Finding["severity"]): number =>
    findings.filter((finding) => finding.severity === severity).length;
  const files = unreadable.length === 0 ? "" : `, ${unreadable.length} files cannot be read`;
  return `${count("error")} errors, ${count("warning")} warnings, ${count("note")} notes${files}`;
}

function parseSdk(text: string): SdkVersion {
  try {
    return parseSdkVersion(text);
  } catch (error) {
    if (!(error instanceof TandemError)) throw error;
    throw new InvalidArgumentError(`${error.message}.`);
  }
}

function parseRule(text: string, before: readonly string[] = []): readonly string[] {
  if (RULES.some(({ id }) => id === text)) return collect(text, before);
  throw new InvalidArgumentError("no such rule: see docs/check.md.");
}
