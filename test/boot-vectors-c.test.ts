// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, it } from "vitest";

import { tandemOk } from "./support/tandem.js";
import { TemporaryDirectory } from "./support/temporary.js";

const READER = path.join(import.meta.dirname, "support/boot-vector-reader.c");
const STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O1"];

const compiler = ["cc", "gcc", "clang"].find(
  (name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0,
);
const why = compiler === undefined ? " (skipped: no C compiler on this machine)" : "";

describe.skipIf(compiler === undefined)(`boot vectors, read by C99${why}`, () => {
  it.each([
    ["small", "nand-1bit", 200],
    ["small", "nor", 60],
    ["full", "nand-8bit", 12],
  ])("lead from dump to dump: %s %s", async (profile, flash, count) => {
    using directory = new TemporaryDirectory();
    const reader = directory.file("reader");
    execFileSync(compiler ?? "cc", [...STRICT, "-o", reader, READER]);
    const story = count < 100 ? ["--scenario", "good"] : [];
    const kind = ["--profile", profile, "--flash", flash, "--count", String(count), ...story];
    await tandemOk("explore", "vectors", "--out", directory.file("set"), ...kind);
    const text = directory.file("set/boots.txt");
    const run = (): { readonly status: number | null; readonly stdout: string } =>
      spawnSync(reader, [text, directory.file("set/pages.bin")], { encoding: "utf8" });
    expect(run()).toMatchObject({ status: 0, stdout: `${count} boots\n` });

    const written = readFileSync(text, "latin1");
    writeFileSync(text, written.replace(/^do store-program .*\n/m, ""));
    expect(run()).toMatchObject({ status: 1, stdout: expect.stringMatching(/^boots\.txt:\d+: /) });
    writeFileSync(text, written.replace("vectors 1", "vectors 2"));
    expect(run()).toMatchObject({ status: 1, stdout: "boots.txt:1: another format\n" });
  });
});
