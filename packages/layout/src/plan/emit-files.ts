// SPDX-License-Identifier: Apache-2.0
import { emitB0nConf, emitMcubootConf, emitPrjConf, emitSysbuildConf } from "./emit-kconfig.js";
import { emitAppOverlay, emitNetOverlay } from "./emit-overlays.js";
import { emitPmStatic } from "./emit-partition-manager.js";
import type { LayoutPlan } from "./layout-plan.js";

/** Files of a plan by their path in the application folder; the same for the same plan. */
export function emitFiles(plan: LayoutPlan): ReadonlyMap<string, string> {
  const files = new Map([
    ["sysbuild.conf", emitSysbuildConf(plan)],
    ["prj.conf", emitPrjConf(plan)],
    ["app.overlay", emitAppOverlay(plan, "slot0_partition")],
    ["sysbuild/mcuboot.conf", emitMcubootConf(plan)],
    ["sysbuild/mcuboot.overlay", emitAppOverlay(plan, "boot_partition")],
  ]);
  if (plan.options.way === "partition-manager")
    return files.set("pm_static.yml", emitPmStatic(plan));
  return files
    .set("sysbuild/b0n.conf", emitB0nConf(plan))
    .set("sysbuild/b0n.overlay", emitNetOverlay(plan, true))
    .set("sysbuild/ipc_radio.overlay", emitNetOverlay(plan, false));
}
