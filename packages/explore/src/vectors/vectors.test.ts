// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from "node:url";

import { FormatError, TandemError, createRandom, digestOf, toHex } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { beforeAll, describe, expect, it } from "vitest";

import { RECORD_STATES } from "../coverage.js";
import { FLASH_KINDS } from "../geometry.js";
import { runIn } from "../testing/plants/load-plant.js";
import { PLANTS } from "../testing/plants/plants.js";
import { DECISIONS } from "./boot-vector.js";
import { checkVectors, makeVectors } from "./vectors.js";
import type { MadeVectors, VectorCheck, VectorOptions } from "./vectors.js";
import type { VectorFiles } from "./write-vectors.js";

function make(changes: Partial<VectorOptions> = {}): Promise<MadeVectors> {
  return makeVectors({
    profile: "small",
    flash: "nand-1bit",
    count: 400,
    seed: 1,
    isOver: () => false,
    ...changes,
  });
}

let all: MadeVectors;
let few: MadeVectors;
beforeAll(async () => {
  all = await make();
  few = await make({ scenario: "self-test-fails", count: 8 });
}, 120_000);

function linesOf({ text }: VectorFiles, word: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${word} `))
    .map((line) => line.split(" "));
}

/** The files with one line changed, and its number. */
function withLine(
  files: VectorFiles,
  find: RegExp,
  change: (line: string) => string,
): { readonly files: VectorFiles; readonly line: number } {
  const lines = files.text.split("\n");
  const index = lines.findIndex((line) => find.test(line));
  const [line] = lines.splice(index, 1);
  const changed = change(line ?? "");
  if (changed !== "") lines.splice(index, 0, changed);
  return { files: { ...files, text: lines.join("\n") }, line: index + 1 };
}

describe("boot vectors", () => {
  it("tell of every record state, decision and kind of action, and of all kinds of states", () => {
    expect(all.leftOut).toEqual([]);
    const boots = linesOf(all, "boot");
    expect(boots).toHaveLength(400);
    expect(new Set(boots.map((words) => words[5]))).toEqual(new Set([...RECORD_STATES, "none"]));
    expect(new Set(linesOf(all, "end").map((words) => words[1]))).toEqual(new Set(DECISIONS));
    expect([...new Set(linesOf(all, "do").map((words) => words[1]))].toSorted()).toEqual([
      "app-erase",
      "app-write",
      "counter-raise",
      "net-copy",
      "net-off",
      "net-version",
      "pcd-clear",
      "seal",
      "store-erase",
      "store-program",
      "watchdog-feed",
      "watchdog-start",
    ]);
    const names = boots.map((words) => words.slice(5).join(" "));
    for (const part of [
      "limp stopgap",
      "INSTALLING installing cut INSTALLING net-core",
      "INSTALLING installing cut INSTALLING app-core",
      "bank-lost",
      "weak-page accepted",
      "lost-page candidate",
      "app-damaged WRITING",
      "store-of READY app-core",
      "none trial no-store",
      "none installing no-store",
    ]) {
      expect(names.filter((name) => name.includes(part))).not.toEqual([]);
    }
  });

  it.each(FLASH_KINDS)("are what the coordinator does on plain memory: %s", async (flash) => {
    const made = flash === "nand-1bit" ? all : await make({ flash, scenario: "good", count: 120 });
    expect(checkVectors(made)).toEqual({ boots: made.boots, difference: null });
  });

  it("are the same for equal seeds, and others for others", async () => {
    const again = await make({ scenario: "self-test-fails", count: 8 });
    expect(again.text).toBe(few.text);
    expect(again.pages).toEqual(few.pages);
    const others = await make({ scenario: "self-test-fails", count: 150, seed: 2 });
    const same = await make({ scenario: "self-test-fails", count: 150, seed: 1 });
    expect(others.text).not.toBe(same.text);
  });

  it("keep what was made when time is over", async () => {
    let asked = 0;
    const made = await make({ scenario: "good", isOver: () => ++asked > 40 });
    expect(checkVectors(made)).toEqual({ boots: made.boots, difference: null });
    expect(made.boots).toBeLessThan(40);
  });
});

describe("a check of boot vectors", () => {
  it.each([
    [/^do store-program /, (line: string) => line.replace(/ (\d+) /, " 1 "), /expected store-pro/],
    [/^do seal/, () => "", /seal, expected/],
    [/^do store-erase /, (line: string) => `do watchdog-start\n${line}`, /expected watchdog-start/],
  ])("names the line of the first other action: %s", (find, change, text) => {
    const { files, line } = withLine(all, find, change);
    const { difference } = checkVectors(files);
    expect(difference?.text).toMatch(text);
    expect(difference?.line).toBe(line);
    expect(difference?.action).toBeGreaterThanOrEqual(0);
  });

  it.each([
    [/^end start/, () => "end reset 1", /decision start, expected reset/],
    [/^end \w+ 1$/, (line: string) => line.replace(/1$/, "2"), /counter 1, expected 2/],
    [/^out app /, () => "", /app: page \d+ is left otherwise/],
    [/^out store /, (line: string) => line.replace(/\d+$/, "0"), /store: page \d+ is left/],
  ])("names the boot that decides or leaves something else: %s", (find, change, text) => {
    const { files, line } = withLine(all, find, change);
    const { difference } = checkVectors(files);
    expect(difference?.text).toMatch(text);
    const lines = files.text.split("\n");
    const boot = lines.slice(0, line).findLast((one) => one.startsWith("boot "));
    expect(difference?.name).toBe(boot?.split(" ").slice(5).join(" "));
    expect(lines[(difference?.line ?? 0) - 1]).toMatch(/^end /);
  });

  const isBoot = /^(update\/src\/(boot-|staged|installation|installed|flash-core|pcd-core))/;
  it.concurrent.each(PLANTS.filter(({ file }) => isBoot.test(file)))(
    "refuses a coordinator with a bug: $name",
    async (plant) => {
      const entry = fileURLToPath(
        new URL("../testing/plants/check-vectors-worker.ts", import.meta.url),
      );
      const { difference } = await runIn<VectorCheck>(plant, entry, all);
      expect(difference).not.toBeNull();
    },
    240_000,
  );
});

describe("files that are no vectors", () => {
  it.each([
    ["another version", (text: string) => text.replace("vectors 1", "vectors 2")],
    ["another device", (text: string) => text.replace("small nand-1bit", "small nor")],
    ["another key", (text: string) => text.replace(/^key .*$/m, "key ed25519 00")],
    ["a page that is not there", (text: string) => text.replace(/^in store \d+/m, "in store 132")],
    ["bytes that are not there", (text: string) => text.replace(/^(in app \d+ 0) .*/m, "$1 9e9")],
    ["a page that comes twice", (text: string) => text.replace(/^(in store .*)$/m, "$1\n$1")],
    ["more words", (text: string) => text.replace(/^(do seal)$/m, "$1 1")],
    ["a boot less", (text: string) => text.replace("boots 8", "boots 9")],
    ["a boot more", (text: string) => text.replace("boots 8", "boots 7")],
    ["nothing", () => ""],
    ["the end of the line missing", (text: string) => text.slice(0, -1)],
  ])("are refused: %s", (_, change) => {
    expect(() => checkVectors({ ...few, text: change(few.text) })).toThrow(FormatError);
  });

  it("are refused when the bytes are others", () => {
    const pages = few.pages.slice();
    pages[5] = (pages[5] ?? 0) ^ 1;
    expect(() => checkVectors({ ...few, pages })).toThrow(/pages \d+ /);
    expect(() => checkVectors({ ...few, pages: pages.subarray(1) })).toThrow(FormatError);
  });

  it("end in our own errors or in a difference, wherever they are cut or changed", () => {
    const random = createRandom(4);
    const { text, pages } = few;
    const outcomes = new Set<string>();
    const attempt = (files: VectorFiles): void => {
      try {
        outcomes.add(checkVectors(files).difference === null ? "same" : "differs");
      } catch (error) {
        if (!(error instanceof TandemError)) throw error;
        outcomes.add(error.code);
      }
    };
    for (let i = 0; i < 50; i++) {
      const at = random.below(text.length);
      attempt({ text: text.slice(0, at), pages });
      const char = String.fromCharCode(32 + random.below(95));
      attempt({ text: text.slice(0, at) + char + text.slice(at + 1), pages });
      // Behind the header, where only numbers and words of boots stand.
      const digit = text.slice(text.indexOf("boot 0")).search(/\d/) + random.below(20_000);
      const body = text.indexOf("boot 0") + digit;
      attempt({
        text: text.slice(0, body) + String(random.below(10)) + text.slice(body + 1),
        pages,
      });
      // Other bytes with a digest that fits: devices that hold what no code of ours wrote.
      const other = pages.slice();
      for (let flips = 0; flips < 4; flips++) {
        const where = random.below(other.length);
        other[where] = (other[where] ?? 0) ^ (1 << random.below(8));
      }
      const old = toHex(digestOf(nodeCrypto, pages));
      const digest = toHex(digestOf(nodeCrypto, other));
      attempt({ text: text.replace(old, digest), pages: other });
    }
    expect([...outcomes].toSorted()).toEqual(["differs", "explore/vectors", "same"]);
  }, 240_000);
});
