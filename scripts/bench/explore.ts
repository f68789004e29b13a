// SPDX-License-Identifier: Apache-2.0
// How fast sessions of the small profile are gone through, in one thread, and what part is hashing.
import { FLASH_KINDS, JobRunner, StateSet, createWorld } from "@tandem/explore";

const SECONDS = 10;
const LIMIT_PER_SECOND = 1000;

Error.stackTraceLimit = 0;
const rows = FLASH_KINDS.map((flash) => {
  const name = { profile: "small", flash, scenario: "any-firmware" } as const;
  const seen = new StateSet(2_000_000).buffer;
  const world = createWorld(name);
  let hashingMs = 0;
  const timed = <T>(run: () => T): T => {
    const before = performance.now();
    const result = run();
    hashingMs += performance.now() - before;
    return result;
  };
  const { crypto } = world;
  const createHash = crypto.createHash.bind(crypto);
  crypto.createHash = (algorithm) => {
    const hasher = createHash(algorithm);
    return {
      update: (bytes) => timed(() => hasher.update(bytes)),
      digest: () => timed(() => hasher.digest()),
    };
  };
  const job = { world: name, depth: Number.POSITIVE_INFINITY, tears: "distinct" } as const;
  const share = { index: 0, count: 1 };
  const runner = new JobRunner(
    { ...job, maxUnstable: 1, precision: "closed" },
    { share, seen },
    world,
  );
  const start = performance.now();
  runner.run(() => performance.now() - start > SECONDS * 1000);
  const seconds = (performance.now() - start) / 1000;
  const { figures } = runner.progress;
  const { hashing } = runner.result;
  return {
    flash,
    sessionsPerSecond: Math.round(figures.edges / seconds),
    runPerSecond: Math.round(figures.sessions / seconds),
    states: figures.states,
    hashingPercent: Number(((hashingMs / (seconds * 1000)) * 100).toFixed(1)),
    digests: hashing.digests,
    digestsComputed: hashing.digestsComputed,
  };
});

if (process.argv.includes("--json")) {
  process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
} else {
  for (const row of rows) {
    process.stdout.write(
      `${row.flash.padEnd(10)} ${row.sessionsPerSecond} sessions/s (${row.runPerSecond} run, the ` +
        `others cut from them), ${row.states} states, hashing ${row.hashingPercent} % of the time, ` +
        `${row.digestsComputed} of ${row.digests} digests computed\n`,
    );
  }
}
if (rows.some(({ sessionsPerSecond }) => sessionsPerSecond < LIMIT_PER_SECOND)) {
  process.exitCode = 1;
}
