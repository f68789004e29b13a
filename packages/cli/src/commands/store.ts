// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";

import { Option } from "@commander-js/extra-typings";
import type { Command, OptionValues } from "@commander-js/extra-typings";
import { UsageError } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { NAND_PROFILES, NandChip } from "@tandem/flash";
import { openFileStorage } from "@tandem/flash/node";
import { loadPublicKey } from "@tandem/image/node";
import { Store, checkStore, inspectStore } from "@tandem/store";
import type { StoreInspection, StoreLimits } from "@tandem/store";

import type { Context } from "../context.js";
import { ExitCode } from "../exit-codes.js";
import { collect, parseWholeNumber } from "../option-parsers.js";
import { drawMap, drawSvg } from "../store/block-map.js";
import { cHeader } from "../store/c-header.js";
import { describeFindings, describeStore } from "../store/describe-store.js";
import { dumpFile, dumpLayout, openDump } from "../store/dump-flash.js";
import type { DumpLayout, DumpOptions } from "../store/dump-flash.js";
import { extractImage } from "../store/extract-image.js";
import { provisionChip } from "../store/provision-dump.js";
import { storeJson } from "../store/store-json.js";
import { parseBank, parseBlockList, parseLimits, planOf } from "../store/store-options.js";
import { newChip, refuseExisting, writeDump } from "../store/write-dump.js";
import { replaceFile } from "../write-file.js";

const JSON_OPTION = ["--json", "print one JSON document on standard output"] as const;
const DUMP_ARGUMENT = ["<dump>", "raw NAND dump, or the directory of a twin"] as const;

/** What every command takes: where the pages are, and how a record is laid out. */
interface FormatOptions extends DumpOptions {
  readonly limits?: StoreLimits | undefined;
}

/** `tandem store`: raw NAND dumps, read, checked and made. */
export function registerStoreCommands(program: Command, context: Context): void {
  const store = program
    .command("store")
    .description("The store on NAND, in dump files and twin directories")
    .addHelpText(
      "after",
      "\nA dump is main and spare area of every page, one after the other; without options that of\n" +
        "a W25N01GV whose ECC the twin computed (--part names others). For a dump of a real chip, read through its own\n" +
        "ECC, say --no-ecc; for one without spare areas, --spare-bytes 0.",
    );
  registerInspect(store, context);
  registerCheck(store, context);
  registerExtract(store, context);
  registerMap(store, context);
  registerFormat(store, context);
  registerProvision(store, context);
  registerHeader(store, context);
}

/** Adds the options that describe a dump. */
function withFormat<A extends unknown[], O extends OptionValues>(command: Command<A, O>) {
  return command
    .addOption(
      new Option(
        "--part <name>",
        "the chip; the numbers below replace its own (default: the twin's, or W25N01GV)",
      ).choices(NAND_PROFILES.map(({ name }) => name)),
    )
    .option("--page-bytes <n>", "main area of a page", parseWholeNumber(512, 16_384))
    .option("--spare-bytes <n>", "spare area of a page; 0: none", parseWholeNumber(0, 2048))
    .option("--pages-per-block <n>", "pages of a block", parseWholeNumber(4, 256))
    .option("--blocks <n>", "blocks of the chip", parseWholeNumber(9, 65_535))
    .option("--no-ecc", "take main areas as they stand, without the ECC of the twin's chip")
    .option("--limits <list>", "limits of the store, e.g. banks=2,journal-blocks=16", parseLimits);
}

function registerInspect(store: Command, context: Context): void {
  withFormat(
    store
      .command("inspect")
      .description("Explain a dump: state, what failed, banks, journal, history, bad blocks")
      .argument(...DUMP_ARGUMENT)
      .option("--history <n>", "newest records to show", parseWholeNumber(0, 1_000_000), 12),
  )
    .option(...JSON_OPTION)
    .action((name, options) => {
      const { inspection, file } = inspectDump(name, options);
      const findings = checkStore(inspection);
      if (options.json === true) {
        const { blocks: _, ...rest } = inspection;
        context.out(storeJson({ file, ...rest, findings }));
      } else print(context, describeStore(file, inspection, findings, options.history));
    });
}

