// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

import type { Command } from "@commander-js/extra-typings";
import type { FlashOperation } from "@tandem/flash";
import { loadSigner } from "@tandem/image/node";
import { parseReleaseInput } from "@tandem/release";
import type { ReleaseInput } from "@tandem/release";

import type { Context } from "../context.js";
import { buildDemoReleases, demoSigner } from "../demo/demo-releases.js";
import { FACTORY_BAD_BLOCKS } from "../demo/story.js";
import { runDemo } from "../demo/run-demo.js";
import { SILENT, createTimeline } from "../demo/timeline.js";
import { ExitCode } from "../exit-codes.js";
import { parseWholeNumber } from "../option-parsers.js";

interface DemoCommandOptions {
  readonly app?: string | undefined;
  readonly net?: string | undefined;
  readonly bundle?: true | undefined;
  readonly key?: string | undefined;
  readonly seed: number;
  readonly trace?: string | undefined;
  readonly unlinked?: true | undefined;
  readonly json?: true | undefined;
}

/** `tandem demo`: the whole path once, on a twin, against a real HTTPS server. */
export function registerDemoCommand(program: Command, context: Context): void {
  program
    .command("demo")
    .description("Update an nRF5340 twin over HTTPS through faults, roll back, and switch back")
    .option("--app <file>", "application firmware of 1.1.0: .bin, .hex or signed image")
    .option("--net <file>", "network core firmware of 1.1.0: .bin, .hex or signed image")
    .option("--bundle", "download one dfu_multi_image.bin instead of one file per image")
    .option("--key <pem>", "private key that signs all images; default: made from the seed")
    .option("--seed <n>", "decides everything that is random", parseWholeNumber(0, 0xffff_ffff), 1)
    .option("--trace <file>", "write one JSON line per flash operation")
    .option("--unlinked", "only warn of wrong link addresses and missing fw_info")
    .option("--json", "print one JSON document on standard output")
    .addHelpText("after", "\nExit status: 0 only if every step ended as told.")
    .action(async (options) => await demo(options, context));
}

async function demo(options: DemoCommandOptions, context: Context): Promise<void> {
  const isJson = options.json === true;
  const signer =
    options.key === undefined
      ? demoSigner(options.seed)
      : loadSigner(readFileSync(options.key, "utf8"), { name: options.key });
  const releases = buildDemoReleases({
    seed: options.seed,
    signer,
    app: readFirmware(options.app),
    net: readFirmware(options.net),
    unlinked: options.unlinked === true,
    onWarning: (problem) => context.err(`warning: ${problem.message}\n`),
  });
  if (!isJson) {
    context.out(
      `nRF5340 twin with 1 Gb SPI-NAND, ${FACTORY_BAD_BLOCKS} bad blocks, seed ${options.seed}; ` +
        "provisioned with release 1.0.0\n",
    );
  }
  const trace = options.trace === undefined ? null : openTrace(options.trace);
  try {
    const report = await runDemo({
      seed: options.seed,
      releases,
      keys: [signer.publicKey],
      unlinked: options.unlinked === true,
      mode: options.bundle === true ? "bundle" : "files",
      signal: context.signal,
      observer: isJson ? SILENT : createTimeline(context),
      ...(trace === null ? {} : { onOperation: trace.write }),
    });
    if (!report.ok) context.setExitCode(ExitCode.Negative);
    if (isJson) context.out(`${JSON.stringify(report)}\n`);
    else {
      const { mixedStarts, unverifiedStarts, flashRuleViolations } = report;
      context.out(
        `\n${report.ok ? "every step ended as told" : "NOT every step ended as told"}; ` +
          `${mixedStarts} mixed starts, ${unverifiedStarts} unverified starts, ` +
          `${flashRuleViolations} broken flash rules\n`,
      );
    }
  } finally {
    trace?.close();
  }
}

function readFirmware(file: string | undefined): ReleaseInput | null {
  if (file === undefined) return null;
  return parseReleaseInput(new Uint8Array(readFileSync(file)), { name: file });
}

interface Trace {
  readonly write: (operation: FlashOperation, number: number) => void;
  readonly close: () => void;
}

/** One JSON line per operation that changes flash, in order. */
function openTrace(file: string): Trace {
  const fd = openSync(file, "w");
  return {
    write: (operation, number) => {
      writeSync(fd, `${JSON.stringify({ number, ...operation })}\n`);
    },
    close: () => closeSync(fd),
  };
}
