// SPDX-License-Identifier: Apache-2.0
import { access, readFile } from "node:fs/promises";

import { Option } from "@commander-js/extra-typings";
import type { Command } from "@commander-js/extra-typings";
import { UsageError, hex, toHex } from "@tandem/base";
import type { KeyType } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import {
  IMAGE_F_RAM_LOAD,
  IMAGE_F_ROM_FIXED,
  bytesSource,
  formatVersion,
  inspectImage,
  looksLikeIntelHex,
  parseIntelHex,
  parseVersion,
  signImage,
  verifyImage,
} from "@tandem/image";
import type { ImageDependency, SignImageOptions } from "@tandem/image";
import { generateKeyPem, keyHash, loadPublicKey, loadSigner } from "@tandem/image/node";
import { parseReleaseInput } from "@tandem/release";

import type { Context } from "../context.js";
import { ExitCode } from "../exit-codes.js";
import { describeImage, imageText } from "../image-description.js";
import { collect, parseWholeNumber } from "../option-parsers.js";
import { createFile, replaceFile } from "../write-file.js";

const KEY_TYPES = ["ed25519", "ecdsa-p256", "rsa-2048", "rsa-3072"] as const satisfies KeyType[];

const word = parseWholeNumber(0, 0xffff_ffff);

/** `tandem image`: one MCUboot image at a time. */
export function registerImageCommands(program: Command, context: Context): void {
  const image = program.command("image").description("Make, look at and verify MCUboot images");
  registerKeygen(image, context);
  registerInfo(image, context);
  registerSign(image, context);
  registerVerify(image, context);
}

function registerKeygen(image: Command, context: Context): void {
  image
    .command("keygen")
    .description("Make a key that signs images")
    .argument("<out>", "PEM file for the private key (PKCS #8, mode 0600)")
    .addOption(new Option("--type <type>", "kind of key").choices(KEY_TYPES).makeOptionMandatory())
    .option("--public <file>", "also write the public key, as PEM")
    .option("--force", "replace files that are there")
    .addHelpText(
      "after",
      example("tandem image keygen --type ed25519 key.pem --public key.pub.pem"),
    )
    .action(async (out, options) => {
      if (options.public === out) {
        throw new UsageError("cli/same-file", `--public ${out}: expected another file than <out>`);
      }
      const pem = generateKeyPem(options.type);
      const write = options.force === true ? replaceFile : createFile;
      // Looked at first, so that no private key is left behind without its public one.
      if (options.public !== undefined && options.force !== true)
        await refuseExisting(options.public);
      await write(out, pem.privateKey, 0o600);
      if (options.public !== undefined) await write(options.public, pem.publicKey);
      const key = loadPublicKey(pem.publicKey, { name: out });
      context.out(`${out}: ${options.type} key, hash ${toHex(keyHash(key))}\n`);
    });
}

function registerInfo(image: Command, context: Context): void {
  image
    .command("info")
    .description("Show what is in a signed image, without judging its signature")
    .argument("<file>", "signed image, .bin or .hex")
    .option("--json", "print one JSON document")
    .addHelpText("after", example("tandem image info app.signed.bin"))
    .action(async (file, options) => {
      const description = describeImage(await readImage(file), file);
      context.out(
        options.json === true ? `${JSON.stringify(description)}\n` : imageText(description),
      );
    });
}

function registerSign(image: Command, context: Context): void {
  image
    .command("sign")
    .description("Wrap firmware in an MCUboot image and sign it, as imgtool does")
    .argument("<in>", "firmware, .bin or .hex; a signed image is unwrapped first")
    .argument("<out>", "signed image, .bin")
    .requiredOption("--key <pem>", "private key")
    .requiredOption("--version <version>", "major.minor.revision[+build]")
    .option("--security-counter <n>", "counter that never goes down on a device", word)
    .option("--header-size <bytes>", "from the image's start to the firmware", word, 0x200)
    .option("--slot-size <bytes>", "refuse an image larger than this", word)
    .addOption(
      new Option("--load-address <address>", "RAM address that the image is copied to")
        .argParser(word)
        .conflicts("romFixed"),
    )
    .option("--rom-fixed <address>", "flash address that the image is linked for", word)
    .option(
      "--dependency <index:version>",
      "least version of another image; repeatable",
      (text: string, before: readonly ImageDependency[]) => [...before, parseDependency(text)],
      [],
    )
    .option(
      "--manifest <image>",
      "signed image whose hash goes into the manifest TLV; repeatable, in order",
      collect,
    )
    .option("--block-digests", "add the TLV by which lost blocks are repaired")
    .addHelpText(
      "after",
      example(
        "tandem image sign --key key.pem --version 1.1.0 --security-counter 3 app.bin app.signed.bin",
      ),
    )
    .action(async (input, out, options) => await sign(input, out, options, context));
}

interface SignOptions {
  readonly key: string;
  readonly version: string;
  readonly securityCounter?: number | undefined;
  readonly headerSize: number;
  readonly slotSize?: number | undefined;
  readonly loadAddress?: number | undefined;
  readonly romFixed?: number | undefined;
  readonly dependency: readonly ImageDependency[];
  readonly manifest?: readonly string[] | undefined;
  readonly blockDigests?: true | undefined;
}

