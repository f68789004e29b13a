// SPDX-License-Identifier: Apache-2.0
import { bytesEqual } from "@tandem/base";
import { IMAGE_VERSION_LAYOUT } from "@tandem/image";
import type { ImageFacts, ImageVersion } from "@tandem/image";
import type { ReasonCode, UpdateService } from "@tandem/update";

import type { AppScript } from "../firmware-script.js";

/** What an application's self-test found. */
export type SelfTestResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: ReasonCode;
      readonly image: number;
      readonly detail: number;
    };

/** The application, up and running until the next reset or power cut. */
export interface RunningApplication {
  readonly facts: ImageFacts;
  readonly script: AppScript;
  /**
   * The application's own view of the store, mounted at its start.
   * @throws {FormatError} store/not-formatted when the store could not be mounted: the marker alone
   * lets such an application start
   */
  readonly service: UpdateService;
  /** What the network core answered over IPC; null when it did not. */
  readonly netVersion: ImageVersion | null;
}

/**
 * Checks that both cores run what the record says: the application by its own image hash, the
 * network core by the version that it reports over IPC.
 */
export function selfTest(app: RunningApplication): SelfTestResult {
  const status = app.service.query();
  const expected = status.state === "TRIAL" ? status.candidate : status.accepted;
  const appHash = expected?.imageHashes[0];
  const isOwnImage = appHash !== undefined && bytesEqual(appHash, app.facts.hash);
  if (app.script.kind === "self-test-fails" || !isOwnImage) {
    return { ok: false, code: "self-test", image: 0, detail: 0 };
  }
  const netExpected = expected?.imageVersions[1];
  if (netExpected === undefined) return { ok: true };
  if (app.netVersion === null) return { ok: false, code: "core-silent", image: 1, detail: 0 };
  const isSame = bytesEqual(IMAGE_VERSION_LAYOUT.encode(app.netVersion), netExpected);
  const { major, minor, revision } = app.netVersion;
  const detail = (major << 16) | (minor << 8) | (revision & 0xff);
  return isSame ? { ok: true } : { ok: false, code: "core-version", image: 1, detail };
}
