// SPDX-License-Identifier: Apache-2.0
import { createPublicKey } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { SITUATIONS } from "../packages/cli/src/testing/mcuboot/situations.js";
import { DumpBuilder, TRUSTED_KEY } from "../packages/cli/src/testing/mcuboot/dump-builder.js";
import { tandem, tandemOk } from "./support/tandem.js";
import { TemporaryDirectory } from "./support/temporary.js";

const PAGE = readFileSync(new URL("../docs/mcuboot.md", import.meta.url), "utf8");
const SMALL_IMAGE = 1500;

/** The JSON behind `<!-- example: NAME -->` in docs/mcuboot.md. */
function example(name: string): string {
  const match = new RegExp(`<!-- example: ${name} -->\\n\\n\`\`\`json\\n([\\s\\S]*?)\`\`\``).exec(
    PAGE,
  );
  if (match?.[1] === undefined) throw new RangeError(`no example ${name} in docs/mcuboot.md`);
  return match[1];
}

let files: TemporaryDirectory;
let config = "";
let dump = "";

beforeAll(() => {
  files = new TemporaryDirectory();
  config = files.file("board.json");
  dump = files.file("dump.bin");
  writeFileSync(config, example("board.json"));
  const key = createPublicKey({ key: Buffer.from(TRUSTED_KEY), format: "der", type: "spki" });
  writeFileSync(files.file("signing.pub.pem"), key.export({ format: "pem", type: "spki" }));
  writeFileSync(dump, bytesOf(smallUpdate()));
});
afterAll(() => files[Symbol.dispose]());

/** 1.0.0 runs, 2.0.0 is marked for a trial. */
function smallUpdate(): DumpBuilder {
  return new DumpBuilder({ mode: "overwrite" })
    .image(0, "primary", { version: "1.0.0", size: SMALL_IMAGE })
    .image(0, "secondary", { version: "2.0.0", size: SMALL_IMAGE })
    .mark(0);
}

function bytesOf({ board }: DumpBuilder): Uint8Array {
  return board.devices.get("flash")?.bytes ?? new Uint8Array(0);
}

function boot(out: string, ...more: readonly string[]): string[] {
  const flash = `dev0=${dump}`;
  return [
    "mcuboot",
    "boot",
    "--config",
    config,
    "--flash",
    flash,
    "--out",
    files.file(out),
    ...more,
  ];
}

describe("tandem mcuboot boot", () => {
  it("gives the result that docs/mcuboot.md shows for the configuration there", async () => {
    const result = JSON.parse(await tandemOk(...boot("documented", "--json")));
    expect(result.files).toEqual([files.file("documented", "dev0.bin")]);
    expect({ ...result, files: ["after/dev0.bin"] }).toEqual(JSON.parse(example("result")));
  });

  it("writes the dump that MCUboot leaves, and not the one that it read", async () => {
    await tandemOk(...boot("whole"));
    const expected = bytesOf(smallUpdate().boot());
    expect(readFileSync(files.file("whole", "dev0.bin")).equals(expected)).toBe(true);
    expect(readFileSync(dump).equals(bytesOf(smallUpdate()))).toBe(true);
    expect(readdirSync(files.file("whole"))).toEqual(["dev0.bin"]);
  });

  it("cuts power before the nth operation, and a later boot ends the update", async () => {
    const cut = JSON.parse(await tandemOk(...boot("cut", "--cut", "3", "--json")));
    expect(cut).toMatchObject({
      decisions: [{ requested: "test", decided: "test" }],
      starts: null,
      cut: { number: 3, kind: "write", device: "dev0", address: 0, length: 1024 },
    });
    expect(cut.operations).toHaveLength(2);
    expect(readFileSync(files.file("cut", "dev0.bin")).equals(bytesOf(smallUpdate().boot(2)))).toBe(
      true,
    );
    const again = ["--flash", `dev0=${files.file("cut", "dev0.bin")}`, "--out", files.file("cut")];
    const text = await tandemOk("mcuboot", "boot", "--config", config, ...again);
    expect(text).toContain("starts 2.0.0 from the primary slot");
  });

  it("keeps power when there are fewer operations than that", async () => {
    const result = JSON.parse(await tandemOk(...boot("late", "--cut", "999", "--json")));
    expect(result).toMatchObject({ cut: null, starts: { version: "2.0.0" } });
  });

  it("works on a dump per device", async () => {
    const document = JSON.parse(example("board.json"));
    const file = files.file("two-devices.json");
    const [image] = document.images;
    const external = { device: "qspi", offset: 0, size: image.secondary.size };
    const devices = { dev0: { ...document.devices.dev0, size: 65_536 } };
    const change = {
      images: [{ ...image, secondary: external }],
      devices: { ...devices, qspi: devices.dev0 },
    };
    writeFileSync(file, JSON.stringify({ ...document, ...change }));
    const whole = bytesOf(smallUpdate());
    writeFileSync(files.file("internal.bin"), whole.subarray(0, 65_536));
    writeFileSync(files.file("external.bin"), whole.subarray(65_536));
    const flash = [`dev0=${files.file("internal.bin")}`, `qspi=${files.file("external.bin")}`];
    const out = files.file("both");
    const argv = ["mcuboot", "boot", "--config", file, "--out", out, "--json"];
    await tandemOk(...argv, ...flash.flatMap((argument) => ["--flash", argument]));
    const after = Buffer.concat(
      ["dev0.bin", "qspi.bin"].map((name) => readFileSync(files.file("both", name))),
    );
    expect(after.equals(bytesOf(smallUpdate().boot()))).toBe(true);
  });

  it("ends with status 1 and says why when nothing starts", async () => {
    const blank = files.file("blank.bin");
    writeFileSync(blank, new Uint8Array(0x20000).fill(0xff));
    const argv = ["--config", config, "--flash", `dev0=${blank}`, "--out", files.file("none")];
    const text = await tandem(["mcuboot", "boot", ...argv]);
    expect(text).toMatchObject({ status: 1, err: "" });
    expect(text.out).toMatch(/starts nothing\n {2}image 0: the slot is blank.*boot_validate_slot/);
    const { out } = await tandem(["mcuboot", "boot", ...argv, "--json"]);
    expect(JSON.parse(out)).toMatchObject({
      starts: null,
      why: { step: { reason: "slot-empty" } },
    });
  });
});

