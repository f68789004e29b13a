// SPDX-License-Identifier: Apache-2.0
import type { Reason } from "@tandem/update";

import type { StepResult } from "./story.js";

/** What one step of the story came to. */
export interface StepReport {
  readonly release: string;
  readonly result: StepResult;
  readonly reason: Reason | null;
  /** Version that the application core runs after the step. */
  readonly app: string;
  /** Version that the network core runs after the step. */
  readonly net: string;
  readonly boots: number;
  readonly powerCuts: number;
  /** Bytes of completed fragments, over all sessions of the step. */
  readonly bytesDownloaded: number;
  /** Bytes of the release's images. */
  readonly bytesTotal: number;
  /** Completed fragment requests. */
  readonly rangeRequests: number;
  /** Times that a download went on after a dropped connection. */
  readonly resumes: number;
  /** Time that the step takes on the device, without the network. */
  readonly modelTimeMs: number;
}

/** The document that `tandem demo --json` prints. */
export interface DemoReport {
  readonly ok: boolean;
  readonly seed: number;
  readonly steps: readonly StepReport[];
  readonly mixedStarts: number;
  readonly unverifiedStarts: number;
  readonly flashRuleViolations: number;
}
