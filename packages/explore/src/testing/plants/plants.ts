// SPDX-License-Identifier: Apache-2.0
import type { Hunt, Plant } from "./plant.js";

const ONE_CUT: Hunt = { fault: "cuts", flash: "nand-1bit", scenario: "good", depth: 1 };
/** The story as it goes by itself. */
const NO_CUT: Hunt = { ...ONE_CUT, depth: 0 };
/** Any number of cuts while a session opens its journal. */
const MANY_CUTS: Hunt = { ...ONE_CUT, depth: 6, firstOperations: 2 };
const TWO_CUTS: Hunt = { ...ONE_CUT, depth: 2 };
const AFTER_REFUSAL: Hunt = { ...NO_CUT, afterRefusal: true };

/** Bugs in the store. */
const STORE_PLANTS: readonly Plant[] = [
  {
    name: "no-recommit-before-erase",
    bug: "a session's first record erases a block before the one found at mount was written again",
    file: "store/src/journal.ts",
    find: "if (!this.isProven || isFull) this.#openBoth(true);",
    replacement: `if (!this.isProven || isFull) {
      this.#current = withBadBlocks(next, this.#current.badBlocks);
      this.#openBoth(false);
      return;
    }`,
    breaks: "I9",
    hunt: MANY_CUTS,
  },
  {
    name: "append-behind-torn-page",
    bug: "records are appended behind pages that an earlier session has left",
    file: "store/src/journal.ts",
    find: "if (!this.isProven || isFull) this.#openBoth(true);",
    replacement: `for (const chain of this.#chains) chain.isOpen = true;
    if (isFull) this.#openBoth(true);`,
    breaks: "I7",
    hunt: NO_CUT,
  },
  {
    name: "one-chain-only",
    bug: "the journal has one chain",
    file: "store/src/journal.ts",
    find: "const CHAINS = [0, 1] as const;",
    replacement: "const CHAINS = [0] as const;",
    breaks: "I9",
    hunt: NO_CUT,
  },
  {
    name: "last-proven-record-erased",
    bug: "only the newest block of a chain is kept, and what it holds may be torn",
    file: "store/src/journal.ts",
    find: "if (!isCopyOnly || (index === 0 && chain.isOpen)) {",
    replacement: "if (index === 0) {",
    breaks: "I9",
    hunt: MANY_CUTS,
  },
  {
    name: "one-copy-only",
    bug: "images are written once",
    file: "store/src/bank-writer.ts",
    find: "const COPIES = [0, 1] as const;",
    replacement: "const COPIES = [0] as const;",
    breaks: "I3",
    hunt: NO_CUT,
  },
  {
    name: "last-block-trusted-on-resume",
    bug: "a resumed download goes on behind a block whose summary may be torn",
    file: "store/src/store.ts",
    find: "isBegun &&",
    replacement: "(isBegun || !isBegun) &&",
    breaks: "I9",
    hunt: TWO_CUTS,
  },
  {
    name: "received-before-summary",
    bug: "an image is recorded as received before the summary of its last block is there",
    file: "store/src/bank-writer.ts",
    find: `    if (inBlock === pages - 1) this.#endBlock(logicalBlock, pages);
    if (this.#positionBytes === this.#sizeBytes) this.#host.imageReceived();`,
    replacement: `    if (this.#positionBytes === this.#sizeBytes) this.#host.imageReceived();
    if (inBlock === pages - 1) this.#endBlock(logicalBlock, pages);`,
    breaks: "I9",
    hunt: ONE_CUT,
  },
  {
    name: "no-summary-page",
    bug: "a page that ECC lets pass is not held against the summary of its block",
    file: "store/src/bank-reader.ts",
    find: 'if (read.status !== "uncorrectable" && crc32c(read.data) === crc) {',
    replacement: 'if (read.status !== "uncorrectable" && crc !== undefined) {',
    breaks: "result",
    hunt: { ...NO_CUT, fault: "miscorrection" },
  },
  {
    name: "second-copy-not-read",
    bug: "a page that the first copy has lost is not looked for in the second",
    file: "store/src/bank-reader.ts",
    find: `    for (const copy of [0, 1]) {
      const block = this.#blockOf(copy, logicalBlock);`,
    replacement: `    for (const copy of [0]) {
      const block = this.#blockOf(copy, logicalBlock);`,
    breaks: "I4",
    hunt: { ...ONE_CUT, fault: "decay" },
  },
  {
    name: "map-recorded-before-move",
    bug: "scrubbing records the new map before the block is written there",
    file: "store/src/block-rewriter.ts",
    find: "host.commit(record);\n",
    replacement: `const before = record.banks[place.bank]?.images[place.image]?.copies[place.copy] ?? [];
    const [early = { block: 0, sequence: 0 }] = blocks;
    host.commit(withCopyMap(record, place, replaceBlock(before, place.logicalBlock, early), host.plan));
`,
    breaks: "I3",
    hunt: { ...TWO_CUTS, fault: "decay-and-cuts" },
  },
  {
    name: "first-chain-only-mounted",
    bug: "both chains are written, and the second is never read",
    file: "store/src/journal.ts",
    find: "const [a, b] = chains.map((chain) => chain.newest);",
    replacement: "const [a, b] = [chains[0].newest ?? chains[1].newest, null];",
    breaks: "I9",
    hunt: { ...ONE_CUT, fault: "decay" },
  },
  {
    name: "chain-ordered-by-block",
    bug: "the newest block of a chain is the one with the highest number",
    file: "store/src/journal.ts",
    find: "(a.page.sequence < b.page.sequence ? 1 : -1)",
    replacement: "(a.block < b.block ? 1 : -1)",
    breaks: "I9",
    hunt: NO_CUT,
  },
  {
    name: "copy-passes-for-a-record",
    bug: "a copy is not flagged, so a block with nothing else in it is kept and a proven one erased",
    file: "store/src/journal.ts",
    find: "this.#openFresh(chain, this.#current, isCopy, retired);",
    replacement: "this.#openFresh(chain, this.#current, false, retired);",
    breaks: "I9",
    hunt: MANY_CUTS,
  },
  {
    name: "accepted-blocks-are-free",
    bug: "blocks of the accepted release are given to the next one",
    file: "store/src/block-map.ts",
    find: `  for (const bank of record.banks) {
    for (const image of bank.images) {
      for`,
    replacement: `  for (const [index, bank] of record.banks.entries()) {
    if (index === record.acceptedBank) continue;
    for (const image of bank.images) {
      for`,
    breaks: "I3",
    hunt: AFTER_REFUSAL,
  },
  {
    name: "bad-blocks-are-free",
    bug: "bad blocks are given to the next release",
    file: "store/src/block-map.ts",
    find: "const taken = new Set(record.badBlocks);",
    replacement: "const taken = new Set<number>();",
    breaks: "I7",
    hunt: NO_CUT,
  },
  {
    name: "failed-programs-ignored",
    bug: "writing goes on in a block in which a program has failed",
    file: "store/src/bank-writer.ts",
    find: 'if (this.#host.flash.programPage(page, data) === "failed") {',
    replacement: "if (this.#host.flash.programPage(page, data) === null) {",
    breaks: "I7",
    hunt: { ...ONE_CUT, fault: "bad-blocks" },
  },
  {
    name: "write-offset-not-checked",
    bug: "bytes are taken for the next ones of an image, whatever place they are for",
    file: "store/src/bank-writer.ts",
    find: "if (offsetBytes !== this.#positionBytes) {",
    replacement: "if (offsetBytes < 0) {",
    breaks: "I4",
    hunt: { ...ONE_CUT, fault: "transport" },
  },
  {
    name: "weak-summary-stays",
    bug: "a block whose summary is close to being lost is not moved",
    file: "store/src/block-condition.ts",
    find: "if (summaries[copy]?.isWeak !== false) weak.add(copy);",
    replacement: "if (summaries[copy] === null) weak.add(copy);",
    breaks: "I3",
    hunt: { ...ONE_CUT, fault: "decay" },
  },
  {
    name: "first-summary-only",
    bug: "a summary that the first copy has lost is not looked for in the second",
    file: "store/src/bank-reader.ts",
    find: `    for (const copy of [0, 1]) {
      const place`,
    replacement: `    for (const copy of [0]) {
      const place`,
    breaks: "I4",
    hunt: { ...ONE_CUT, fault: "decay" },
  },
];

