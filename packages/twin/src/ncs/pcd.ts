// SPDX-License-Identifier: Apache-2.0
import type { DeviceClock } from "../device-clock.js";
import { PCD_CMD_MAGIC } from "../nrf5340/net-core.js";
import type { NetCore } from "../nrf5340/net-core.js";
import { McuHang } from "../signals.js";

/** Zephyr's error of what b0n has refused, negative as functions return it. */
export const EFAULT: number = -14;
const EINVAL = -22;
/** Zephyr's error of RAM without firmware for the network core, negative as functions return it. */
export const ENODATA: number = -61;

/** NETWORK_CORE_UPDATE_CHECK_TIME and the busy wait between two looks at the status. */
const POLL_US = 1_000_000;
/** MCUboot looks for ever; the model gives up and says so. */
const MOST_POLLS = 600;

/**
 * PCD as MCUboot drives it: one command at a time, and no deadline.
 * @see sdk-nrf, subsys/pcd/src/pcd.c (CONFIG_PCD_APP)
 */
export class Pcd {
  readonly #core: NetCore;
  readonly #clock: DeviceClock;

  constructor(core: NetCore, clock: DeviceClock) {
    this.#core = core;
    this.#clock = clock;
  }

  /** PCD_STATUS_COPY: b0n has not answered yet. */
  get isCopying(): boolean {
    return this.#core.status === "busy";
  }

  /**
   * `pcd_network_core_update`: has b0n copy firmware and waits for its answer.
   * @param data firmware as b0n finds it; null when the address is not one that it can read
   * @returns 0 or a negative error
   * @throws {McuHang} when b0n never answers
   */
  networkCoreUpdate(data: Uint8Array | null): number {
    if (data?.length === 0) return EINVAL;
    this.#start(PCD_CMD_MAGIC.COPY, data);
    return this.#awaitAnswer();
  }

  /** `pcd_network_core_update_initiate`: the same without waiting for more than a second. */
  networkCoreUpdateInitiate(data: Uint8Array): number {
    if (data.length === 0) return EINVAL;
    this.#start(PCD_CMD_MAGIC.COPY, data);
    this.letRun(POLL_US);
    return 0;
  }

  /**
   * `pcd_network_core_app_version`: the version in the `fw_info` of the network core's firmware;
   * null when b0n finds none.
   * @throws {McuHang} when b0n never answers
   */
  networkCoreAppVersion(): number | null {
    this.#start(PCD_CMD_MAGIC.READ_VERSION, new Uint8Array(0));
    return this.#awaitAnswer() === 0 ? this.#core.reportedVersion : null;
  }

  /**
   * What Nordic's documentation says of a revert; no release's source does it.
   * @throws {McuHang} when b0n never answers
   */
  fillNetworkCore(data: Uint8Array): void {
    this.#core.forceOff();
    this.#core.writeCommand(PCD_CMD_MAGIC.COPY, data, { unchecked: true });
    this.#core.release(this.#clock.nowUs);
    this.#awaitAnswer();
  }

  /** `pcd_lock_ram`. */
  lockRam(): void {
    this.#core.lockCommand();
  }

  letRun(us: number): void {
    this.#clock.elapse(us);
    this.#core.runUntil(this.#clock.nowUs);
  }

  #start(magic: number, data: Uint8Array | null): void {
    this.#core.forceOff();
    this.#core.writeCommand(magic, data);
    this.#core.release(this.#clock.nowUs);
  }

  #awaitAnswer(): number {
    for (let polls = 0; polls < MOST_POLLS; polls++) {
      this.letRun(POLL_US);
      if (this.#core.status === "busy") continue;
      // After a failure the network core is left as it is.
      if (this.#core.status === "failed") return EFAULT;
      this.#core.forceOff();
      return 0;
    }
    throw new McuHang("MCUboot waits for b0n, which does not answer");
  }
}
