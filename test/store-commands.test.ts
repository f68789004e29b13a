// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";

import { createRandom } from "@tandem/base";
import { MemoryStorage, NandChip, STEADY_POWER } from "@tandem/flash";
import { Store, inspectStore } from "@tandem/store";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { drawMap } from "../packages/cli/src/store/block-map.js";
import { Bench, LIMITS, PROFILE, receive } from "../packages/store/src/testing/test-bench.js";
import { makeReleases } from "./support/releases.js";
import { tandem, tandemOk } from "./support/tandem.js";
import { TemporaryDirectory } from "./support/temporary.js";

const directory = new TemporaryDirectory();
afterAll(() => directory[Symbol.dispose]());

const device = directory.file("device");
const release = directory.file("releases", "1.0.0");
const key = directory.file("key.pub.pem");

beforeAll(async () => {
  await makeReleases(directory, ["1.0.0"]);
  const init = ["twin", "init", device, "--release", release, "--key", key];
  await tandemOk(...init, "--bad-blocks", "12", "--seed", "5");
});

/** Options for dumps of the small chip. */
const SMALL = [
  `--page-bytes=${PROFILE.pageBytes}`,
  `--spare-bytes=${PROFILE.spareBytes}`,
  `--pages-per-block=${PROFILE.pagesPerBlock}`,
  `--blocks=${PROFILE.blockCount}`,
  `--limits=images=${LIMITS.images},banks=${LIMITS.banks},extents=${LIMITS.extents},bad-blocks=${LIMITS.badBlocks},journal-blocks=${LIMITS.journalBlocks}`,
];
const SMALL_PAGE = PROFILE.pageBytes + PROFILE.spareBytes;

/** A small chip that has received a release, and what `work` did to it, as dump bytes. */
function smallDump(work: (store: Store, bench: Bench) => void = () => undefined): Uint8Array {
  const bench = new Bench();
  const store = Store.format(bench.chip(STEADY_POWER), { limits: LIMITS });
  receive(store);
  work(store, bench);
  const dump = new Uint8Array(PROFILE.blockCount * PROFILE.pagesPerBlock * SMALL_PAGE).fill(0xff);
  for (let page = 0; page * SMALL_PAGE < dump.length; page++) {
    const bytes = bench.storage.read(page);
    if (bytes !== null) dump.set(bytes, page * SMALL_PAGE);
  }
  return dump;
}

function writeFile(name: string, content: Uint8Array): string {
  const file = directory.file(name);
  writeFileSync(file, content);
  return file;
}

function isSameFile(a: string, b: string): boolean {
  return readFileSync(a).equals(readFileSync(b));
}