/** Bugs in the bootloader's half of the transaction. */
const BOOT_PLANTS: readonly Plant[] = [
  {
    name: "fallback-not-verified",
    bug: "a release is installed though the one to fall back to cannot be read",
    file: "update/src/staged-check.ts",
    find: "if (accepted !== null && verify(boot, accepted).first !== null) {",
    replacement: "if (accepted === -1) {",
    breaks: "result",
    hunt: { ...NO_CUT, fault: "loss", scenario: "self-test-fails" },
  },
  {
    name: "trial-starts-not-counted",
    bug: "a start on trial is not counted before the release is started",
    file: "update/src/boot-coordinator.ts",
    find: "store.commit({ trials: trials - 1 });",
    replacement: "",
    breaks: "I4",
    hunt: { ...NO_CUT, scenario: "app-hangs" },
  },
  {
    name: "no-watchdog-on-trial",
    bug: "a release on trial starts without the watchdog",
    file: "update/src/boot-coordinator.ts",
    find: `    watchdog.start();
    store.commit({ trials`,
    replacement: "    store.commit({ trials",
    breaks: "I4",
    hunt: { ...NO_CUT, scenario: "app-hangs" },
  },
  {
    name: "marker-after-first-erase",
    bug: "the marker says installing only when the core has been written",
    file: "update/src/installation.ts",
    find: `    marker.beginInstall(releaseIdOf(store.record, bank), held);
    const result = core.install(hash, source, { isResumed });`,
    replacement: `    const result = core.install(hash, source, { isResumed });
    marker.beginInstall(releaseIdOf(store.record, bank), held);`,
    breaks: "I2",
    hunt: { ...NO_CUT, fault: "lost-store" },
  },
  {
    name: "installed-before-copy",
    bug: "a core counts as installed before it is written",
    file: "update/src/installation.ts",
    find: `    const result = core.install(hash, source, { isResumed });
    if (!result.ok) {
      if (result.isUntouched === true) restore(boot, index, before);
      log("core-failed", \`\${core.core}: \${result.code}\`);
      return recordReason(index, "install", result.code, result.detail ?? 0);
    }
    store.commit({ installed: withInstalled(store.record, index, hash) });
    marker.coreInstalled(index);`,
    replacement: `    store.commit({ installed: withInstalled(store.record, index, hash) });
    marker.coreInstalled(index);
    const result = core.install(hash, source, { isResumed });
    if (!result.ok) {
      if (result.isUntouched === true) restore(boot, index, before);
      log("core-failed", \`\${core.core}: \${result.code}\`);
      return recordReason(index, "install", result.code, result.detail ?? 0);
    }`,
    breaks: "result",
    hunt: ONE_CUT,
  },
  {
    name: "record-trusted-without-marker",
    bug: "what the record says of the cores is not held against the marker",
    file: "update/src/installed-images.ts",
    find: "  if (!sameHash(record.installed[index] ?? null, hash)) return false;",
    replacement: "  if (index >= 0) return sameHash(record.installed[index] ?? null, hash);",
    breaks: "I2",
    hunt: { ...NO_CUT, fault: "exchanged-store" },
  },
  {
    name: "flash-trusted-on-resume",
    bug: "pages that a cut installation has left and that read well are kept",
    file: "update/src/flash-core.ts",
    find: "this.#writePage(offset, source, !isResumed);",
    replacement: "this.#writePage(offset, source, isResumed || !isResumed);",
    breaks: "result",
    hunt: ONE_CUT,
  },
  {
    name: "no-pcd-deadline",
    bug: "the bootloader waits for b0n for as long as it takes",
    file: "update/src/pcd-core.ts",
    find: `status === "busy" && waited < deadlineMs; waited`,
    replacement: `status === "busy"; waited`,
    breaks: "I4",
    hunt: { ...NO_CUT, scenario: "net-busy" },
  },
  {
    name: "net-image-not-verified-in-ram",
    bug: "b0n is given what was read from the store, unverified",
    file: "update/src/pcd-core.ts",
    find: "if (!verdict.ok || !bytesEqual(verdict.facts.hash, hash)) {",
    replacement: "if (!verdict.ok) {",
    breaks: "I2",
    hunt: { ...NO_CUT, fault: "forged-image" },
  },
  {
    name: "counter-raised-at-trial",
    bug: "the security counter rises when a release is tried",
    file: "update/src/boot-coordinator.ts",
    find: `    this.#log("trial", \`trial boot, \${trials - 1} left\`);`,
    replacement: `    this.#options.ports.securityCounter.raise(app.securityCounter ?? 0);`,
    breaks: "I8",
    hunt: ONE_CUT,
  },
  {
    name: "counter-raised-on-unproven-record",
    bug: "the security counter rises for a record whose copies may have been cut in the act",
    file: "update/src/boot-coordinator.ts",
    find: "if (isRaise || !isAccepted()) store.settle();",
    replacement: "",
    breaks: "I8",
    hunt: TWO_CUTS,
  },
  {
    name: "no-reset-after-install",
    bug: "a release starts right after it was installed, before anything counts its trial",
    file: "update/src/boot-coordinator.ts",
    find: `      finishInstallation(boot, target);
      return { kind: "reset" };`,
    replacement: `      finishInstallation(boot, target);
      return { kind: "start" };`,
    breaks: "I4",
    hunt: { ...NO_CUT, scenario: "app-hangs" },
  },
  {
    name: "one-chain-acted-upon",
    bug: "a record that stands in one chain only is acted upon before it is written again",
    file: "update/src/boot-coordinator.ts",
    find: "if (!store.isSettled) store.settle();",
    replacement: "",
    breaks: "I9",
    hunt: { ...ONE_CUT, scenario: "net-refused-by-b0n" },
  },
  {
    name: "attempts-not-counted",
    bug: "attempts to install a candidate are not counted before they begin",
    file: "update/src/boot-coordinator.ts",
    find: "if (isExpendable) store.commit({ attempts });",
    replacement: "",
    breaks: "I4",
    hunt: { ...NO_CUT, fault: "brownout" },
  },
  {
    name: "reason-dropped-by-fallback",
    bug: "the fallback forgets why: the application takes the same release again, for ever",
    file: "update/src/fallback.ts",
    find: `    trials: 0,
    reason,`,
    replacement: `    trials: 0,
    reason: null,`,
    breaks: "I4",
    hunt: { ...NO_CUT, scenario: "self-test-fails" },
  },
  {
    name: "held-core-not-confirmed",
    bug: "a core that record and marker call installed is not looked at",
    file: "update/src/installation.ts",
    find: "if (held[index] === true && core.confirmInstalled(hash, source)) {",
    replacement: "if (held[index] === true) {",
    breaks: "I4",
    hunt: { ...NO_CUT, fault: "damaged-slot" },
  },
  {
    name: "half-a-release-tried",
    bug: "a trial looks at the application core alone",
    file: "update/src/boot-coordinator.ts",
    find: "if (!isApp || !isInstalled(boot, candidate)) {",
    replacement: "if (!isApp) {",
    breaks: "I2",
    hunt: { ...NO_CUT, fault: "exchanged-store", scenario: "self-test-fails" },
  },
  {
    name: "half-a-release-started",
    bug: "a start of the accepted release looks at the application core alone",
    file: "update/src/boot-coordinator.ts",
    find: "if (isApp && isInstalled(boot, accepted)) {",
    replacement: "if (isApp) {",
    breaks: "I2",
    hunt: { ...NO_CUT, fault: "exchanged-store" },
  },
  {
    name: "stale-marks-kept",
    bug: "an entry of the marker that names the release stays, whichever cores it calls installed",
    file: "update/src/marker.ts",
    find: 'if (isOwn && kind === "installing" && isId(found.state, releaseId) && isSame) return;',
    replacement: 'if (kind === "installing" && isId(found.state, releaseId)) return;',
    breaks: "I7",
    hunt: ONE_CUT,
  },
  {
    name: "oldest-marker-entry-read",
    bug: "the first entry in a page of the marker counts, not the last",
    file: "update/src/marker.ts",
    find: "if (state !== null) newest = { state, offset: at };",
    replacement: "if (state !== null && newest === null) newest = { state, offset: at };",
    breaks: "I2",
    hunt: { ...NO_CUT, fault: "lost-store" },
  },
];

