// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";

import { NAND_PROFILES } from "@tandem/flash";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { makeReleases } from "./support/releases.js";
import { tandem, tandemOk } from "./support/tandem.js";
import { TemporaryDirectory } from "./support/temporary.js";

const directory = new TemporaryDirectory();
afterAll(() => directory[Symbol.dispose]());

const release = directory.file("releases", "1.0.0");
const key = directory.file("key.pub.pem");

beforeAll(async () => {
  await makeReleases(directory, ["1.0.0"]);
});

async function initDevice(name: string, nand: string): Promise<string> {
  const device = directory.file(name);
  await tandemOk("twin", "init", device, "--release", release, "--key", key, "--nand", nand);
  return device;
}

describe("tandem twin init --nand", () => {
  it.each(NAND_PROFILES)(
    "makes a device with a $name that boots and can be inspected",
    async (part) => {
      const device = await initDevice(part.name, part.name);
      const pages = part.blockCount * part.pagesPerBlock;
      expect(statSync(path.join(device, "nand.bin")).size).toBe(
        pages * (part.pageBytes + part.spareBytes),
      );
      await tandemOk("twin", "boot", device);
      expect(await tandemOk("store", "check", device)).toContain("0 findings");
      rmSync(device, { recursive: true });
    },
  );

  it("names the parts that there are", async () => {
    const run = await tandem(["twin", "init", directory.file("x"), "--nand", "W25Q128"]);
    expect(run.status).toBe(2);
    expect(run.err).toContain("W25N01GV, W25N512GV");
  });
});

describe("the physical state of a device's chips", () => {
  it("is kept between commands, and forgotten when a process is killed", async () => {
    const device = await initDevice("kept", "W25N01GV");
    const file = path.join(device, "medium.json");
    await tandemOk("twin", "boot", device);
    const { nand } = JSON.parse(readFileSync(file, "utf8"));
    expect(nand.erases).toBeGreaterThan(0);
    // As a killed process leaves it: work was begun, nothing was saved.
    rmSync(file);
    await tandemOk("twin", "boot", device);
    expect(existsSync(file)).toBe(true);
  });

  it.each([
    ["no JSON at all", "{", "medium.json: not JSON"],
    ["another document", "{}", "medium.json: nand"],
    ["numbers that cannot be", "BAD", "whole numbers"],
  ])("is refused when the file holds %s", async (_, content, message) => {
    const device = await initDevice(`bad-${content.length}-${message.length}`, "W25N512GV");
    const file = path.join(device, "medium.json");
    const medium = { programs: 0, erases: 0, blocks: [[1e12, 0, 0, 0, 0]], pages: [] };
    const bad = JSON.stringify({ nand: medium, appFlash: medium, netFlash: medium });
    writeFileSync(file, content === "BAD" ? bad : content);
    const run = await tandem(["twin", "status", device]);
    expect(run.status).not.toBe(0);
    expect(run.err).toContain(message);
  });
});
