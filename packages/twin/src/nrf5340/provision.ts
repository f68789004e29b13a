// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import { parseImage } from "@tandem/image";
import type { ReleaseManifest } from "@tandem/release";
import { SetState, Store } from "@tandem/store";
import type { StoreOptions } from "@tandem/store";

import { padToWords } from "../pad-to-words.js";
import type { Nrf5340Twin } from "./device.js";

/**
 * What production does: formats the store, puts the first release into it and into both cores.
 * @param images image files in the order of the release
 * @throws {UsageError} twin/provision when the release does not verify
 */
export function provision(
  twin: Nrf5340Twin,
  release: ReleaseManifest,
  images: readonly Uint8Array[],
  storeOptions?: StoreOptions,
): void {
  const store = Store.format(twin.storeFlash, storeOptions);
  const service = twin.createService(store);
  service.start(release);
  images.forEach((bytes, index) => service.write(index, 0, bytes));
  const verdict = service.finish();
  if (!verdict.ok) {
    const [first] = verdict.reasons;
    throw new UsageError(
      "twin/provision",
      `release ${release.version}: image ${first?.image ?? "set"}: ${first?.message ?? "refused"}`,
    );
  }
  programCores(twin, images);
  const { record } = store;
  const bank = record.candidateBank ?? 0;
  const hashes = record.banks[bank]?.images.map((image) => image.imageHash) ?? [];
  store.commit({
    state: SetState.READY,
    acceptedBank: bank,
    candidateBank: null,
    installed: hashes,
  });
  const [appHash] = hashes;
  if (appHash !== undefined) twin.marker.write("accepted", appHash);
  twin.raiseSecurityCounter(record.banks[bank]?.securityCounter ?? 0);
}

/** Writes both cores' flash the way a debug probe does. */
export function programCores(twin: Nrf5340Twin, images: readonly Uint8Array[]): void {
  const [app, net] = images;
  const slot = twin.primarySlot;
  if (app !== undefined) {
    for (let at = 0; at < app.length; at += slot.pageBytes) slot.erasePage(at);
    slot.write(0, padToWords(app));
  }
  if (net === undefined) return;
  const { header, payload } = parseImage(net);
  twin.observer.learn(net, header);
  const { start } = twin.map.netSlot;
  const { pageBytes } = twin.netFlash.profile;
  for (let at = 0; at < payload.length; at += pageBytes) twin.netFlash.erasePage(start + at);
  twin.netFlash.write(start, padToWords(payload));
}