function explain(file: string, ...more: readonly string[]): string[] {
  return ["mcuboot", "explain", "--config", config, "--flash", `dev0=${file}`, ...more];
}

describe("tandem mcuboot explain", () => {
  it("tells people what happens and why, and leaves the dump alone", async () => {
    const text = await tandemOk(...explain(dump));
    expect(text).toMatch(
      /^IN SHORT\n {2}the next boot starts 2\.0\.0, the one after that 2\.0\.0\n/,
    );
    expect(text).toContain("version 1.0.0: header 512, payload 1500 bytes");
    expect(text).toContain("trailer: magic good, copy_done unset, image_ok unset");
    expect(text).toContain("in: boot_swap_type_multi (bootutil_public.c)");
    expect(text).toContain("=> starts 2.0.0 from the primary slot");
    expect(text).toContain("use a swap mode if an update must be able to go back");
    expect(readFileSync(dump).equals(bytesOf(smallUpdate()))).toBe(true);
  });

  it("prints one document, and status 1 when nothing starts", async () => {
    const noise = files.file("noise.bin");
    writeFileSync(noise, new Uint8Array(0x20000).fill(0x5a));
    const { status, out } = await tandem(explain(noise, "--json"));
    const document = JSON.parse(out);
    expect(status).toBe(1);
    expect(document.boots).toHaveLength(2);
    expect(document.outlook.map(({ id }: { id: string }) => id)).toContain("outlook/dead-end");
  });
});

describe("hooks of an nRF5340", () => {
  const SLOT = 0x40000;
  const area = (device: string, index: number) => ({ device, offset: index * SLOT, size: SLOT });
  const geometry = { sectorSize: 4096, align: 4 };
  const document = {
    mode: "overwrite",
    images: [
      { primary: area("flash", 0), secondary: area("flash", 1) },
      { primary: area("ram", 0), secondary: area("flash", 2) },
    ],
    devices: { flash: { size: 3 * SLOT, ...geometry }, ram: { size: SLOT, ...geometry } },
    keys: ["signing.pub.pem"],
    hooks: "nrf5340",
  };

  /** A dump of a situation, and a configuration for this release of the SDK. */
  function argumentsFor(id: string, sdk: string): string[] {
    const file = files.file("nrf5340.json");
    const flash = files.file("nrf5340.bin");
    const situation = SITUATIONS.find((one) => one.id === id);
    writeFileSync(file, JSON.stringify({ ...document, sdk }));
    writeFileSync(flash, situation?.board().devices.get("flash")?.bytes ?? "");
    return ["--config", file, "--flash", `flash=${flash}`];
  }

  it("need no dump of the RAM, and write what the network core was given", async () => {
    const out = files.file("nrf5340");
    const argv = argumentsFor("nrf5340-both", "v2.9.2");
    const text = await tandemOk("mcuboot", "boot", ...argv, "--out", out);
    expect(text).toContain("starts 2.0.0 from the primary slot");
    const ram = readFileSync(files.file("nrf5340", "ram.bin"));
    expect(ram.readUInt32LE(0)).toBe(0x96f3b83d);
  });

  it("stop every boot when b0n refuses its image, with the application already replaced", async () => {
    const argv = argumentsFor("nrf5340-refused", "v2.9.2");
    const { status, out } = await tandem(["mcuboot", "explain", ...argv, "--json"]);
    expect(status).toBe(1);
    const { boots } = JSON.parse(out);
    expect(boots[1].why.id).toBe("stop/assertion");
    expect(boots[0].slots[0].header.version).toBe("2.0.0");
  });

  it("have the behaviour of the release, and refuse releases that are not known", async () => {
    const argv = argumentsFor("nrf5340-both", "v1.9.0");
    await expectRefusal(
      ["mcuboot", "explain", ...argv],
      2,
      /SDK "v1\.9\.0", expected .*sdk-version/,
    );
  });
});

