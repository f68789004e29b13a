// SPDX-License-Identifier: Apache-2.0
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/**
 * Node's flags for a thread of the module with this URL. On sources (tests, benchmarks) a thread
 * needs the loader for TypeScript, which Node 20 does not hand down: tsx registers itself in the
 * main thread only, except through its API.
 */
export function threadFlags(moduleUrl: string): string[] {
  if (!moduleUrl.endsWith(".ts")) return [];
  const loader = pathToFileURL(createRequire(moduleUrl).resolve("tsx"));
  const api = new URL("esm/api/index.mjs", loader).href;
  const start = `import { register } from ${JSON.stringify(api)}; register();`;
  return ["--conditions=source", "--import", `data:text/javascript,${start}`];
}
