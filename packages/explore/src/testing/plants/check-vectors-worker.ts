// SPDX-License-Identifier: Apache-2.0
import { parentPort, workerData } from "node:worker_threads";

import { checkVectors } from "../../vectors/vectors.js";
import type { VectorFiles } from "../../vectors/write-vectors.js";

// What the loader gives is of this type.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const files = workerData as VectorFiles;
// A rule for windows of browsers.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
parentPort?.postMessage(checkVectors(files));