describe("tandem mcuboot sweep", () => {
  const small = ["--size", "3000", "--slot-size", "0x8000"];

  it("prints the counts and nothing else, whatever they are", async () => {
    const argv = ["mcuboot", "sweep", "--mode", "scratch", ...small, "--pending", "first-only"];
    const { status, out, err } = await tandem([...argv, "--json"]);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    const counts = JSON.parse(out);
    expect(Object.keys(counts)).toEqual([
      "points",
      "bootFailures",
      "mixedStarts",
      "stillMixedAfter2",
      "oldOld",
      "newNew",
    ]);
    expect(counts.points).toBeGreaterThan(20);
    expect(counts.mixedStarts).toBe(counts.points);
    expect(await tandemOk(...argv)).toMatch(/started images of different releases/);
  });

  it("stops its threads and ends with status 130 on Ctrl-C", async () => {
    const abort = new AbortController();
    const argv = ["mcuboot", "sweep", "--mode", "move"];
    const running = tandem(argv, { signal: abort.signal });
    setImmediate(() => abort.abort());
    expect(await running).toMatchObject({ status: 130, out: "" });
  });
});

/** Runs a command that has to fail with one line. */
async function expectRefusal(argv: readonly string[], status: number, line: RegExp): Promise<void> {
  const result = await tandem(argv);
  expect(result.err.trimEnd().split("\n").at(-1)).toMatch(line);
  expect(result.status).toBe(status);
  expect(result.out).toBe("");
}

/** The documented configuration with other fields. */
function changed(change: object): string[] {
  const file = files.file("changed.json");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(example("board.json")), ...change }));
  return ["mcuboot", "explain", "--config", file, "--flash", `dev0=${dump}`];
}

