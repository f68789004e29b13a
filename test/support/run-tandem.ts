// SPDX-License-Identifier: Apache-2.0
// The command as a process of its own, on sources.
import { runMain } from "@tandem/cli";

// Shows progress as on a terminal.
if (process.env["TANDEM_TEST_TERMINAL"] !== undefined) process.stderr.isTTY = true;
await runMain();
