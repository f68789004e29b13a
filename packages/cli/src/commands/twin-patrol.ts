// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";

import type { Command } from "@commander-js/extra-typings";
import { healRelease } from "@tandem/agent";
import type { HealReport, LostRange, PlacedRange } from "@tandem/agent";
import { FormatError, UsageError, hex } from "@tandem/base";
import type { TandemError } from "@tandem/base";
import type { UpdateService } from "@tandem/update";

import type { Context } from "../context.js";
import { ExitCode, exitCodeOf } from "../exit-codes.js";
import { systemRetry } from "../system-retry.js";
import { startWork } from "../twin/session.js";
import { TwinDirectory } from "../twin/twin-directory.js";

/** `tandem twin patrol`: looks for lost pages, and has a server's help to put them back. */
export function registerPatrol(twin: Command, context: Context): void {
  twin
    .command("patrol")
    .description("Read both copies of every stored release, move what is weak, name what is lost")
    .argument("<dir>", "directory of the device")
    .option("--url <url>", "server to download what is lost from, e.g. https://127.0.0.1:8443")
    .option("--ca <pem>", "certificate of the authority to trust")
    .option("--json", "print one JSON document on standard output")
    .addHelpText(
      "after",
      "\nExit status: 0 nothing is lost any more, 1 something is, 2 usage, 3 something is\n" +
        "because the server could not be reached or does not have it.",
    )
    .action(async (dir, options) => {
      const server = serverOf(options);
      using directory = TwinDirectory.open(dir);
      const app = startWork(directory, context);
      try {
        const report = app.service.patrol();
        const lost = report.lost.map((range) => placed(app.service, range));
        const healing =
          server === null || lost.length === 0
            ? null
            : await healRelease({
                ...server,
                target: app.service,
                lost: report.lost,
                retry: systemRetry(),
                signal: context.signal,
              });
        context.setExitCode(exitCode(lost, healing));
        const { pagesRead, movedBlocks } = report;
        context.out(
          options.json === true
            ? `${JSON.stringify({ pagesRead, movedBlocks, lost, healing: healingJson(healing) }, null, 2)}\n`
            : text(pagesRead, movedBlocks, lost, healing),
        );
      } finally {
        directory.save(app);
      }
    });
}

function serverOf(options: {
  readonly url?: string | undefined;
  readonly ca?: string | undefined;
}): { readonly baseUrl: string; readonly tls: { readonly ca: string } } | null {
  const { url, ca } = options;
  if (url === undefined && ca === undefined) return null;
  if (url === undefined || ca === undefined) {
    const [given, missing] = url === undefined ? ["--ca", "--url"] : ["--url", "--ca"];
    throw new UsageError("cli/options", `${given} without ${missing}, expected both or none`);
  }
  return { baseUrl: url, tls: { ca: readFileSync(ca, "utf8") } };
}

function placed(service: UpdateService, range: LostRange): PlacedRange {
  return { ...range, origin: service.originOf(range) };
}

/** A server that has other bytes than were signed is a finding, not a malfunction. */
function exitCode(lost: readonly PlacedRange[], healing: HealReport | null): ExitCode {
  if (healing === null) return lost.length === 0 ? ExitCode.Ok : ExitCode.Negative;
  const failure = healing.failed.find(({ error }) => !(error instanceof FormatError));
  if (failure !== undefined) return exitCodeOf(failure.error);
  const isWhole = healing.verified.every(({ reasons }) => reasons.length === 0);
  return healing.failed.length === 0 && isWhole ? ExitCode.Ok : ExitCode.Negative;
}

function healingJson(healing: HealReport | null): object | null {
  if (healing === null) return null;
  const failed = healing.failed.map(({ range, error }) => ({ ...range, error: errorJson(error) }));
  return { ...healing, failed };
}

function errorJson({ code, message }: TandemError): object {
  return { code, message };
}

function text(
  pagesRead: number,
  movedBlocks: number,
  lost: readonly PlacedRange[],
  healing: HealReport | null,
): string {
  const lines = [`${pagesRead} pages read, ${movedBlocks} blocks moved`];
  for (const range of lost) lines.push(`lost in both copies: ${placeText(range)}`);
  if (lost.length === 0) lines.push("nothing is lost");
  if (healing !== null) {
    for (const range of healing.healed) lines.push(`put back: ${placeText(range)}`);
    for (const { range, error } of healing.failed) {
      lines.push(`still lost: ${placeText(range)}: ${error.message} [${error.code}]`);
    }
    lines.push(`${healing.bytesDownloaded} bytes downloaded`);
    for (const { release, version, reasons } of healing.verified) {
      if (reasons.length === 0) lines.push(`${release} ${version}: all images valid`);
      for (const { image, code, message } of reasons) {
        lines.push(`${release} ${version}: image ${image ?? "set"}: ${message} [${code}]`);
      }
    }
  }
  return lines.map((line) => `${line}\n`).join("");
}

function placeText({ image, offsetBytes, lengthBytes, origin }: PlacedRange): string {
  const end = hex(offsetBytes + lengthBytes);
  const place = `image ${image} (${origin.core}), bytes ${hex(offsetBytes)} to ${end}`;
  return `${origin.release} ${origin.version}: ${place}, ${lengthBytes} bytes`;
}
