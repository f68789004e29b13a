// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { downloadRelease } from "@tandem/agent";
import type { DownloadTarget } from "@tandem/agent";
import { InternalError, createRandom } from "@tandem/base";
import type { PublicKey } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import type { FlashOperation } from "@tandem/flash";
import { encodeReleaseJson } from "@tandem/release";
import { createReleaseCheck, createReleaseServer } from "@tandem/server";
import type { ReleaseServer } from "@tandem/server";
import { provision } from "@tandem/twin";
import type { RunningApplication } from "@tandem/twin";
import type { Reason } from "@tandem/update";

import { createRunCertificates } from "../tls/run-certificates.js";
import { DemoDevice } from "./demo-device.js";
import { FlakyConnection } from "./flaky-connection.js";
import { scriptsOf } from "./demo-releases.js";
import type { DemoReleases } from "./demo-releases.js";
import type { DemoReport, StepReport } from "./report.js";
import { FACTORY_RELEASE, STORY } from "./story.js";
import type { StepResult, StoryStep } from "./story.js";

export interface DemoOptions {
  readonly seed: number;
  readonly releases: DemoReleases;
  readonly keys: readonly PublicKey[];
  readonly unlinked: boolean;
  readonly mode: "files" | "bundle";
  readonly signal: AbortSignal;
  readonly observer: DemoObserver;
  readonly onOperation?: (operation: FlashOperation, number: number) => void;
}

/** Who watches the story: the timeline for people, or nobody. */
export interface DemoObserver {
  step(step: StoryStep): void;
  event(text: string): void;
  progress(label: string, done: number, total: number): void;
  stepEnded(report: StepReport): void;
}

const NAND_PAGE_BYTES = 2048;
/** Writes of internal flash per page: 4 KiB in operations of 1 KiB. */
const WRITE_BYTES = 1024;

