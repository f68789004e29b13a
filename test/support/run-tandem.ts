// SPDX-License-Identifier: Apache-2.0
// The command as a process of its own, on sources.
import { runMain } from "@tandem/cli";

await runMain();
