// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { createRandom } from "@tandem/base";
import { describe, expect, it } from "vitest";

import { tandem, tandemOk } from "./support/tandem.js";
import { TemporaryDirectory } from "./support/temporary.js";

interface Step {
  readonly release: string;
  readonly result: string;
  readonly reason: {
    readonly image: number | null;
    readonly step: string;
    readonly code: string;
  } | null;
  readonly app: string;
  readonly net: string;
  readonly powerCuts: number;
  readonly resumes: number;
  readonly bytesDownloaded: number;
  readonly bytesTotal: number;
}

interface Report {
  readonly ok: boolean;
  readonly steps: readonly Step[];
}

async function demo(...options: readonly string[]): Promise<Report> {
  const parsed: Report = JSON.parse(await tandemOk("demo", "--json", ...options));
  return parsed;
}

const RESULTS = ["accepted", "rolled-back", "rolled-back", "refused", "accepted", "switched-back"];

/** Temporary directories of the demo that are still there. */
function leftovers(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith("tandem-demo-"));
}

describe("tandem demo", () => {
  it.each([[[]], [["--bundle"]]])("tells the story to its end with %j", async (options) => {
    const report = await demo(...options);
    expect(report).toMatchObject({
      ok: true,
      seed: 1,
      mixedStarts: 0,
      unverifiedStarts: 0,
      flashRuleViolations: 0,
    });
    expect(report.steps.map((step) => step.result)).toEqual(RESULTS);
    expect(report.steps.map((step) => step.app)).toEqual(report.steps.map((step) => step.net));
    expect(report.steps.map((step) => step.reason?.code ?? null)).toEqual([
      null,
      "core-silent",
      "not-accepted",
      "image-signature",
      null,
      null,
    ]);
    const [first] = report.steps;
    expect(first).toMatchObject({ powerCuts: 2, resumes: 2 });
    // What was on the medium before the cut is not downloaded again.
    expect(first?.bytesDownloaded).toBeLessThan(1.15 * (first?.bytesTotal ?? 0));
  });

  it("prints the same document for the same seed, and tells the story with any other", async () => {
    const first = await tandemOk("demo", "--json", "--seed", "7");
    expect(await tandemOk("demo", "--json", "--seed", "7")).toBe(first);
    for (const seed of ["2", "3", "4294967295"]) {
      expect((await demo("--seed", seed)).ok, `seed ${seed}`).toBe(true);
    }
  });

  it.each(["ecdsa-p256", "rsa-2048"])("takes a key of type %s", async (type) => {
    using directory = new TemporaryDirectory();
    await tandemOk("image", "keygen", "--type", type, directory.file("key.pem"));
    expect((await demo("--key", directory.file("key.pem"))).ok).toBe(true);
  });

  it("takes firmware that was linked elsewhere only when told to", async () => {
    using directory = new TemporaryDirectory();
    const app = directory.file("app.bin");
    const net = directory.file("net.bin");
    // Vector tables that point to address zero, as firmware without a bootloader has.
    for (const [file, seed, size] of [
      [app, 1, 162_000],
      [net, 2, 172_440],
    ] as const) {
      const bytes = createRandom(seed).bytes(size);
      bytes.set([0x00, 0x00, 0x01, 0x20, 0x89, 0x06, 0x00, 0x00]);
      writeFileSync(file, bytes);
    }
    const refused = await tandem(["demo", "--json", "--app", app, "--net", net]);
    expect(refused.status).toBe(2);
    expect(refused.out).toBe("");
    expect(refused.err).toMatch(/app\.bin: reset vector at 0x4: 0x00000689, expected within/);
    expect((await demo("--unlinked", "--app", app, "--net", net)).ok).toBe(true);
  });

  it("traces every flash operation as a JSON line", async () => {
    using directory = new TemporaryDirectory();
    await demo("--trace", directory.file("trace.jsonl"));
    const lines = readFileSync(directory.file("trace.jsonl"), "utf8").trimEnd().split("\n");
    const numbers = lines.map((line): unknown => JSON.parse(line).number);
    expect(numbers).toEqual(lines.map((_, i) => i + 1));
    const devices = new Set(lines.map((line): unknown => JSON.parse(line).device));
    expect(devices).toEqual(new Set(["nand", "app-flash", "net-flash"]));
  });

  it("ends with 130 and leaves nothing behind when it is interrupted", async () => {
    const before = leftovers();
    const abort = new AbortController();
    const result = await tandem(["demo"], {
      signal: abort.signal,
      // In the middle of a download.
      onOut: (text) => {
        if (text.includes("connection dropped")) abort.abort();
      },
    });
    expect(result.status).toBe(130);
    expect(result.out).not.toContain("every step ended as told");
    expect(leftovers()).toEqual(before);
  });
});
