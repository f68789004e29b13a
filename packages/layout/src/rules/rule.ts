// SPDX-License-Identifier: Apache-2.0
import type { Configuration, ImageRole } from "../model/configuration.js";
import type { Layout } from "../model/layout.js";
import type { Project } from "../model/project.js";
import type { SdkRange, SdkVersion } from "../model/sdk-version.js";
import type { UpdateScheme } from "../model/update-scheme.js";
import type { Place } from "../place.js";

/** error: it will fail, lose data or brick; warning: it may; note: worth knowing. */
export type Severity = "error" | "warning" | "note";

/** What a rule may look at. */
export interface CheckContext {
  readonly project: Project;
  /** The layouts that the build uses. */
  readonly layouts: readonly Layout[];
  readonly scheme: UpdateScheme;
  /** Null when the caller does not say. */
  readonly sdk: SdkVersion | null;
  /** True for a build that is to go into the field. */
  readonly release: boolean;
  readonly config: (role: ImageRole) => Configuration | undefined;
}

/** One place where a rule does not hold. */
export interface Violation {
  /** What is there and what was expected. */
  readonly message: string;
  readonly place: Place;
  /** The rule's own when absent. */
  readonly severity?: Severity;
  /** The rule's own when absent. */
  readonly fix?: string;
  /** Other lines that belong to it. */
  readonly related?: readonly { readonly place: Place; readonly message: string }[];
}

/** One check. */
export interface Rule {
  /** `group/what`, stable across releases. */
  readonly id: string;
  readonly severity: Severity;
  /** What has to hold, in a few words. */
  readonly title: string;
  /** Why: what happens otherwise. */
  readonly reason: string;
  /** Where that is written: documentation, source file, known issue. */
  readonly source: string;
  readonly affects: SdkRange;
  /** True for a known issue: it is only reported for a named SDK version. */
  readonly needsSdk?: boolean;
  readonly fix: string;
  readonly check: (context: CheckContext) => Iterable<Violation>;
}

/** A violation with all that its rule knows. */
export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  readonly place: Place;
  readonly related: readonly { readonly place: Place; readonly message: string }[];
  readonly reason: string;
  readonly source: string;
  readonly affects: SdkRange;
  readonly fix: string;
  /** Which of several builds; empty when there is one. */
  readonly build: string;
}
