// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import type { Command } from "@commander-js/extra-typings";
import { UsageError } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { bytesSource, findFwInfo, formatVersion } from "@tandem/image";
import type { ImageContents, ImageSource } from "@tandem/image";
import { loadPublicKey, loadSigner } from "@tandem/image/node";
import {
  DEFAULT_HARDWARE,
  DEFAULT_HEADER_SIZE,
  NRF5340_LAYOUT,
  buildRelease,
  claimRelease,
  firmwareStart,
  inspectRelease,
  looksLikeZip,
  parseMultiImage,
  parseReleaseInput,
  readDfuZip,
  verifyRelease,
  withBundle,
  writeDfuZip,
} from "@tandem/release";
import type { Finding, Release, ReleaseInput, ReleaseManifest, SignedFile } from "@tandem/release";

import type { Context } from "../context.js";
import { ExitCode } from "../exit-codes.js";
import { collect, parseWholeNumber } from "../option-parsers.js";
import { readReleaseManifest, writeReleaseDirectory } from "../release-directory.js";
import { replaceFile } from "../write-file.js";

/** A fixed time keeps archives of the same release the same; ZIP's first day. */
const ZIP_TIME = 315_532_800;

const CORES = NRF5340_LAYOUT.map(({ core }) => core);

/** `tandem release`: the images of all cores as one. */
export function registerReleaseCommands(program: Command, context: Context): void {
  const release = program.command("release").description("Make and look at releases");
  registerBuild(release, context);
  registerInfo(release, context);
}

function registerBuild(release: Command, context: Context): void {
  release
    .command("build")
    .description("Sign the firmware of both cores and bind it into one release")
    .requiredOption("--app <file>", "application core: .bin, .hex or a signed image")
    .requiredOption("--net <file>", "network core: .bin, .hex or a signed image")
    .requiredOption("--version <version>", "major.minor.revision[+build]")
    .requiredOption(
      "--security-counter <n>",
      "counter that never goes down on a device",
      parseWholeNumber(0, 0xffff_ffff),
    )
    .option("--key <pem>", "private key; may be left out for signed images that are one set")
    .requiredOption("--out <dir>", "release directory; an earlier release in it is replaced")
    .option("--zip <file>", "also write a dfu_application.zip")
    .option(
      "--bundle <file>",
      "also write a dfu_multi_image.bin; inside <dir> it joins the release",
    )
    .option("--hardware <name>", "hardware that the release is for", DEFAULT_HARDWARE)
    .option("--no-block-digests", "leave out the TLV by which lost blocks are repaired")
    .option("--unlinked", "only warn of firmware that is linked for another place")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  tandem release build --app app.bin --net net.bin --version 1.1.0 \\\n" +
        "    --security-counter 1 --key key.pem --out releases/1.1.0",
    )
    .action(async (options) => await build(options, context));
}

interface BuildOptions {
  readonly app: string;
  readonly net: string;
  readonly version: string;
  readonly securityCounter: number;
  readonly key?: string | undefined;
  readonly out: string;
  readonly zip?: string | undefined;
  readonly bundle?: string | undefined;
  readonly hardware: string;
  readonly blockDigests: boolean;
  readonly unlinked?: true | undefined;
  readonly json?: true | undefined;
}

async function build(options: BuildOptions, context: Context): Promise<void> {
  const { key } = options;
  refuseFilesInside(options);
  const signer = key === undefined ? null : loadSigner(await readFile(key, "utf8"), { name: key });
  const built = buildRelease({
    app: await readInput(options.app),
    net: await readInput(options.net),
    version: options.version,
    securityCounter: options.securityCounter,
    hardware: options.hardware,
    unlinked: options.unlinked === true,
    blockDigests: options.blockDigests,
    signer,
    crypto: nodeCrypto,
  });
  for (const { message } of built.warnings) context.err(`tandem: warning: ${message}\n`);
  const release = await writeRelease(built, options);
  const { manifest } = release;
  const document = {
    release: manifest,
    directory: options.out,
    zip: options.zip ?? null,
    bundle: options.bundle ?? null,
    warnings: built.warnings,
  };
  context.out(
    options.json === true
      ? `${JSON.stringify(document)}\n`
      : `${options.out}: release ${manifest.version}, id ${manifest.id}\n${imageRows(manifest)}`,
  );
}

/** Containers first, so that a release directory is the sign that everything is there. */
async function writeRelease(built: Release, options: BuildOptions): Promise<Release> {
  const { zip, bundle, out } = options;
  if (zip !== undefined) await replaceFile(zip, zipOf(built));
  if (bundle === undefined) {
    await writeReleaseDirectory(out, built);
    return built;
  }
  const bundled = withBundle(built, nodeCrypto, basename(bundle));
  const isInside = dirname(resolve(bundle)) === resolve(out);
  if (!isInside) {
    await replaceFile(bundle, bundled.files.get(basename(bundle)) ?? new Uint8Array(0));
  }
  const release = isInside ? bundled : built;
  await writeReleaseDirectory(out, release);
  return release;
}

function refuseFilesInside({ zip, bundle, out }: BuildOptions): void {
  if (zip !== undefined && dirname(resolve(zip)) === resolve(out)) {
    const message = `--zip ${zip}: inside the release directory, expected a place outside ${out}`;
    throw new UsageError("cli/zip-place", message);
  }
  const taken = [...CORES.map((core) => `${core}.bin`), "release.json"];
  if (bundle !== undefined && taken.includes(basename(bundle))) {
    const message = `--bundle ${bundle}: name of another file, expected a name of its own`;
    throw new UsageError("cli/bundle-name", message);
  }
}

