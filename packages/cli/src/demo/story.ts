// SPDX-License-Identifier: Apache-2.0
import type { AppScript, NetScript } from "@tandem/twin";

/** How a step of the story ended; the words that servers and documents use. */
export type StepResult = "accepted" | "rolled-back" | "refused" | "switched-back";

/** A connection that the server drops: in the n-th fragment request of the step, after some bytes. */
export interface PlannedDrop {
  readonly request: number;
  readonly afterBytes: number;
}

/** One step: a release, what goes wrong with it, and how it must end. */
export interface StoryStep {
  readonly title: string;
  readonly action: "update" | "switch-back";
  /** Version of the release that the step is about. */
  readonly release: string;
  readonly securityCounter: number;
  readonly app?: AppScript;
  readonly net?: NetScript;
  readonly isNetSignatureWrong?: boolean;
  readonly drops?: readonly PlannedDrop[];
  /** Share of the candidate's NAND pages that is written before power goes. */
  readonly cutDownloadAt?: number;
  /** Share of the application slot that is written before power goes. */
  readonly cutInstallAt?: number;
  /** A page of the candidate becomes unreadable after it was verified. */
  readonly decaysBeforeInstall?: boolean;
  readonly expected: { readonly result: StepResult; readonly running: string };
}

/** The release that the factory put into the device. */
export const FACTORY_RELEASE = { version: "1.0.0", securityCounter: 1 };

/** Bad blocks that the NAND chip left its factory with. */
export const FACTORY_BAD_BLOCKS = 12;

export const STORY: readonly StoryStep[] = [
  {
    title: "two dropped connections, power cut while downloading and while installing",
    action: "update",
    release: "1.1.0",
    securityCounter: 1,
    drops: [
      { request: 6, afterBytes: 5000 },
      { request: 15, afterBytes: 11_000 },
    ],
    cutDownloadAt: 0.98,
    cutInstallAt: 0.5,
    expected: { result: "accepted", running: "1.1.0" },
  },
  {
    title: "its network core never comes up",
    action: "update",
    release: "1.2.0",
    securityCounter: 1,
    net: { kind: "silent" },
    expected: { result: "rolled-back", running: "1.1.0" },
  },
  {
    title: "its application crashes before it accepts; higher security counter",
    action: "update",
    release: "1.3.0",
    securityCounter: 2,
    app: { kind: "crashes", afterMs: 3000 },
    expected: { result: "rolled-back", running: "1.1.0" },
  },
  {
    title: "the signature of its network image is wrong",
    action: "update",
    release: "1.4.0",
    securityCounter: 1,
    isNetSignatureWrong: true,
    expected: { result: "refused", running: "1.1.0" },
  },
  {
    title: "a NAND page becomes unreadable between validation and installation",
    action: "update",
    release: "1.5.0",
    securityCounter: 1,
    decaysBeforeInstall: true,
    expected: { result: "accepted", running: "1.5.0" },
  },
  {
    title: "switch back to the previous release by hand",
    action: "switch-back",
    release: "1.1.0",
    securityCounter: 1,
    expected: { result: "switched-back", running: "1.1.0" },
  },
];