/** Tells the whole story on one twin, against a real HTTPS server; leaves nothing behind. */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const root = await mkdtemp(path.join(tmpdir(), "tandem-demo-"));
  try {
    await writeReleases(root, options.releases);
    const certificates = await createRunCertificates({ now: new Date() });
    await using server = await createReleaseServer({
      root,
      tls: { key: certificates.keyPem, cert: certificates.certPem },
      publish: { check: createReleaseCheck({ crypto: nodeCrypto, keys: options.keys }) },
      // 1.4.0 would never be published with a wrong signature: the device has to find out.
      unchecked: true,
    });
    return await new Demo(options, server, certificates.caPem).run();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function writeReleases(root: string, releases: DemoReleases): Promise<void> {
  for (const [version, release] of releases) {
    const directory = path.join(root, version);
    await mkdir(directory);
    await writeFile(path.join(directory, "release.json"), encodeReleaseJson(release.manifest));
    for (const [name, bytes] of release.files) await writeFile(path.join(directory, name), bytes);
  }
}

class Demo {
  readonly #options: DemoOptions;
  readonly #server: ReleaseServer;
  readonly #caPem: string;
  readonly #device: DemoDevice;
  readonly #flaky = new FlakyConnection();
  #baseUrl = "";

  constructor(options: DemoOptions, server: ReleaseServer, caPem: string) {
    this.#options = options;
    this.#server = server;
    this.#caPem = caPem;
    const { observer } = options;
    this.#device = new DemoDevice({
      seed: options.seed,
      keys: options.keys,
      hardware: factoryRelease(options.releases).manifest.hardware,
      scripts: scriptsOf(options.releases),
      unlinked: options.unlinked,
      ...(options.onOperation === undefined ? {} : { onOperation: options.onOperation }),
      onBootEvent: (event) => observer.event(event.text),
      onOtherCopy: (text) => observer.event(text),
      onProgress: (core, done, total) => observer.progress(`install ${core}`, done, total),
    });
  }

  async run(): Promise<DemoReport> {
    this.#flaky.attachTo(this.#server.app);
    this.#baseUrl = await this.#server.listen({ host: "127.0.0.1", port: 0 });
    const { twin } = this.#device;
    const factory = factoryRelease(this.#options.releases);
    provision(twin, factory.manifest, factory.images);
    this.#device.boot(twin.powerOn());
    const steps: StepReport[] = [];
    for (const step of STORY) {
      this.#options.signal.throwIfAborted();
      this.#options.observer.step(step);
      const report = await this.#runStep(step);
      this.#options.observer.stepEnded(report);
      steps.push(report);
    }
    const { mixedStarts, unverifiedStarts } = twin.observer.counters;
    return {
      ok: steps.every((report, i) => isAsTold(report, STORY[i])),
      seed: this.#options.seed,
      steps,
      mixedStarts,
      unverifiedStarts,
      flashRuleViolations: twin.violations.length,
    };
  }

  async #runStep(step: StoryStep): Promise<StepReport> {
    const { twin } = this.#device;
    const start = { boots: twin.boots, us: twin.clock.nowUs };
    this.#device.powerCuts = 0;
    const counted = { bytes: 0, requests: 0, resumes: 0 };
    const refusal = step.action === "update" ? await this.#update(step, counted) : null;
    if (step.action === "switch-back") this.#device.app.service.switchBack();
    if (refusal === null) await this.#install(step);
    const { reason } = this.#device.app.service.query();
    const release = this.#options.releases.get(step.release);
    const isUpdate = step.action === "update";
    return {
      release: step.release,
      result: this.#resultOf(step, refusal),
      reason: refusal ?? reason,
      app: this.#device.appVersion,
      net: this.#device.netVersion,
      boots: twin.boots - start.boots,
      powerCuts: this.#device.powerCuts,
      bytesDownloaded: counted.bytes,
      bytesTotal: isUpdate ? sum(release?.manifest.images.map((image) => image.size) ?? []) : 0,
      rangeRequests: counted.requests,
      resumes: counted.resumes,
      modelTimeMs: Math.round((twin.clock.nowUs - start.us) / 1000),
    };
  }

  #resultOf(step: StoryStep, refusal: Reason | null): StepResult {
    if (refusal !== null) return "refused";
    if (this.#device.app.service.query().state !== "UPDATED") return "rolled-back";
    return step.action === "update" ? "accepted" : "switched-back";
  }

  /** Downloads and verifies; a reason when the release is refused. */
  async #update(
    step: StoryStep,
    counted: { bytes: number; requests: number; resumes: number },
  ): Promise<Reason | null> {
    this.#flaky.plan(step.drops ?? []);
    this.#planDownloadCut(step);
    let refusal: Reason | null = null;
    const { observer } = this.#options;
    const download = async (app: RunningApplication): Promise<void> => {
      await this.#download(step, app, counted);
      const verdict = app.service.finish();
      if (verdict.ok) {
        observer.event("all images are valid");
        app.service.install();
      } else refusal = verdict.reasons[0] ?? null;
    };
    while (!(await this.#device.session(download))) observer.event("power cut; device is up again");
    return refusal;
  }

  async #download(
    step: StoryStep,
    app: RunningApplication,
    counted: { bytes: number; requests: number; resumes: number },
  ): Promise<void> {
    const { observer, mode, signal, seed } = this.#options;
    await downloadRelease({
      baseUrl: this.#baseUrl,
      release: step.release,
      target: counting(app.service, counted),
      tls: { ca: this.#caPem },
      mode,
      retry: {
        // Delays belong to a real network; the story is about what survives, not about waiting.
        sleep: async () => await Promise.resolve(),
        random: createRandom(seed),
        now: () => 0,
      },
      signal,
      onProgress: (at) =>
        observer.progress(`download ${at.core}`, at.releaseBytes, at.releaseBytesTotal),
      log: (event) => {
        if (event.type === "resumed") {
          counted.resumes += 1;
          observer.event(
            `connection dropped; goes on at byte ${event.offsetBytes} of ${event.core}`,
          );
        }
        if (event.type === "image" && event.offsetBytes > 0) {
          observer.event(`${event.core}: ${event.offsetBytes} bytes are on the medium already`);
        }
      },
    });
  }

  async #install(step: StoryStep): Promise<void> {
    const { twin } = this.#device;
    if (step.cutInstallAt !== undefined) {
      const appBytes = this.#options.releases.get(step.release)?.manifest.images[0]?.size ?? 0;
      twin.power.planCut({
        when: "inside",
        matches: (operation) => operation.device === "app-flash" && operation.length >= WRITE_BYTES,
        skip: Math.floor((appBytes / WRITE_BYTES) * step.cutInstallAt),
      });
    }
    if (step.decaysBeforeInstall === true) this.#decayCandidate();
    await this.#device.settle();
  }

  #planDownloadCut(step: StoryStep): void {
    if (step.cutDownloadAt === undefined) return;
    const bytes = sum(
      this.#options.releases.get(step.release)?.manifest.images.map((image) => image.size) ?? [],
    );
    this.#device.twin.power.planCut({
      when: "inside",
      matches: (operation) => operation.device === "nand" && operation.kind === "program",
      // Every page is programmed in two copies.
      skip: Math.floor(((2 * bytes) / NAND_PAGE_BYTES) * step.cutDownloadAt),
    });
  }

  /** Two flipped bits in each sector of a page: more than the chip's ECC can correct. */
  #decayCandidate(): void {
    const { twin } = this.#device;
    const { record } = twin.mountStore();
    const image = record.banks[record.candidateBank ?? 0]?.images[0];
    const block = image?.copies[0][0]?.firstBlock ?? 0;
    const page = block * twin.nand.geometry.pagesPerBlock + 9;
    twin.nand.decayPage(page, 2, createRandom(this.#options.seed));
  }
}

/** Counts what reaches the device as whole fragments, also those whose writing is cut short. */
function counting(
  target: DownloadTarget,
  counted: { bytes: number; requests: number },
): DownloadTarget {
  return {
    start: (release) => target.start(release),
    receivedBytes: (image) => target.receivedBytes(image),
    write: (image, offsetBytes, bytes) => {
      counted.bytes += bytes.length;
      counted.requests += 1;
      target.write(image, offsetBytes, bytes);
    },
  };
}

function isAsTold(report: StepReport, step: StoryStep | undefined): boolean {
  return (
    step !== undefined &&
    report.result === step.expected.result &&
    report.app === step.expected.running &&
    report.net === step.expected.running
  );
}

function factoryRelease(releases: DemoReleases): NonNullable<ReturnType<DemoReleases["get"]>> {
  const factory = releases.get(FACTORY_RELEASE.version);
  if (factory === undefined) throw new InternalError("demo/no-factory-release", "no 1.0.0");
  return factory;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
