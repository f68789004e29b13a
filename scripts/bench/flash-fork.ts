// SPDX-License-Identifier: Apache-2.0
// What forks of a provisioned 1 Gb chip cost: exploration forks at every operation.
import { createRandom } from "@tandem/base";
import { MemoryStorage, NandChip, W25N01GV } from "@tandem/flash";

const FORKS = 400_000;
const CHAINED = 1000;
const LIVE = 10_000;
const PAGES_PER_FORK = 4;
const READS = 60_000;

interface Figure {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly atMost: boolean;
}

/** Two banks of a release of 453 KB in two copies, and a journal: about 1,000 pages. */
const PROVISIONED_BLOCKS = 16;

function provisioned(): NandChip {
  const chip = new NandChip({ name: "nand", profile: W25N01GV, storage: new MemoryStorage() });
  const random = createRandom(1);
  for (let block = 0; block < PROVISIONED_BLOCKS; block++) {
    chip.eraseBlock(block);
    for (let page = 0; page < W25N01GV.pagesPerBlock; page++) {
      chip.programPage(block * W25N01GV.pagesPerBlock + page, random.bytes(W25N01GV.pageBytes));
    }
  }
  return chip;
}

function secondsOf(run: () => void): number {
  const start = performance.now();
  run();
  return (performance.now() - start) / 1000;
}

function readsPerSecond(chip: NandChip): number {
  const random = createRandom(2);
  const pages = PROVISIONED_BLOCKS * W25N01GV.pagesPerBlock;
  const seconds = secondsOf(() => {
    for (let i = 0; i < READS; i++) chip.readPage(random.below(pages));
  });
  return READS / seconds;
}

function forksPerSecond(chip: NandChip): number {
  const run = (): void => {
    for (let i = 0; i < FORKS; i++) chip.fork();
  };
  run();
  return FORKS / secondsOf(run);
}

function chained(chip: NandChip): NandChip {
  let last = chip;
  for (let i = 0; i < CHAINED; i++) {
    last = last.fork();
    const page = (PROVISIONED_BLOCKS + (i >> 4)) * W25N01GV.pagesPerBlock + (i & 15);
    last.programPage(page, new Uint8Array(W25N01GV.pageBytes).fill(i));
  }
  return last;
}

/** Heap and buffers that so many forks keep alive, MiB. */
function mebibytesOfLiveForks(chip: NandChip): number {
  globalThis.gc?.();
  const before = process.memoryUsage();
  const live: NandChip[] = [];
  const random = createRandom(3);
  for (let i = 0; i < LIVE; i++) {
    const fork = chip.fork();
    for (let touched = 0; touched < PAGES_PER_FORK; touched++) {
      const block = PROVISIONED_BLOCKS + random.below(W25N01GV.blockCount - PROVISIONED_BLOCKS);
      fork.programPage(block * W25N01GV.pagesPerBlock, new Uint8Array(W25N01GV.pageBytes).fill(i));
    }
    live.push(fork);
  }
  globalThis.gc?.();
  const after = process.memoryUsage();
  const used = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
  return live.length === LIVE ? used / (1 << 20) : Number.NaN;
}

const chip = provisioned();
const deep = chained(chip);
readsPerSecond(chip);
const ratio = readsPerSecond(deep) / readsPerSecond(chip);
const figures: readonly Figure[] = [
  { name: "forks per second", value: forksPerSecond(chip), limit: 200_000, atMost: false },
  { name: "reads through 1,000 forks / unforked", value: ratio, limit: 0.5, atMost: false },
  {
    name: "MiB of 10,000 live forks, 4 pages each",
    value: mebibytesOfLiveForks(chip),
    limit: 300,
    atMost: true,
  },
];
const isMet = ({ value, limit, atMost }: Figure): boolean =>
  atMost ? value <= limit : value >= limit;
if (process.argv.includes("--json")) {
  process.stdout.write(`${JSON.stringify({ figures })}\n`);
} else {
  for (const figure of figures) {
    const { name, value, limit, atMost } = figure;
    const shown = value < 10 ? value.toFixed(2) : Math.round(value).toLocaleString("en");
    const bound = `${atMost ? "at most" : "at least"} ${limit.toLocaleString("en")}`;
    process.stdout.write(`${name}: ${shown} (${bound})${isMet(figure) ? "" : " MISSED"}\n`);
  }
}
if (!figures.every(isMet)) process.exitCode = 1;
