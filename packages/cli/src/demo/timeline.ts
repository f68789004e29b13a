// SPDX-License-Identifier: Apache-2.0
import { styleText } from "node:util";

import type { Context } from "../context.js";
import { ProgressLine } from "../progress-line.js";
import type { StepReport } from "./report.js";
import type { DemoObserver } from "./run-demo.js";
import type { StoryStep } from "./story.js";

/** The story for people: a heading per step, what happens, and how it ended. */
export function createTimeline(context: Context): DemoObserver {
  const bar = new ProgressLine(context);
  const style = (format: "bold" | "dim" | "green" | "yellow", text: string): string =>
    context.interactive ? styleText(format, text, { validateStream: false }) : text;
  return {
    step: (step: StoryStep) => {
      context.out(`\n${style("bold", step.release)}  ${step.title}\n`);
    },
    event: (text) => {
      bar.clear();
      context.out(style("dim", `    ${text}\n`));
    },
    progress: (label, done, total) => bar.show(label, done, total),
    stepEnded: (report: StepReport) => {
      bar.clear();
      const isGood = report.result === "accepted" || report.result === "switched-back";
      const result = style(isGood ? "green" : "yellow", report.result);
      const why = report.reason === null ? "" : ` (${describeReason(report)})`;
      context.out(`  ${result}${why}: app ${report.app}, net ${report.net}\n`);
      context.out(style("dim", `    ${describeCost(report)}\n`));
    },
  };
}

/** Nobody watches. */
export const SILENT: DemoObserver = {
  step: () => undefined,
  event: () => undefined,
  progress: () => undefined,
  stepEnded: () => undefined,
};

function describeReason(report: StepReport): string {
  const { reason } = report;
  const where = reason?.image === null ? "set" : `image ${reason?.image}`;
  return `${reason?.step}, ${where}: ${reason?.message} [${reason?.code}]`;
}

function describeCost(report: StepReport): string {
  const kilobytes = (report.bytesDownloaded / 1000).toFixed(0);
  const seconds = (report.modelTimeMs / 1000).toFixed(1);
  return `${report.boots} boots, ${report.powerCuts} power cuts, ${kilobytes} KB downloaded, ${seconds} s on the device`;
}
