// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

import { UsageError } from "@tandem/base";
import { build } from "esbuild";
import type { Plugin } from "esbuild";

import type { Catch, Hunt, Plant } from "./plant.js";

const PACKAGES = fileURLToPath(new URL("../../../../", import.meta.url));
const ENTRY = fileURLToPath(new URL("hunt-worker.ts", import.meta.url));

/**
 * The text of a source file with the bug in it.
 * @throws {UsageError} explore/plant unless the text to exchange stands there exactly once: the
 * code has changed, and the plant has to follow
 */
export function plantIn(
  source: string,
  plant: Pick<Plant, "name" | "file" | "find" | "replacement">,
): string {
  const [before, after, ...more] = source.split(plant.find);
  if (before === undefined || after === undefined || more.length > 0) {
    const count = after === undefined ? 0 : more.length + 1;
    throw new UsageError(
      "explore/plant",
      `plant ${plant.name}: its text stands ${count} times in ${plant.file}, expected once`,
      { details: { found: count, expected: 1 } },
    );
  }
  return before + plant.replacement + after;
}

/** Bundles the explorer and all that it tests, with one bug or none, and lets it hunt in a thread. */
export function huntIn(plant: Plant | null, order: Hunt): Promise<Catch> {
  return runIn<Catch>(plant, ENTRY, order);
}

/** Bundles the worker in the file `entry`, with one bug or none, and runs it once. */
export async function runIn<T>(plant: Plant | null, entry: string, order: unknown): Promise<T> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: "node",
    target: "node20",
    format: "cjs",
    conditions: ["source"],
    // Nothing in the bundle makes threads of its own.
    define: { "import.meta.url": '"file:///"' },
    plugins: plant === null ? [] : [planter(plant)],
  });
  const [{ text } = { text: "" }] = outputFiles;
  const worker = new Worker(text, { eval: true, workerData: order });
  try {
    return await new Promise((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
  } finally {
    await worker.terminate();
  }
}

/** Puts the bug in while esbuild reads the file, and says so if it never does. */
function planter(plant: Plant): Plugin {
  const file = path.join(PACKAGES, plant.file);
  return {
    name: "plant",
    setup(building): void {
      let isPlanted = false;
      building.onLoad({ filter: /\.ts$/ }, async (load) => {
        if (load.path !== file) return null;
        isPlanted = true;
        return { contents: plantIn(await readFile(file, "utf8"), plant), loader: "ts" };
      });
      building.onEnd(() => {
        if (isPlanted) return;
        throw new UsageError(
          "explore/plant",
          `plant ${plant.name}: the explorer has no ${plant.file}`,
        );
      });
    },
  };
}
