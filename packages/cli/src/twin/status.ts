// SPDX-License-Identifier: Apache-2.0
import { IMAGE_VERSION_LAYOUT, formatVersion, verifyImage } from "@tandem/image";
import type { Nrf5340Twin } from "@tandem/twin";
import type { Reason, StoredRelease } from "@tandem/update";

/** State of a device for people and scripts. */
export interface TwinStatus {
  readonly state: string;
  /** Version of the verified image in the application core's slot; null when there is none. */
  readonly app: string | null;
  /** Version of the image in the network core's slot; null when the payload is not known. */
  readonly net: string | null;
  readonly accepted: string | null;
  readonly previous: string | null;
  readonly candidate: string | null;
  readonly trialsLeft: number;
  readonly reason: Reason | null;
  /** The accepted release is a stopgap that nobody accepted. */
  readonly isLimp: boolean;
  readonly securityCounter: number;
  readonly badBlocks: number;
  readonly modelTimeMs: number;
}

/** Reads the status from flash; writes nothing. */
export function readStatus(twin: Nrf5340Twin): TwinStatus {
  const status = twin.createService(twin.mountStore()).query();
  const app = verifyImage(twin.primarySlot, twin.trust);
  const net = twin.observer.identifyNet(twin.readNetSlot());
  return {
    state: status.state,
    app: app.ok ? formatVersion(app.facts.header.version) : null,
    net: net === null ? null : formatVersion(net.version),
    accepted: versionOf(status.accepted),
    previous: versionOf(status.previous),
    candidate: versionOf(status.candidate),
    trialsLeft: status.trialsLeft,
    reason: status.reason,
    isLimp: status.isLimp,
    securityCounter: twin.securityCounter,
    badBlocks: status.badBlocks,
    modelTimeMs: Math.round(twin.clock.nowUs / 1000),
  };
}

/** The status in lines for people. */
export function describeStatus(status: TwinStatus): string[] {
  const trials = status.state === "TRIAL" ? ` (${status.trialsLeft} trial boots left)` : "";
  const lines = [
    `state     ${status.state}${trials}`,
    `cores     app ${status.app ?? "no valid image"}, net ${status.net ?? "unknown image"}`,
    `accepted  ${status.accepted ?? "none"}${status.isLimp ? " (a stopgap, untested)" : ""}`,
    `previous  ${status.previous ?? "none"}`,
    `candidate ${status.candidate ?? "none"}`,
    `security counter ${status.securityCounter}, ${status.badBlocks} bad NAND blocks`,
  ];
  if (status.reason !== null) {
    const { image, step, code, message } = status.reason;
    lines.push(`last update: ${step}: image ${image ?? "set"}: ${message} [${code}]`);
  }
  return lines;
}

function versionOf(release: StoredRelease | null): string | null {
  return release === null ? null : formatVersion(IMAGE_VERSION_LAYOUT.parse(release.version));
}
