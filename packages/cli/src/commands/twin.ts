// SPDX-License-Identifier: Apache-2.0
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";

import { Option } from "@commander-js/extra-typings";
import type { Command } from "@commander-js/extra-typings";
import { downloadRelease } from "@tandem/agent";
import { createRandom } from "@tandem/base";
import { NAND_PROFILES, W25N01GV } from "@tandem/flash";
import { parseReleaseJson } from "@tandem/release";
import { provision, selfTest } from "@tandem/twin";
import type { RunningApplication } from "@tandem/twin";

import type { Context } from "../context.js";
import { ExitCode } from "../exit-codes.js";
import { collect, parseWholeNumber } from "../option-parsers.js";
import { ProgressLine } from "../progress-line.js";
import { systemRetry } from "../system-retry.js";
import { bootDevice, startWork } from "../twin/session.js";
import { describeStatus, readStatus } from "../twin/status.js";
import { TwinDirectory } from "../twin/twin-directory.js";
import { registerPatrol } from "./twin-patrol.js";

const JSON_OPTION = ["--json", "print one JSON document on standard output"] as const;

/** `tandem twin`: a device in a directory, to try one's own releases on. */
export function registerTwinCommands(program: Command, context: Context): void {
  const twin = program
    .command("twin")
    .description("A simulated nRF5340 with SPI-NAND in a directory, to try releases on");
  registerInit(twin, context);
  registerUpdate(twin, context);
  registerBoot(twin, context);
  registerAccept(twin, context);
  registerReject(twin, context);
  registerSwitchBack(twin, context);
  registerPatrol(twin, context);
  registerStatus(twin, context);
}

function registerInit(twin: Command, context: Context): void {
  twin
    .command("init")
    .description("Make a device that runs a first release, as production does")
    .argument("<dir>", "new directory for the device")
    .requiredOption("--release <dir>", "release to provision, made by `tandem release build`")
    .requiredOption("--key <pem>", "public key that the device trusts; repeat for more", collect)
    .option("--bad-blocks <n>", "factory bad blocks of the NAND", parseWholeNumber(0, 20), 0)
    .option("--seed <n>", "places the bad blocks", parseWholeNumber(0, 0xffff_ffff), 1)
    .addOption(
      new Option("--nand <part>", "the device's SPI-NAND")
        .choices(NAND_PROFILES.map(({ name }) => name))
        .default(W25N01GV.name),
    )
    .option("--unlinked", "accept firmware that was linked for other addresses")
    .option(...JSON_OPTION)
    .action((dir, options) => {
      const file = path.join(options.release, "release.json");
      const release = parseReleaseJson(readFileSync(file, "utf8"), { name: file });
      const images = release.images.map(
        (image) => new Uint8Array(readFileSync(path.join(options.release, image.file))),
      );
      using directory = TwinDirectory.create(dir, {
        hardware: release.hardware,
        keys: options.key.map((name) => readFileSync(name, "utf8")),
        unlinked: options.unlinked === true,
        nand: NAND_PROFILES.find(({ name }) => name === options.nand) ?? W25N01GV,
      });
      try {
        markBadBlocks(directory, options.badBlocks, options.seed);
        provision(directory.twin, release, images);
        directory.save(null);
      } catch (error) {
        rmSync(dir, { recursive: true, force: true });
        throw error;
      }
      print(context, options.json, { directory: dir, release: release.version }, () => [
        `${dir}: provisioned with release ${release.version}`,
        `next: tandem twin boot ${dir}`,
      ]);
    });
}

function markBadBlocks(directory: TwinDirectory, count: number, seed: number): void {
  const random = createRandom(seed);
  const bad = new Set<number>();
  // Block 0 of these parts is good at shipment.
  const { blockCount } = directory.twin.nand.geometry;
  while (bad.size < count) bad.add(1 + random.below(blockCount - 1));
  for (const block of bad) directory.twin.nand.markFactoryBad(block);
}

