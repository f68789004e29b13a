// SPDX-License-Identifier: Apache-2.0
import { createHash, generateKeyPairSync } from "node:crypto";
import { copyFile, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { runCommand } from "../testing/run-command.js";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../../test/fixtures/image/${name}`, import.meta.url));

let directory = "";
const at = (name: string): string => join(directory, name);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tandem-image-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const tandem = async (...argv: readonly string[]) => await runCommand(argv);

const keygen = async (type: string): Promise<string> => {
  await tandem("image", "keygen", "--type", type, at("key.pem"), "--public", at("key.pub.pem"));
  return at("key.pem");
};

describe("tandem image keygen", () => {
  it("writes a private key for its owner only and a public one beside it", async () => {
    const result = await tandem(
      "image",
      "keygen",
      "--type",
      "ecdsa-p256",
      at("key.pem"),
      "--public",
      at("pub.pem"),
    );
    expect(result).toMatchObject({ status: 0, err: "" });
    expect(result.out).toContain("ecdsa-p256 key, hash ");
    expect((await stat(at("key.pem"))).mode & 0o777).toBe(0o600);
    expect(await readFile(at("pub.pem"), "utf8")).toContain("BEGIN PUBLIC KEY");
  });

  it.each(["key.pem", "pub.pem"])("never overwrites %s without --force", async (name) => {
    await writeFile(at(name), "precious");
    const argv = ["image", "keygen", "--type", "ed25519", at("key.pem"), "--public", at("pub.pem")];
    const refused = await tandem(...argv);
    expect(refused).toMatchObject({ status: 2, out: "" });
    expect(refused.err).toBe(
      `tandem: ${at(name)}: a file, expected a new name or --force [cli/exists]\n`,
    );
    expect(await readdir(directory)).toEqual([name]);
    expect((await tandem(...argv, "--force")).status).toBe(0);
    expect((await stat(at("key.pem"))).mode & 0o777).toBe(0o600);
  });

  it("wants a type that it knows, and two files", async () => {
    expect((await tandem("image", "keygen", at("key.pem"))).status).toBe(2);
    expect((await tandem("image", "keygen", "--type", "dsa", at("key.pem"))).status).toBe(2);
    const same = await tandem(
      "image",
      "keygen",
      "--type",
      "ed25519",
      at("key.pem"),
      "--public",
      at("key.pem"),
    );
    expect(same.status).toBe(2);
    expect(await readdir(directory)).toEqual([]);
  });
});

describe("tandem image sign and verify", () => {
  it.each(["ed25519", "ecdsa-p256", "rsa-2048"])("work together with %s", async (type) => {
    const key = await keygen(type);
    const signed = await tandem(
      "image",
      "sign",
      "--key",
      key,
      "--version",
      "1.2.3+4",
      "--security-counter",
      "7",
      "--dependency",
      "1:1.2.3+4",
      "--header-size",
      "0x80",
      "--slot-size",
      "0x4000",
      "--manifest",
      fixture("ed25519.bin"),
      fixture("payload.bin"),
      at("out.bin"),
    );
    expect(signed).toMatchObject({ status: 0, err: "" });
    const verified = await tandem(
      "image",
      "verify",
      at("out.bin"),
      "--key",
      at("key.pub.pem"),
      "--json",
    );
    expect(verified.status).toBe(0);
    expect(JSON.parse(verified.out)).toMatchObject({
      ok: true,
      key: at("key.pub.pem"),
      version: "1.2.3+4",
      securityCounter: 7,
    });
    const info = await tandem("image", "info", at("out.bin"), "--json");
    expect(JSON.parse(info.out)).toMatchObject({
      payloadSize: 1000,
      problem: null,
      contents: { dependencies: [{ image: 1, minVersion: "1.2.3+4" }] },
    });
  });

  it("end with 1 for an image that is not genuine", async () => {
    const bytes = await readFile(fixture("rsa-2048.bin"));
    bytes[200] = (bytes[200] ?? 0) ^ 1;
    await writeFile(at("bad.bin"), bytes);
    const key = fixture("rsa-2048.pub.pem");
    const text = await tandem("image", "verify", "--key", key, at("bad.bin"));
    expect(text).toMatchObject({ status: 1, err: "" });
    expect(text.out).toMatch(/bad.bin: SHA256 at 0x.*expected .* as computed \[hash-mismatch\]/);
    const json = await tandem("image", "verify", at("bad.bin"), "--json", "--key", key);
    expect(json.status).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, problem: { code: "hash-mismatch" } });
    const foreign = await tandem(
      "image",
      "verify",
      fixture("rsa-2048.bin"),
      "--key",
      fixture("ed25519.pub.pem"),
    );
    expect(foreign).toMatchObject({ status: 1 });
    expect(foreign.out).toContain("[unknown-key]");
  });

  it("take any of several keys", async () => {
    const result = await tandem(
      "image",
      "verify",
      fixture("rsa-2048.bin"),
      "--key",
      fixture("ed25519.pub.pem"),
      "--key",
      fixture("rsa-2048.pub.pem"),
    );
    expect(result.out).toContain(`key ${fixture("rsa-2048.pub.pem")}`);
  });

  it("name file, found and expected of bad input in one line, with status 2", async () => {
    const key = await keygen("ed25519");
    const sign = ["image", "sign", "--key", key, "--version", "1.0.0"];
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "secp384r1" });
    await writeFile(at("p384.pem"), privateKey.export({ type: "pkcs8", format: "pem" }));
    await writeFile(at("bad.hex"), ":0100000001FF\n:00000001FF\n");
    const payload = fixture("payload.bin");
    const cases: readonly (readonly [readonly string[], string])[] = [
      [
        [...sign, at("bad.hex"), at("o.bin")],
        `${at("bad.hex")}, line 1: checksum 0xff, expected 0xfe`,
      ],
      [[...sign, payload, at("o.hex")], "Intel HEX, expected a .bin file"],
      [[...sign, "--slot-size", "1000", payload, at("o.bin")], "expected at most 1000"],
      [
        ["image", "sign", "--key", at("p384.pem"), "--version", "1.0.0", payload, at("o.bin")],
        `${at("p384.pem")}: ec secp384r1 key, expected RSA-2048`,
      ],
      [
        ["image", "sign", "--key", key, "--version", "1", payload, at("o.bin")],
        'version "1", expected',
      ],
      [
        [...sign, "--dependency", "x", payload, at("o.bin")],
        "--dependency x, expected index:version",
      ],
      [["image", "info", payload], `${payload}: image header at 0x0: magic`],
    ];
    for (const [argv, message] of cases) {
      const result = await tandem(...argv);
      expect(result.err).toContain(message);
      expect(result.err.trimEnd().split("\n")).toHaveLength(1);
      expect(result).toMatchObject({ status: 2, out: "" });
    }
    expect(await readdir(directory)).not.toContain("o.bin");
  });

  it("end with 3 when a file cannot be read", async () => {
    const result = await tandem("image", "info", at("missing.bin"));
    expect(result).toMatchObject({ status: 3, out: "" });
    expect(result.err).toContain("missing.bin");
  });
});

describe("tandem image info", () => {
  it("shows block digests that were signed with the image", async () => {
    const key = await keygen("ed25519");
    const sign = ["image", "sign", "--block-digests", "--key", key, "--version", "1.0.0"];
    await tandem(...sign, fixture("payload.bin"), at("out.bin"));
    const text = await tandem("image", "info", at("out.bin"));
    expect(text.out).toMatch(/block digests +1, one for every 16384 bytes\n/);
    const json = await tandem("image", "info", at("out.bin"), "--json");
    const covered = (await readFile(at("out.bin"))).subarray(0, 0x200 + 1000);
    const digests = [createHash("sha256").update(covered).digest("hex")];
    expect(JSON.parse(json.out)).toMatchObject({
      contents: { blockDigests: { blockBytes: 0x4000, digests } },
    });
  });

  it("shows what is in an image, for people", async () => {
    const { out, status } = await tandem("image", "info", fixture("ed25519-manifest.bin"));
    expect(status).toBe(0);
    expect(out.replaceAll(fixture(""), "")).toMatchInlineSnapshot(`
      "ed25519-manifest.bin
        size             1360 bytes
        version          2.0.0
        header           128 bytes
        payload          1000 bytes at 0x80
        reset vector     0x312a231c
        hash             d6921b71b3971b4177bcc5a28f538a241369f5143176807c9a7e3725d6e2b6c6
        security counter 9
        manifest         image 1: 353b997dabc327c19a2241eee3521ab404bd785c426fa15ae2c66ec9e8339cf5
                         image 2: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
        TLV              0x46c  0x50 SEC_CNT, 4 bytes, protected
        TLV              0x474  0x76 MANIFEST, 72 bytes, protected
        TLV              0x4c4  0x10 SHA256, 32 bytes, unprotected
        TLV              0x4e8  0x01 KEYHASH, 32 bytes, unprotected
        TLV              0x50c  0x24 ED25519, 64 bytes, unprotected
      "
    `);
  });

  it("shows images that do not verify, and what stands behind an image", async () => {
    const bytes = await readFile(fixture("ed25519-plain.bin"));
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    await writeFile(at("bad.bin"), bytes);
    const bad = await tandem("image", "info", at("bad.bin"), "--json");
    expect(JSON.parse(bad.out)).toMatchObject({
      problem: { code: "hash-mismatch" },
      contents: null,
    });
    await copyFile(fixture("ed25519-padded.bin"), at("padded.bin"));
    const padded = await tandem("image", "info", at("padded.bin"), "--json");
    expect(JSON.parse(padded.out)).toMatchObject({ trailingBytes: 2920 });
  });
});