describe("bad input to tandem mcuboot", () => {
  const area = { device: "dev0", offset: 0, size: 65_536 };
  const other = { ...area, offset: 65_536 };

  const twoImages = {
    images: [
      { primary: { ...area, size: 32_768 }, secondary: { ...area, offset: 32_768, size: 32_768 } },
      { primary: { ...other, size: 32_768 }, secondary: { ...area, offset: 98_304, size: 32_768 } },
    ],
  };

  it.each<readonly [string, object, RegExp]>([
    ["a wrong mode", { mode: "swap" }, /changed\.json: mode: "swap", expected one of single, /],
    ["no mode", { mode: undefined }, /changed\.json: mode: missing, expected one of single, /],
    [
      "a mode that is not supported",
      { mode: "ram-load" },
      /mode: "ram-load", a mode of MCUboot that is not supported, expected .*unsupported-mode\]/,
    ],
    ["an unknown field", { max_align: 8 }, /max_align: 8, expected no such field/],
    ["a wrong alignment", { maxAlign: 4 }, /maxAlign: 4, expected 8 or 16 or 32/],
    ["no image", { images: [] }, /images: \[\], expected 1 to 4 images/],
    [
      "an unknown device",
      { images: [{ primary: { ...area, device: "qspi" }, secondary: other }] },
      /images\[0\]\.primary\.device: "qspi", expected one of dev0/,
    ],
    [
      "an offset beside the sectors",
      { images: [{ primary: { ...area, offset: 100 }, secondary: other }] },
      /images\[0\]\.primary\.offset: 0x64, expected a multiple of 4096/,
    ],
    [
      "a negative offset",
      { images: [{ primary: { ...area, offset: -4096 }, secondary: other }] },
      /images\[0\]\.primary\.offset: -4096, expected a whole number from 0/,
    ],
    [
      "slots that overlap",
      { images: [{ primary: area, secondary: { ...area, offset: 4096 } }] },
      /images\[0\]\.secondary: 0x1000 to 0x11000, expected no overlap with images\[0\]\.primary/,
    ],
    [
      "a slot behind the end",
      { images: [{ primary: area, secondary: { ...other, size: 131_072 } }] },
      /images\[0\]\.secondary: ends at 0x30000, expected an end within dev0, 0x20000/,
    ],
    [
      "no secondary slot",
      { images: [{ primary: area }] },
      /images\[0\]\.secondary: missing, expected one in mode overwrite/,
    ],
    ["no scratch area", { mode: "scratch" }, /scratch: missing, expected one in mode scratch/],
    [
      "sectors that do not make up the device",
      { devices: { dev0: { size: 131_072, sectorSize: 5000, align: 4 } } },
      /devices\.dev0\.size: 131072, expected a multiple of sectorSize, 5000/,
    ],
    [
      "writes that are larger than BOOT_MAX_ALIGN",
      { devices: { dev0: { size: 131_072, sectorSize: 4096, align: 16 } } },
      /devices\.dev0\.align: 16, expected at most maxAlign, 8/,
    ],
    [
      "hooks of an nRF5340 with one image",
      { hooks: "nrf5340" },
      /changed\.json: images: 1 image, expected two with hooks "nrf5340"/,
    ],
    [
      "a network core whose slot is not in RAM of its own",
      { hooks: "nrf5340", ...twoImages },
      /images\[1\]\.primary\.device: "dev0", expected a device of its own, which is RAM/,
    ],
    ["a wrong sdk", { sdk: "2.9" }, /sdk: "2\.9", expected a release of the nRF Connect SDK/],
  ])("%s is named with file, field, found and expected", async (_, change, line) => {
    await expectRefusal(changed(change), 2, line);
  });

  it("a configuration that is not JSON names the file", async () => {
    const file = files.file("broken.json");
    writeFileSync(file, "{");
    const argv = ["mcuboot", "explain", "--config", file, "--flash", `dev0=${dump}`];
    await expectRefusal(argv, 2, /broken\.json: not JSON .*\[cli\/mcuboot-config\]/);
  });

  it("a dump of another size names both sizes", async () => {
    const short = files.file("short.bin");
    writeFileSync(short, new Uint8Array(1000));
    const argv = ["mcuboot", "explain", "--config", config, "--flash", `dev0=${short}`];
    await expectRefusal(argv, 2, /short\.bin: 1000 bytes, expected 131072 .*\[cli\/dump-size\]/);
  });

  it("a dump of no device, of one device twice, and no dump at all are told apart", async () => {
    const command = ["mcuboot", "explain", "--config", config];
    const flash = ["--flash", `dev0=${dump}`];
    await expectRefusal([...command, "--flash", "x=y"], 2, /x=y: no such device .* dev0 \[cli/);
    await expectRefusal([...command, ...flash, ...flash], 2, /dev0 again, expected once/);
    await expectRefusal([...command, "--flash", "dev0"], 2, /--flash dev0: expected DEVICE=FILE/);
    await expectRefusal(command, 2, /required option '--flash/);
  });

  it("files that are not there are failures of the system", async () => {
    const flash = ["--flash", `dev0=${files.file("nothing.bin")}`];
    await expectRefusal(["mcuboot", "explain", "--config", config, ...flash], 3, /ENOENT/);
    const missing = ["--config", files.file("nothing.json"), "--flash", `dev0=${dump}`];
    await expectRefusal(["mcuboot", "explain", ...missing], 3, /ENOENT/);
    writeFileSync(files.file("file"), "");
    await expectRefusal(boot("file"), 3, /EEXIST|ENOTDIR/);
  });

  it("a key that is none names the file", async () => {
    writeFileSync(files.file("bad.pem"), "no key");
    await expectRefusal(changed({ keys: ["bad.pem"] }), 2, /bad\.pem: .*expected/);
  });

  it("sweeps that cannot be are refused before any thread starts", async () => {
    const sweep = ["mcuboot", "sweep"];
    await expectRefusal(sweep, 2, /required option '--mode/);
    await expectRefusal([...sweep, "--mode", "overwrite", "--from", "revert"], 2, /--from revert/);
    await expectRefusal([...sweep, "--mode", "move", "--images", "3"], 2, /expected 1 or 2/);
    await expectRefusal([...sweep, "--mode", "move", "--then", "flip:0"], 2, /flip:IMAGE:OFFSET/);
    await expectRefusal([...sweep, "--mode", "move", "--size", "0"], 2, /from 1 to/);
    await expectRefusal([...sweep, "--mode", "move", "--size", "130000"], 2, /does not fit/);
  });

  it("--cut counts from 1", async () => {
    await expectRefusal(boot("zero", "--cut", "0"), 2, /expected a whole number from 1/);
  });
});
