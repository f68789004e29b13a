// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { nodeCrypto } from "@tandem/base/node";
import { generatePayloads } from "@tandem/release";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { runCommand } from "../testing/run-command.js";

let directory = "";
const at = (name: string): string => join(directory, name);

const tandem = async (...argv: readonly string[]) => await runCommand(argv);

const build = async (...more: readonly string[]) =>
  await tandem(
    "release",
    "build",
    "--app",
    at("app.raw"),
    "--net",
    at("net.raw"),
    "--version",
    "1.1.0",
    "--security-counter",
    "1",
    "--key",
    at("key.pem"),
    "--out",
    at("out"),
    ...more,
  );

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tandem-release-"));
  const { app, net } = generatePayloads(1, {
    version: "1.1.0",
    crypto: nodeCrypto,
    appBytes: 4096,
    netBytes: 4096,
  });
  await writeFile(at("app.raw"), app);
  await writeFile(at("net.raw"), net);
  await tandem("image", "keygen", "--type", "ed25519", at("key.pem"), "--public", at("pub.pem"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

describe("tandem release build", () => {
  it("writes a release that verifies, as directory, archive and bundle", async () => {
    const bundle = join(at("out"), "dfu_multi_image.bin");
    const built = await build("--zip", at("dfu.zip"), "--bundle", bundle, "--json");
    expect(built).toMatchObject({ status: 0, err: "" });
    const document: unknown = JSON.parse(built.out);
    expect(document).toMatchObject({
      release: { version: "1.1.0", bundle: { file: "dfu_multi_image.bin" } },
      warnings: [],
    });
    expect((await readdir(at("out"))).toSorted()).toEqual([
      "app.bin",
      "dfu_multi_image.bin",
      "net.bin",
      "release.json",
    ]);
    for (const path of [at("out"), at("dfu.zip"), bundle]) {
      const info = await tandem("release", "info", "--key", at("pub.pem"), path, "--json");
      expect(info.status).toBe(0);
      expect(JSON.parse(info.out)).toMatchObject({
        ok: true,
        signaturesChecked: true,
        findings: [],
      });
    }
    expect((await tandem("release", "info", at("out"))).out).toContain(
      "signatures were not checked",
    );
  });

  it("puts a bundle that is meant for elsewhere there only", async () => {
    expect((await build("--bundle", at("bundle.bin"))).status).toBe(0);
    expect(await readdir(at("out"))).not.toContain("bundle.bin");
    expect((await tandem("release", "info", at("bundle.bin"), "--key", at("pub.pem"))).status).toBe(
      0,
    );
  });

  it("makes the same bytes again, in place of the release before", async () => {
    await build("--zip", at("1.zip"));
    const first = await readFile(join(at("out"), "release.json"), "utf8");
    expect((await build("--zip", at("2.zip"))).status).toBe(0);
    expect(await readFile(join(at("out"), "release.json"), "utf8")).toBe(first);
    expect(await readFile(at("2.zip"))).toEqual(await readFile(at("1.zip")));
    expect((await readdir(directory)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("keeps what is already signed when there is no key", async () => {
    await build();
    const kept = await tandem(
      "release",
      "build",
      "--app",
      join(at("out"), "app.bin"),
      "--net",
      join(at("out"), "net.bin"),
      "--version",
      "1.1.0",
      "--security-counter",
      "1",
      "--out",
      at("kept"),
    );
    expect(kept).toMatchObject({ status: 0, err: "" });
    expect(await readFile(join(at("kept"), "app.bin"))).toEqual(
      await readFile(join(at("out"), "app.bin")),
    );
  });

  it("never replaces a directory that is not a release", async () => {
    await mkdir(at("out"));
    await writeFile(join(at("out"), "thesis.txt"), "precious");
    const refused = await build();
    expect(refused).toMatchObject({ status: 2, out: "" });
    expect(refused.err).toContain("no valid release.json, expected a new, an empty or a release");
    await rm(at("out"), { recursive: true });
    await build();
    await writeFile(join(at("out"), "notes.txt"), "precious");
    expect((await build()).err).toContain('"notes.txt" beside the release');
    expect(await readFile(join(at("out"), "notes.txt"), "utf8")).toBe("precious");
  });

  it("refuses swapped images, and warns of them with --unlinked", async () => {
    const swapped = ["--app", at("net.raw"), "--net", at("app.raw")];
    const refused = await build(...swapped);
    expect(refused).toMatchObject({ status: 2, out: "" });
    expect(refused.err).toContain(`${at("net.raw")}: reset vector at 0x4: 0x0100`);
    expect(refused.err).toContain("firmware of the net core, expected firmware of the app core");
    expect(await readdir(directory)).not.toContain("out");
    const warned = await build(...swapped, "--unlinked");
    expect(warned.status).toBe(0);
    expect(warned.err.match(/tandem: warning: /g)).toHaveLength(2);
  });

  it.each([
    ["no key for raw firmware", ["--key", ""], 3, ""],
    ["a zip in the release directory", ["--zip", "out/dfu.zip"], 2, "inside the release directory"],
    ["a bundle named like an image", ["--bundle", "app.bin"], 2, "name of another file"],
    ["a bad counter", ["--security-counter", "-1"], 2, "expected a whole number"],
    ["bad hardware", ["--hardware", "my board"], 2, "hardware"],
    ["a missing file", ["--app", "missing.bin"], 3, "missing.bin"],
  ])("refuses %s", async (_, options, status, message) => {
    const paths = options.map((value) => (/^out\/|\.bin$/.test(value) ? at(value) : value));
    const result = await build(...paths);
    expect(result.err).toContain(message);
    expect(result).toMatchObject({ status, out: "" });
    expect(await readdir(directory)).not.toContain("out");
  });
});

describe("tandem release info", () => {
  it("ends with 1 and names every finding", async () => {
    await build();
    const path = join(at("out"), "net.bin");
    const bytes = await readFile(path);
    bytes[600] = (bytes[600] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const result = await tandem("release", "info", at("out"));
    expect(result).toMatchObject({ status: 1, err: "" });
    expect(result.out).toMatch(/net.bin: SHA256 at .* \[image\]/);
  });

  it("ends with 1 for a key that did not sign", async () => {
    await build();
    await tandem("image", "keygen", "--type", "rsa-2048", at("o.pem"), "--public", at("other.pem"));
    const result = await tandem("release", "info", at("out"), "--key", at("other.pem"), "--json");
    expect(result.status).toBe(1);
    expect(JSON.parse(result.out)).toMatchObject({
      ok: false,
      findings: [{ problem: { code: "unknown-key" } }, { problem: { code: "unknown-key" } }],
    });
  });

  it("ends with 2 for truncated containers and a broken release.json", async () => {
    await build("--zip", at("dfu.zip"), "--bundle", at("bundle.bin"));
    const zip = await readFile(at("dfu.zip"));
    await writeFile(at("cut.zip"), zip.subarray(0, zip.length - 1));
    const bundle = await readFile(at("bundle.bin"));
    await writeFile(at("cut.bin"), bundle.subarray(0, bundle.length - 1));
    await writeFile(join(at("out"), "release.json"), "{}");
    for (const [path, message] of [
      [at("cut.zip"), "cut.zip: at 0x"],
      [at("cut.bin"), `cut.bin: ${bundle.length - 1} bytes, expected ${bundle.length}`],
      [at("out"), "release.json: format: missing, expected 1"],
    ] as const) {
      const result = await tandem("release", "info", path);
      expect(result.err).toContain(message);
      expect(result).toMatchObject({ status: 2, out: "" });
    }
  });
});
