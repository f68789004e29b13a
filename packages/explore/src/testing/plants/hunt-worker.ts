// SPDX-License-Identifier: Apache-2.0
import { parentPort, workerData } from "node:worker_threads";

import { hunt } from "./hunt.js";
import type { Hunt } from "./plant.js";

// Power cuts are thrown; nobody reads where.
Error.stackTraceLimit = 0;
// What the loader gives is of this type.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const order = workerData as Hunt;
// A rule for windows of browsers.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
parentPort?.postMessage(hunt(order));