describe("tandem store inspect", () => {
  it("explains a twin: state, banks in two copies, history, bad blocks", async () => {
    const text = await tandemOk("store", "inspect", device);
    expect(text).toContain("nand.bin: READY, record 6 in both journal chains");
    expect(text).toContain("accepted     bank 0, release 1.0.0");
    expect(text.match(/whole, digest as recorded/g)).toHaveLength(2);
    expect(text).toMatch(/CANDIDATE {2}candidate 0\n +6 {2}READY +accepted 0/);
    expect(text).toContain("bad          12, a record holds 40");
    expect(text).toMatch(/findings\n {2}none\n$/);
  });

  it("prints the same as one JSON document, bytes in hex", async () => {
    const document: unknown = JSON.parse(await tandemOk("store", "inspect", device, "--json"));
    expect(document).toMatchObject({
      journal: { winner: { sequence: "6" }, isSettled: true },
      record: { acceptedBank: 0, candidateBank: null },
      banks: [{ roles: ["accepted"], images: [{ digest: "match" }, { digest: "match" }] }, {}, {}],
      findings: [],
    });
  });

  it("says what failed and why, what is lost, and shows as much history as asked", async () => {
    const dump = smallDump((store, bench) => {
      store.commit({ reason: { image: 1, step: 4, code: 14, detail: 0 }, trials: 2 });
      const [first] = store.record.banks[0]?.images[0]?.copies[1] ?? [];
      const page = (first?.firstBlock ?? 0) * PROFILE.pagesPerBlock + 1;
      bench.chip(STEADY_POWER).decayPage(page, 2, createRandom(1));
    });
    const file = writeFile("failed.bin", dump);
    const text = await tandemOk("store", "inspect", file, ...SMALL, "--history", "1");
    expect(text).toContain(
      "last update  install: image 1: the core's bootloader refused the image",
    );
    expect(text).toContain("[core-refused]");
    expect(text).toContain("1 damaged, 2 complete; 1 pages unreadable");
    expect(text).toMatch(/history, oldest first \(\d+ older records: --history \d+\)\n.*\n\n/);
    expect(text).toContain("pages that one copy alone holds: 1 [single-copy]");
  });

  it("says of bytes that hold no store that they hold none", async () => {
    const file = writeFile("blank.bin", smallDump().fill(0xff));
    const text = await tandemOk("store", "inspect", file, ...SMALL);
    expect(text).toContain("blank.bin: no store");
    expect(text).toContain("[not-formatted]");
  });

  it("explains any mutation of a dump, and any noise, and ends", async () => {
    const base = smallDump();
    const change = fc.record({
      at: fc.nat(base.length - 1),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 2000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 30 }), fc.boolean(), async (all, isNoise) => {
        const dump = isNoise ? createRandom(all.length).bytes(base.length) : base.slice();
        for (const { at, bytes } of all) dump.set(bytes.subarray(0, dump.length - at), at);
        const file = writeFile("hostile.bin", dump);
        const { status, out } = await tandem(["store", "inspect", file, ...SMALL, "--json"]);
        expect(status).toBe(0);
        expect(JSON.parse(out)).toHaveProperty("findings");
        expect([0, 1]).toContain((await tandem(["store", "check", file, ...SMALL])).status);
      }),
      { numRuns: 40 },
    );
  });

  it("reads main areas alone, and a dump that went through the chip's own ECC", async () => {
    const dump = smallDump();
    const main = new Uint8Array(PROFILE.blockCount * PROFILE.pagesPerBlock * PROFILE.pageBytes);
    for (let page = 0; page * SMALL_PAGE < dump.length; page++) {
      const start = page * SMALL_PAGE;
      main.set(dump.subarray(start, start + PROFILE.pageBytes), page * PROFILE.pageBytes);
      // Codes of another kind of ECC.
      dump.fill(0x5a, start + PROFILE.pageBytes + 8, start + SMALL_PAGE);
    }
    const foreign = writeFile("foreign.bin", dump);
    const options = ["store", "inspect", foreign, ...SMALL];
    expect(await tandemOk(...options)).toContain("no store");
    expect(await tandemOk(...options, "--no-ecc")).toContain("CANDIDATE, record");
    const plain = ["store", "inspect", writeFile("main.bin", main), ...SMALL];
    expect(await tandemOk(...plain, "--spare-bytes", "0")).toContain("CANDIDATE, record");
  });

  it("refuses a file of another size, and what is no file", async () => {
    const file = writeFile("short.bin", new Uint8Array(1000));
    const short = await tandem(["store", "inspect", file]);
    expect(short).toMatchObject({ status: 2, out: "" });
    expect(short.err).toContain("1000 bytes, expected 138412032: 1024 blocks of 64 pages");
    const special = await tandem(["store", "inspect", "/dev/null"]);
    expect(special.err).toContain("[cli/not-a-file]");
    expect((await tandem(["store", "inspect", directory.file("none")])).status).toBe(3);
    expect((await tandem(["store", "inspect", file, "--limits", "banks=99"])).status).toBe(2);
    const odd = await tandem(["store", "inspect", file, "--page-bytes", "600"]);
    expect(odd.err).toContain("[cli/geometry]");
    const small = await tandem(["store", "inspect", file, "--page-bytes", "512"]);
    expect(small.err).toContain("[store/plan]");
  });
});

