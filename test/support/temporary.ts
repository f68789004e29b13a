// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** A directory that is gone with its scope. */
export class TemporaryDirectory implements Disposable {
  readonly path: string = mkdtempSync(path.join(tmpdir(), "tandem-test-"));

  file(...names: readonly string[]): string {
    return path.join(this.path, ...names);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