async function sign(
  input: string,
  out: string,
  options: SignOptions,
  context: Context,
): Promise<void> {
  if (/\.hex$/i.test(out)) {
    throw new UsageError("cli/output-format", `${out}: Intel HEX, expected a .bin file as output`);
  }
  const { payload } = parseReleaseInput(await readFile(input), { name: input });
  const signer = loadSigner(await readFile(options.key, "utf8"), { name: options.key });
  const hashes = await Promise.all((options.manifest ?? []).map(readImageHash));
  const bytes = signImage({
    payload,
    signer,
    crypto: nodeCrypto,
    version: parseVersion(options.version),
    headerSize: options.headerSize,
    dependencies: options.dependency,
    blockDigests: options.blockDigests === true,
    ...placement(options),
    ...(options.securityCounter === undefined ? {} : { securityCounter: options.securityCounter }),
    ...(hashes.length === 0 ? {} : { manifest: { format: 1, imageHashes: hashes } }),
  });
  const { slotSize } = options;
  if (slotSize !== undefined && bytes.length > slotSize) {
    const message = `${input}: image of ${bytes.length} bytes, expected at most ${slotSize} (${hex(slotSize)})`;
    throw new UsageError("cli/slot-size", message);
  }
  await replaceFile(out, bytes);
  context.out(`${out}: ${bytes.length} bytes, hash ${toHex(imageHash(bytes, out))}\n`);
}

function placement(options: SignOptions): Pick<SignImageOptions, "loadAddress" | "flags"> {
  if (options.loadAddress !== undefined) {
    return { loadAddress: options.loadAddress, flags: IMAGE_F_RAM_LOAD };
  }
  if (options.romFixed === undefined) return {};
  return { loadAddress: options.romFixed, flags: IMAGE_F_ROM_FIXED };
}

function registerVerify(image: Command, context: Context): void {
  image
    .command("verify")
    .description("Check that an image is whole and signed with a key")
    .argument("<file>", "signed image, .bin or .hex")
    .addOption(
      // Not variadic: it would swallow the file behind it.
      new Option("--key <pem>", "public key; repeatable, any of several will do")
        .argParser(collect)
        .makeOptionMandatory(),
    )
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      `${example("tandem image verify --key key.pub.pem app.signed.bin")}\nExit status: 0 genuine, 1 not genuine.`,
    )
    .action(async (file, options) => {
      const keys = await Promise.all(
        options.key.map(async (name) => loadPublicKey(await readFile(name, "utf8"), { name })),
      );
      const verdict = verifyImage(bytesSource(await readImage(file)), { crypto: nodeCrypto, keys });
      if (!verdict.ok) context.setExitCode(ExitCode.Negative);
      if (options.json === true) {
        context.out(`${JSON.stringify(verdictDocument(file, options.key, verdict))}\n`);
      } else if (verdict.ok) {
        const { header, hash, keyIndex } = verdict.facts;
        const version = formatVersion(header.version);
        context.out(
          `${file}: genuine, version ${version}, key ${options.key[keyIndex] ?? ""}, hash ${toHex(hash)}\n`,
        );
      } else {
        context.out(`${file}: ${verdict.problem.message} [${verdict.problem.code}]\n`);
      }
    });
}

function verdictDocument(
  file: string,
  keyFiles: readonly string[],
  verdict: ReturnType<typeof verifyImage>,
): object {
  if (!verdict.ok) return { file, ok: false, problem: verdict.problem };
  const { header, hash, keyIndex, securityCounter, totalSize } = verdict.facts;
  return {
    file,
    ok: true,
    key: keyFiles[keyIndex] ?? null,
    version: formatVersion(header.version),
    hash: toHex(hash),
    securityCounter,
    totalSize,
  };
}

/** Bytes of an image file; Intel HEX is unpacked. */
async function readImage(file: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(await readFile(file));
  if (!looksLikeIntelHex(bytes)) return bytes;
  return parseIntelHex(new TextDecoder("latin1").decode(bytes), { name: file }).bytes;
}

async function readImageHash(file: string): Promise<Uint8Array> {
  return imageHash(await readImage(file), file);
}

function imageHash(bytes: Uint8Array, file: string): Uint8Array {
  const inspection = inspectImage(bytesSource(bytes), { crypto: nodeCrypto });
  if (inspection.ok) return inspection.contents.hash;
  throw new UsageError("cli/bad-image", `${file}: ${inspection.problem.message}`);
}

function parseDependency(text: string): ImageDependency {
  const match = /^(\d{1,3}):(.+)$/.exec(text);
  const imageIndex = Number(match?.[1] ?? Number.NaN);
  if (match === null || imageIndex > 0xff) {
    const message = `--dependency ${text}, expected index:version such as 1:1.2.0`;
    throw new UsageError("cli/dependency", message);
  }
  return { imageIndex, minVersion: parseVersion(match[2] ?? "") };
}

async function refuseExisting(path: string): Promise<void> {
  try {
    await access(path);
  } catch {
    return;
  }
  throw new UsageError("cli/exists", `${path}: a file, expected a new name or --force`);
}

function example(command: string): string {
  return `\nExample:\n  ${command}`;
}