/** Bugs in the application's half. */
const SERVICE_PLANTS: readonly Plant[] = [
  {
    name: "accept-in-two-records",
    bug: "the trial ends in one record, and the release is accepted in the next",
    file: "update/src/update-service.ts",
    find: `    this.#store.commit({
      state: SetState.UPDATED,
      acceptedBank`,
    replacement: `    this.#store.commit({ state: SetState.UPDATED, candidateBank: null, trials: 0 });
    this.#store.commit({
      state: SetState.UPDATED,
      acceptedBank`,
    breaks: "I5",
    hunt: ONE_CUT,
  },
  {
    name: "reason-not-recorded",
    bug: "a release is refused without saying why",
    file: "update/src/update-service.ts",
    find: "this.#store.commit({ state: SetState.FAILED, candidateBank: null, reason: first });",
    replacement:
      "this.#store.commit({ state: SetState.FAILED, candidateBank: null, reason: null });",
    breaks: "I10",
    hunt: { ...NO_CUT, scenario: "damaged" },
  },
  {
    name: "accepted-bank-reused",
    bug: "a new release is received into the bank of the accepted one",
    file: "update/src/release-receiver.ts",
    find: "const bank = pickBank(record);",
    replacement: "const bank = record.acceptedBank ?? pickBank(record);",
    breaks: "I4",
    hunt: ONE_CUT,
  },
  {
    name: "unverified-candidate",
    bug: "a release that does not verify counts as received",
    file: "update/src/update-service.ts",
    find: `    if (first === undefined) {
      const banks`,
    replacement: `    if (first === undefined || first !== undefined) {
      const banks`,
    breaks: "I2",
    hunt: { ...NO_CUT, scenario: "damaged" },
  },
];

/** Each of them has to be found. */
export const PLANTS: readonly Plant[] = [...STORE_PLANTS, ...BOOT_PLANTS, ...SERVICE_PLANTS];
