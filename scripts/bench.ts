// SPDX-License-Identifier: Apache-2.0
// `npm run bench -- NAME [--json]`: runs one of the measurements in scripts/bench.
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";

const directory = path.join(import.meta.dirname, "bench");
const [name = ""] = process.argv.slice(2);
const file = path.join(directory, `${name}.ts`);
if (/^[a-z-]+$/.test(name) && existsSync(file)) {
  await import(file);
} else {
  const names = readdirSync(directory).map((entry) => path.basename(entry, ".ts"));
  process.stderr.write(`usage: npm run bench -- NAME [--json], NAME one of: ${names.join(", ")}\n`);
  process.exitCode = 2;
}