function zipOf({ manifest, files }: Release): Uint8Array {
  const entries = manifest.images.map((image) => {
    const bytes = files.get(image.file) ?? new Uint8Array(0);
    const layout = NRF5340_LAYOUT[image.index];
    const fwInfo = image.index === 0 ? null : findFwInfo(bytes.subarray(DEFAULT_HEADER_SIZE));
    return {
      file: image.file,
      imageIndex: image.index,
      bytes,
      board: manifest.hardware,
      soc: layout?.soc ?? "",
      loadAddress: layout === undefined ? 0 : firmwareStart(layout, DEFAULT_HEADER_SIZE),
      version:
        fwInfo === null
          ? ({ key: "version_MCUBOOT", text: image.version } as const)
          : ({ key: "version", text: String(fwInfo.version) } as const),
    };
  });
  return writeDfuZip(entries, { name: `release ${manifest.version}`, time: ZIP_TIME });
}

function registerInfo(release: Command, context: Context): void {
  release
    .command("info")
    .description("Show a release and everything that is wrong with it")
    .argument("<path>", "release directory, dfu_application.zip or dfu_multi_image.bin")
    .option(
      "--key <pem>",
      "public key; repeatable, without one signatures are not checked",
      // Not variadic: it would swallow the path behind it.
      collect,
    )
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  tandem release info --key key.pub.pem releases/1.1.0\n" +
        "Exit status: 0 nothing found, 1 findings.",
    )
    .action(async (path, options) => await info(path, options, context));
}

async function info(
  path: string,
  options: { readonly key?: readonly string[] | undefined; readonly json?: true | undefined },
  context: Context,
): Promise<void> {
  const keys =
    options.key === undefined
      ? null
      : await Promise.all(
          options.key.map(async (name) => loadPublicKey(await readFile(name, "utf8"), { name })),
        );
  const { manifest, sources } = await openRelease(path);
  const crypto = nodeCrypto;
  const { findings, facts } =
    keys === null
      ? inspectRelease(manifest, sources, { crypto })
      : verifyRelease(manifest, sources, { crypto, keys });
  if (findings.length > 0) context.setExitCode(ExitCode.Negative);
  const document = {
    ok: findings.length === 0,
    signaturesChecked: keys !== null,
    release: manifest,
    findings,
  };
  context.out(
    options.json === true
      ? `${JSON.stringify(document)}\n`
      : infoText(path, manifest, findings, facts, keys !== null),
  );
}

function infoText(
  path: string,
  manifest: ReleaseManifest,
  findings: readonly Finding[],
  facts: readonly ImageContents[],
  signaturesChecked: boolean,
): string {
  const lines = [
    `${path}: release ${manifest.version} for ${manifest.hardware}`,
    `  id                ${manifest.id}`,
    `  security counter  ${manifest.securityCounter}`,
  ];
  for (const { dependencies } of facts) {
    for (const { imageIndex, minVersion } of dependencies) {
      lines.push(`  depends on        image ${imageIndex}, at least ${formatVersion(minVersion)}`);
    }
  }
  const verdict = signaturesChecked ? "genuine" : "whole; signatures were not checked";
  const verdicts = findings.map(({ code, message }) => `  ${message} [${code}]`);
  return [
    ...lines,
    imageRows(manifest).trimEnd(),
    ...(findings.length === 0 ? [`  ${verdict}`] : verdicts),
    "",
  ].join("\n");
}

function imageRows(manifest: ReleaseManifest): string {
  return manifest.images
    .map(
      ({ index, core, file, size, version }) =>
        `  image ${index}           ${core.padEnd(5)}${file}, ${size} bytes, version ${version}\n`,
    )
    .join("");
}

interface OpenRelease {
  readonly manifest: ReleaseManifest;
  readonly sources: readonly ImageSource[];
}

async function openRelease(path: string): Promise<OpenRelease> {
  if ((await stat(path)).isDirectory()) return await openDirectory(path);
  const bytes = new Uint8Array(await readFile(path));
  const files = looksLikeZip(bytes)
    ? readDfuZip(bytes, { name: path }).map((image) => signedFile(image.imageIndex, image))
    : parseMultiImage(bytes, { name: path }).map(({ id, bytes: content }) =>
        signedFile(id, { file: `image ${id}`, bytes: content }),
      );
  const manifest = claimRelease(files, { crypto: nodeCrypto, hardware: "unknown" });
  return { manifest, sources: files.map(({ bytes: content }) => bytesSource(content)) };
}

async function openDirectory(path: string): Promise<OpenRelease> {
  const manifest = await readReleaseManifest(path);
  const sources: ImageSource[] = [];
  for (const { file } of manifest.images) {
    sources.push(bytesSource(new Uint8Array(await readFile(join(path, file)))));
  }
  return { manifest, sources };
}

function signedFile(
  index: number,
  image: { readonly file: string; readonly bytes: Uint8Array },
): SignedFile {
  return { core: CORES[index] ?? `image-${index}`, file: image.file, bytes: image.bytes };
}

async function readInput(name: string): Promise<ReleaseInput> {
  return parseReleaseInput(new Uint8Array(await readFile(name)), { name });
}
