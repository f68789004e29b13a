// SPDX-License-Identifier: Apache-2.0
// What a store costs, as ratios to the least that is possible on the same geometry.
import { createRandom } from "@tandem/base";
import { MX25R6435F, MemoryStorage, NandChip, NorChip, NorPages, W25N01GV } from "@tandem/flash";
import type { FlashOperation, PagedFlash } from "@tandem/flash";
import { DEFAULT_LIMITS, SetState, Store } from "@tandem/store";

/** Image sizes of a release for an nRF5340: 280 KB and 173 KB. */
const IMAGE_BYTES = [280_000, 173_000];
const FRAGMENT_BYTES = 16_384;

interface Figure {
  readonly name: string;
  readonly value: number;
  /** The least possible, or the limit that the value is held against. */
  readonly reference: number;
}

const JOURNAL_END = DEFAULT_LIMITS.journalBlocks * W25N01GV.pagesPerBlock * W25N01GV.pageBytes;

class Counter {
  reads = 0;
  programs = 0;
  erases = 0;
  journalPrograms = 0;
  journalErases = 0;
  us = 0;
}

function makeChip(counter: Counter): NandChip {
  const chip = new NandChip({
    name: "nand",
    profile: W25N01GV,
    storage: new MemoryStorage(),
    clock: { elapse: (us) => void (counter.us += us) },
    power: {
      begin: (operation: FlashOperation) => {
        const isJournal = operation.address < JOURNAL_END;
        if (operation.kind === "erase") counter[isJournal ? "journalErases" : "erases"] += 1;
        else counter[isJournal ? "journalPrograms" : "programs"] += 1;
        return null;
      },
    },
  });
  const readPage = chip.readPage.bind(chip);
  chip.readPage = (page) => {
    counter.reads += 1;
    return readPage(page);
  };
  return chip;
}

function receive(store: Store): void {
  const incoming = IMAGE_BYTES.map((sizeBytes) => ({
    sizeBytes,
    fileDigest: new Uint8Array(32),
    version: new Uint8Array(8),
  }));
  const state = SetState.WRITING;
  store.commit({ ...store.reserveBank(0, incoming), state, candidateBank: 0 });
  for (const [image, size] of IMAGE_BYTES.entries()) {
    const bytes = createRandom(image).bytes(size);
    const writer = store.writeImage(0, image);
    for (let at = 0; at < size; at += FRAGMENT_BYTES) {
      writer.write(at, bytes.subarray(at, at + FRAGMENT_BYTES));
    }
  }
  store.commit({ state: SetState.CANDIDATE });
}

function measure(): Figure[] {
  const { pageBytes, pagesPerBlock, programUs, eraseUs, busHz } = W25N01GV;
  const counter = new Counter();
  const chip = makeChip(counter);
  Store.format(chip);
  const store = Store.mount(chip);
  const dataPages = 2 * IMAGE_BYTES.reduce((sum, bytes) => sum + Math.ceil(bytes / pageBytes), 0);
  const blocks =
    2 * IMAGE_BYTES.reduce((sum, bytes) => sum + Math.ceil(bytes / pageBytes / pagesPerBlock), 0);

  Object.assign(counter, new Counter());
  receive(store);
  const { programs, erases, journalPrograms, journalErases, us } = counter;
  // Two records, each one page in both chains.
  const leastJournal = 4;
  const busUs = ((pageBytes + 14) * 8 * 1e6) / busHz;
  const leastUs = dataPages * (programUs + busUs) + blocks * eraseUs;

  Object.assign(counter, new Counter());
  for (const image of IMAGE_BYTES.keys()) {
    const reader = store.readImage(0, image);
    for (let at = 0; at < reader.size; at += pageBytes) {
      reader.read(at, Math.min(pageBytes, reader.size - at));
    }
  }
  const verifyReads = counter.reads;

  let mountReads = 0;
  for (let records = 0; records < 300; records++) {
    store.commit({ trials: records % 100 });
    Object.assign(counter, new Counter());
    Store.mount(chip);
    mountReads = Math.max(mountReads, counter.reads);
  }
  return [
    { name: "bank pages programmed", value: programs, reference: dataPages },
    { name: "bank blocks erased", value: erases, reference: blocks },
    { name: "journal pages per update", value: journalPrograms, reference: leastJournal },
    { name: "journal erases per update", value: journalErases, reference: 2 },
    { name: "page reads to verify a bank", value: verifyReads, reference: dataPages / 2 },
    { name: "most page reads to mount", value: mountReads, reference: 60 },
    { name: "model time to write, us", value: Math.round(us), reference: Math.round(leastUs) },
  ];
}

/** Pages of a bank on QSPI NOR, where a block holds fewer pages beside header and summary. */
function measureNor(): Figure[] {
  const storage = new MemoryStorage();
  const flash = new NorPages(new NorChip({ name: "nor", profile: MX25R6435F, storage }));
  let programs = 0;
  const counting: PagedFlash = {
    geometry: flash.geometry,
    eccStrengthBits: 0,
    readPage: (page) => flash.readPage(page),
    eraseBlock: (block) => flash.eraseBlock(block),
    isMarkedBad: (block) => flash.isMarkedBad(block),
    programPage: (page, data) => {
      const journalPages = DEFAULT_LIMITS.journalBlocks * flash.geometry.pagesPerBlock;
      if (page >= journalPages) programs += 1;
      return flash.programPage(page, data);
    },
  };
  Store.format(counting);
  receive(Store.mount(counting));
  const { pageBytes } = flash.geometry;
  const least = 2 * IMAGE_BYTES.reduce((sum, bytes) => sum + Math.ceil(bytes / pageBytes), 0);
  return [{ name: "bank pages programmed, NOR", value: programs, reference: least }];
}

const figures = [...measure(), ...measureNor()].map((figure) => ({
  ...figure,
  ratio: figure.value / figure.reference,
}));
if (process.argv.includes("--json")) {
  process.stdout.write(`${JSON.stringify({ bench: "store", figures })}\n`);
} else {
  for (const { name, value, reference, ratio } of figures) {
    process.stdout.write(
      `${name.padEnd(30)} ${String(value).padStart(9)} of ${String(reference).padStart(9)}  ${ratio.toFixed(3)}\n`,
    );
  }
}