function registerUpdate(twin: Command, context: Context): void {
  twin
    .command("update")
    .description("Download a release, verify all images, and stage it; resumes what was cut short")
    .argument("<dir>", "directory of the device")
    .requiredOption("--url <url>", "server, e.g. https://127.0.0.1:8443")
    .requiredOption("--ca <pem>", "certificate of the authority to trust")
    .requiredOption("--release <version>", "version of the release")
    .option("--bundle", "download one dfu_multi_image.bin instead of one file per image")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExit status: 0 staged, 1 refused by verification, 2 usage, 3 network.")
    .action(async (dir, options) => {
      const ca = readFileSync(options.ca, "utf8");
      const bar = new ProgressLine(context);
      using directory = TwinDirectory.open(dir);
      const app = startWork(directory, context);
      try {
        const downloaded = await downloadRelease({
          baseUrl: options.url,
          release: options.release,
          target: app.service,
          tls: { ca },
          mode: options.bundle === true ? "bundle" : "files",
          retry: systemRetry(),
          signal: context.signal,
          onProgress: (at) =>
            bar.show(`download ${at.core}`, at.releaseBytes, at.releaseBytesTotal),
        });
        bar.clear();
        const verdict = app.service.finish();
        if (verdict.ok) app.service.install();
        else context.setExitCode(ExitCode.Negative);
        const reasons = verdict.ok ? [] : verdict.reasons;
        print(context, options.json, { release: options.release, ...downloaded, reasons }, () =>
          verdict.ok
            ? [`${options.release}: all images valid, staged`, `next: tandem twin boot ${dir}`]
            : reasons.map(
                (reason) =>
                  `${options.release}: refused: image ${reason.image ?? "set"}: ${reason.message} [${reason.code}]`,
              ),
        );
      } finally {
        bar.clear();
        directory.save(app);
      }
    });
}

function registerBoot(twin: Command, context: Context): void {
  twin
    .command("boot")
    .description("Reset the device: MCUboot with Tandem's hook installs or rolls back, then starts")
    .argument("<dir>", "directory of the device")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExit status: 0 an application runs, 1 nothing could be started.")
    .action((dir, options) => {
      const bar = new ProgressLine(context);
      const events: string[] = [];
      using directory = TwinDirectory.open(dir, {
        onBootEvent: (event) => {
          bar.clear();
          events.push(event.text);
          if (options.json !== true) context.out(`  ${event.text}\n`);
        },
        onProgress: (core, done, total) => bar.show(`install ${core}`, done, total),
      });
      const wasRunning = directory.isRunning;
      directory.beginWork();
      const outcome = bootDevice(directory.twin, wasRunning);
      bar.clear();
      directory.save(outcome.kind === "application" ? outcome.app : null);
      if (outcome.kind !== "application") context.setExitCode(ExitCode.Negative);
      const status = readStatus(directory.twin);
      const { boots } = directory.twin;
      print(context, options.json, { boots, events, ...status }, () => describeStatus(status));
    });
}

function registerAccept(twin: Command, context: Context): void {
  twin
    .command("accept")
    .description("Run the application's self-test and accept the release that is on trial")
    .argument("<dir>", "directory of the device")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExit status: 0 accepted, 1 the self-test failed and nothing changed.")
    .action((dir, options) => {
      inApplication(dir, context, options.json, (app) => {
        const result = selfTest(app);
        if (result.ok) app.service.accept();
        else context.setExitCode(ExitCode.Negative);
        return result.ok ? "accepted" : `not accepted: self-test: ${result.code}`;
      });
    });
}

function registerReject(twin: Command, context: Context): void {
  twin
    .command("reject")
    .description("Reject the release that is on trial; the next boot rolls all images back")
    .argument("<dir>", "directory of the device")
    .option(...JSON_OPTION)
    .action((dir, options) => {
      inApplication(dir, context, options.json, (app) => {
        app.service.reject("self-test");
        return `rejected; next: tandem twin boot ${dir}`;
      });
    });
}

function registerSwitchBack(twin: Command, context: Context): void {
  twin
    .command("switch-back")
    .description("Stage the previous accepted release; the next boot installs it")
    .argument("<dir>", "directory of the device")
    .option(...JSON_OPTION)
    .action((dir, options) => {
      inApplication(dir, context, options.json, (app) => {
        app.service.switchBack();
        return `previous release staged; next: tandem twin boot ${dir}`;
      });
    });
}

function registerStatus(twin: Command, context: Context): void {
  twin
    .command("status")
    .description("Show state, banks and what both cores hold; changes nothing")
    .argument("<dir>", "directory of the device")
    .option(...JSON_OPTION)
    .action((dir, options) => {
      using directory = TwinDirectory.open(dir);
      const status = readStatus(directory.twin);
      print(context, options.json, { ...status }, () => describeStatus(status));
    });
}

/** Does one thing with the running application, and keeps the device's state whatever comes. */
function inApplication(
  dir: string,
  context: Context,
  json: boolean | undefined,
  work: (app: RunningApplication) => string,
): void {
  using directory = TwinDirectory.open(dir);
  const app = startWork(directory, context);
  try {
    const said = work(app);
    print(context, json, { said, ...readStatus(directory.twin) }, () => [said]);
  } finally {
    directory.save(app);
  }
}

function print(
  context: Context,
  json: boolean | undefined,
  document: Readonly<Record<string, unknown>>,
  lines: () => readonly string[],
): void {
  if (json === true) context.out(`${JSON.stringify(document, null, 2)}\n`);
  else for (const line of lines()) context.out(`${line}\n`);
}