describe("tandem store check", () => {
  it("finds nothing on a twin, and ends with 1 when both copies have lost a page", async () => {
    expect(await tandemOk("store", "check", device)).toContain("0 findings");
    const dump = smallDump((store, bench) => {
      for (const extents of store.record.banks[0]?.images[0]?.copies ?? []) {
        const page = (extents[0]?.firstBlock ?? 0) * PROFILE.pagesPerBlock + 1;
        bench.chip(STEADY_POWER).decayPage(page, 2, createRandom(1));
      }
    });
    const file = writeFile("lost.bin", dump);
    const { status, out } = await tandem(["store", "check", file, ...SMALL]);
    expect(status).toBe(1);
    expect(out).toContain("bank 0, image 0: 1024 bytes are in neither copy, first 0x0 to 0x400");
    const json = await tandem(["store", "check", file, ...SMALL, "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({ ok: false });
  });
});

describe("tandem store extract", () => {
  it("gets the files back that were provisioned", async () => {
    for (const [image, name] of ["app.bin", "net.bin"].entries()) {
      const out = directory.file(`extracted-${image}.bin`);
      const options = ["--bank", "accepted", "--image", String(image), "--out", out];
      expect(await tandemOk("store", "extract", device, ...options)).toContain("as recorded");
      expect(isSameFile(out, directory.file("releases", "1.0.0", name))).toBe(true);
      const again = await tandem(["store", "extract", device, ...options]);
      expect(again.err).toContain("[cli/exists]");
      expect((await tandem(["store", "extract", device, ...options, "--force"])).status).toBe(0);
    }
  });

  it("writes nothing when the digest is not the recorded one, or the image not there", async () => {
    const file = writeFile("zeros.bin", smallDump());
    const out = directory.file("never.bin");
    const extract = ["store", "extract", file, ...SMALL, "--out", out, "--image"];
    // The bench records zeros as digests.
    const wrong = await tandem([...extract, "0", "--bank", "0"]);
    expect(wrong).toMatchObject({ status: 1, err: "" });
    expect(wrong.out).toContain("recorded 0000");
    expect((await tandem([...extract, "0", "--bank", "1"])).err).toContain("[cli/no-image]");
    expect((await tandem([...extract, "0", "--bank", "accepted"])).status).toBe(2);
    expect(existsSync(out)).toBe(false);
  });
});

describe("tandem store map", () => {
  it("draws one character per block, without colours where no terminal is", async () => {
    const text = await tandemOk("store", "map", device);
    const rows = [...text.matchAll(/^ {0,5}\d+ {2}(\S{64})$/gm)].map((match) => match[1]);
    expect(rows).toHaveLength(16);
    expect(rows.join("").match(/0/g)).toHaveLength(10);
    expect(rows.join("").match(/X/g)).toHaveLength(12);
    expect(rows.join("").match(/J/g)).toHaveLength(2);
    expect(text).toContain("0  bank 0, complete: 10");
    expect(text).not.toContain("\u001B[");
  });

  it("colours blocks on a terminal", () => {
    const bench = new Bench();
    Store.format(bench.chip(STEADY_POWER), { limits: LIMITS });
    const inspection = inspectStore(bench.chip(STEADY_POWER), { limits: LIMITS });
    expect(drawMap(inspection, true).join("\n")).toContain("\u001B[93mJ\u001B[0m");
  });

  it("writes a picture in which every block tells what it holds", async () => {
    const svg = directory.file("map.svg");
    await tandemOk("store", "map", device, "--svg", svg);
    const picture = readFileSync(svg, "utf8");
    expect(picture.match(/<title>block \d+: /g)).toHaveLength(1024);
    expect(picture).toContain("bank 0, complete; bank 0, image 1, copy 1, block 1");
    expect(picture.match(/<\/rect>/g)).toHaveLength(1024);
  });
});

describe("tandem store format", () => {
  it("makes an empty store around bad blocks, and never over a file by accident", async () => {
    const file = directory.file("empty.bin");
    const made = await tandemOk("store", "format", file, ...SMALL, "--bad-blocks", "3,20-22");
    expect(made).toContain("an empty store, 4 bad blocks");
    const before = readFileSync(file);
    expect((await tandem(["store", "format", file, ...SMALL])).err).toContain("[cli/exists]");
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(await tandemOk("store", "check", file, ...SMALL)).toContain("0 findings");
    const again = await tandemOk("store", "format", file, ...SMALL, "--force", "--json");
    expect(JSON.parse(again)).toMatchObject({ badBlocks: [3, 20, 21, 22] });
    expect((await tandem(["store", "format", file, ...SMALL, "--bad-blocks", "9-3"])).status).toBe(
      2,
    );
  });
});

describe("tandem store provision", () => {
  const provision = ["store", "provision", "--release", release, "--key", key];

  it("makes the very bytes that production leaves on a chip with the same marks", async () => {
    const out = directory.file("factory.bin");
    await tandemOk(...provision, "--marks-from", device, "--out", out);
    expect(isSameFile(out, directory.file("device", "nand.bin"))).toBe(true);
  });

  it("leaves given bad blocks out, for a programmer with and without spare areas", async () => {
    for (const part of [[], ["--part", "TC58CVG"], ["--spare-bytes", "0"], ["--no-ecc"]]) {
      const out = directory.file(`factory-${part.join("")}.bin`);
      await tandemOk(...provision, ...part, "--bad-blocks", "0,41", "--out", out);
      expect(await tandemOk("store", "check", out, ...part)).toContain("0 findings");
      const text = await tandemOk("store", "inspect", out, ...part);
      expect(text).toContain("accepted     bank 0, release 1.0.0");
      expect(text).toContain("marked     0, 41");
    }
    expect(statSync(directory.file("factory---spare-bytes0.bin")).size).toBe(128 << 20);
  });

  it("can be programmed and mounted: the image is what a chip reads", async () => {
    const out = directory.file("mounted.bin");
    await tandemOk(...provision, "--bad-blocks", "7", "--out", out);
    const bytes = new Uint8Array(readFileSync(out));
    const pageBytes = 2048 + 64;
    const pages = Array.from({ length: 64 * 64 }, (_, page) =>
      bytes.slice(page * pageBytes, (page + 1) * pageBytes),
    );
    const profile = { ...PROFILE, pageBytes: 2048, pagesPerBlock: 64, blockCount: 1024 };
    const storage = new MemoryStorage(pages);
    const store = Store.mount(new NandChip({ name: "nand", profile, storage }));
    expect(store.record.acceptedBank).toBe(0);
    expect(store.receivedBytes(0, 0)).toBe(store.record.banks[0]?.images[0]?.sizeBytes);
  });

  it("refuses a release that the key does not verify, and too many bad blocks", async () => {
    const other = directory.file("other.pem");
    const otherPublic = directory.file("other.pub.pem");
    await tandemOk("image", "keygen", "--type", "ed25519", other, "--public", otherPublic);
    const out = directory.file("refused.bin");
    const base = ["store", "provision", "--release", release, "--out", out, "--key"];
    const refused = await tandem([...base, otherPublic]);
    expect(refused).toMatchObject({ status: 2, out: "" });
    expect(refused.err).toContain("[twin/provision]");
    const many = await tandem([...base, key, "--bad-blocks", "100-160"]);
    expect(many.err).toContain("[store/too-many-bad-blocks]");
    const behind = await tandem([...base, key, "--bad-blocks", "1024"]);
    expect(behind.err).toContain("[cli/bad-block]");
    const both = await tandem([...base, key, "--bad-blocks", "3", "--marks-from", device]);
    expect(both.status).toBe(2);
    expect(existsSync(out)).toBe(false);
  });
});

describe("tandem store header", () => {
  const compiler = ["cc", "gcc", "clang"].find(
    (name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0,
  );

  it.skipIf(compiler === undefined)(
    `prints C99 that a strict compiler takes${compiler === undefined ? " (skipped: no C compiler)" : ""}`,
    async () => {
      const header = await tandemOk("store", "header");
      expect(header).toContain("#define TANDEM_STATE_INSTALLING 8u");
      const source = directory.file("header.c");
      writeFileSync(directory.file("format.h"), header);
      writeFileSync(source, '#include "format.h"\nint main(void) { return 0; }\n');
      const strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"];
      execFileSync(compiler ?? "", [...strict, source, "-o", directory.file("header")]);
      // An offset that is not the layout's stops the compiler.
      writeFileSync(
        directory.file("format.h"),
        header.replace("uint8_t flags;", "uint16_t flags;"),
      );
      expect(
        spawnSync(compiler ?? "", [...strict, source, "-c", "-o", "/dev/null"]).status,
      ).not.toBe(0);
    },
  );
});
