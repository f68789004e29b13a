#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { runMain } from "../dist/main.js";

await runMain();
