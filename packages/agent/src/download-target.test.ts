// SPDX-License-Identifier: Apache-2.0
import type { UpdateService } from "@tandem/update";
import { describe, expectTypeOf, it } from "vitest";

import type { DownloadTarget } from "./download-target.js";
import type { HealTarget } from "./heal-target.js";

describe("DownloadTarget", () => {
  it("is what the update service is, without either knowing the other", () => {
    expectTypeOf<UpdateService>().toExtend<DownloadTarget>();
  });
});

describe("HealTarget", () => {
  it("is what the update service is, without either knowing the other", () => {
    expectTypeOf<UpdateService>().toExtend<HealTarget>();
  });
});