function registerCheck(store: Command, context: Context): void {
  withFormat(
    store
      .command("check")
      .description("Check a dump for everything that is lost or contradicts itself")
      .argument(...DUMP_ARGUMENT),
  )
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExit status: 0 no finding is an error, 1 some are.")
    .action((name, options) => {
      const { inspection, file } = inspectDump(name, options);
      const findings = checkStore(inspection);
      const errors = findings.filter((finding) => finding.severity === "error").length;
      if (errors > 0) context.setExitCode(ExitCode.Negative);
      if (options.json === true) context.out(storeJson({ file, ok: errors === 0, findings }));
      else {
        const summary = `${file}: ${findings.length} findings, ${errors} of them errors`;
        print(context, [summary, ...(findings.length === 0 ? [] : describeFindings(findings))]);
      }
    });
}

function registerExtract(store: Command, context: Context): void {
  withFormat(
    store
      .command("extract")
      .description("Get an image out of a bank, if it still has its recorded digest")
      .argument(...DUMP_ARGUMENT)
      .requiredOption("--bank <bank>", "number, accepted, previous or candidate", parseBank)
      .requiredOption("--image <n>", "index of the image", parseWholeNumber(0, 255))
      .requiredOption("--out <file>", "where the image goes")
      .option("--force", "replace the file"),
  )
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExit status: 0 written, 1 the digest is not the recorded one.")
    .action((name, options) => {
      const layout = dumpLayout(options, name);
      const { limits } = planOf(layout, options.limits);
      using dump = openDump(name, layout);
      const { bank, image, out } = options;
      const isReplaced = options.force === true;
      const extracted = extractImage(dump, { limits, bank, image, out, isReplaced });
      if (!extracted.ok) context.setExitCode(ExitCode.Negative);
      if (options.json === true) context.out(storeJson({ file: dump.file, out, ...extracted }));
      else {
        const { digest, recordedDigest, sizeBytes, otherCopyPages } = extracted;
        const what = `bank ${extracted.bank}, image ${image}: ${sizeBytes} bytes`;
        const lost = otherCopyPages === 0 ? "" : `; pages from the second copy: ${otherCopyPages}`;
        print(context, [
          extracted.ok
            ? `${out}: ${what}, SHA-256 ${digest} as recorded${lost}`
            : `${what}, SHA-256 ${digest}, recorded ${recordedDigest}: not written`,
        ]);
      }
    });
}

function registerMap(store: Command, context: Context): void {
  withFormat(
    store
      .command("map")
      .description("Draw every block of a dump, in the terminal or as a picture")
      .argument(...DUMP_ARGUMENT)
      .option("--svg <file>", "write a picture instead; replaces the file"),
  )
    .option(...JSON_OPTION)
    .action(async (name, options) => {
      const { inspection, file } = inspectDump(name, options);
      if (options.svg !== undefined) {
        await replaceFile(options.svg, drawSvg(file, inspection));
      }
      const { blocks, freeBlocks } = inspection;
      if (options.json === true) context.out(storeJson({ file, freeBlocks, blocks }));
      else if (options.svg === undefined) {
        print(context, [file, ...drawMap(inspection, isColourWelcome(context))]);
      } else print(context, [`${options.svg}: ${blocks.length} blocks`]);
    });
}

/** Results go to standard output: it too has to be a terminal. */
function isColourWelcome(context: Context): boolean {
  return context.interactive && process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
}

function registerFormat(store: Command, context: Context): void {
  withFormat(
    store
      .command("format")
      .description("Make an empty store in a new dump, or with --force in one that exists")
      .argument(...DUMP_ARGUMENT)
      .addOption(badBlocksOption())
      .option("--force", "format what is there: its bad-block marks stay, its state is lost"),
  )
    .option(...JSON_OPTION)
    .action((name, options) => {
      const layout = dumpLayout(options, name);
      const { limits } = planOf(layout, options.limits);
      const isNew = options.force !== true;
      refuseExisting(name, !isNew);
      const formatted = isNew
        ? formatNew(name, layout, limits, options.badBlocks ?? [])
        : formatExisting(name, layout, limits, options.badBlocks);
      const { badBlocks } = formatted.record;
      if (options.json === true) context.out(storeJson({ file: name, badBlocks, limits }));
      else print(context, [`${name}: an empty store, ${badBlocks.length} bad blocks`]);
    });
}

function formatNew(
  file: string,
  layout: DumpLayout,
  limits: StoreLimits,
  badBlocks: readonly number[],
): Store {
  const chip = newChip(layout, badBlocks);
  const store = Store.format(new NandChip({ name: "nand", ...chip }), { limits });
  writeDump(file, chip, layout, false);
  return store;
}

function formatExisting(
  name: string,
  layout: DumpLayout,
  limits: StoreLimits,
  badBlocks: readonly number[] | undefined,
): Store {
  if (badBlocks !== undefined) {
    throw new UsageError("cli/bad-block", "--bad-blocks with --force: the dump has its own marks");
  }
  if (!layout.hasModelEcc) {
    throw new UsageError("cli/read-only", "a dump without the twin's ECC is not written to");
  }
  const { pageBytes, spareBytes, pagesPerBlock, blockCount } = layout.profile;
  const storage = openFileStorage(dumpFile(name), {
    pageBytes: pageBytes + spareBytes,
    pageCount: pagesPerBlock * blockCount,
  });
  try {
    const chip = new NandChip({ name: "nand", profile: layout.profile, storage });
    return Store.format(chip, { limits });
  } finally {
    storage.close();
  }
}

function registerProvision(store: Command, context: Context): void {
  withFormat(
    store
      .command("provision")
      .description("Make a factory image for a gang programmer: a release as the accepted bank")
      .requiredOption("--release <dir>", "release, made by `tandem release build`")
      .requiredOption("--key <pem>", "public key that devices trust; repeat for more", collect)
      .requiredOption("--out <file>", "the image")
      .addOption(badBlocksOption().conflicts("marksFrom"))
      .option("--marks-from <dump>", "take the bad-block marks of this dump of the chip")
      .option("--unlinked", "accept firmware that was linked for other addresses")
      .option("--force", "replace the file"),
  )
    .option(...JSON_OPTION)
    .action((options) => {
      const { out } = options;
      const layout = dumpLayout(options);
      const { limits } = planOf(layout, options.limits);
      const isReplaced = options.force === true;
      refuseExisting(out, isReplaced);
      const badBlocks =
        options.marksFrom === undefined
          ? (options.badBlocks ?? [])
          : marksOf(options.marksFrom, layout);
      const { chip, release } = provisionChip({
        releaseDirectory: options.release,
        keys: options.key.map((name) => loadPublicKey(readFileSync(name, "utf8"), { name })),
        unlinked: options.unlinked === true,
        layout,
        limits,
        badBlocks,
      });
      writeDump(out, chip, layout, isReplaced);
      const document = { file: out, release: release.version, badBlocks };
      if (options.json === true) context.out(storeJson(document));
      else {
        const skipped =
          badBlocks.length === 0 ? "" : `, skipping bad blocks ${badBlocks.join(", ")}`;
        print(context, [`${out}: release ${release.version} as the accepted bank${skipped}`]);
      }
    });
}

function marksOf(name: string, layout: DumpLayout): number[] {
  using dump = openDump(name, layout);
  const blocks = Array.from({ length: layout.profile.blockCount }, (_, block) => block);
  return blocks.filter((block) => dump.flash.isMarkedBad(block));
}

function registerHeader(store: Command, context: Context): void {
  withFormat(
    store.command("header").description("Print the on-flash format as a C99 header"),
  ).action((options) => {
    context.out(cHeader(planOf(dumpLayout(options), options.limits)));
  });
}

function badBlocksOption() {
  return new Option("--bad-blocks <list>", "factory bad blocks, e.g. 3,17,900-903").argParser(
    parseBlockList,
  );
}

function inspectDump(
  name: string,
  options: FormatOptions,
): { readonly file: string; readonly inspection: StoreInspection } {
  const layout = dumpLayout(options, name);
  const { limits } = planOf(layout, options.limits);
  using dump = openDump(name, layout);
  return { file: dump.file, inspection: inspectStore(dump.flash, { limits, crypto: nodeCrypto }) };
}

function print(context: Context, lines: readonly string[]): void {
  for (const line of lines) context.out(`${line}\n`);
}
