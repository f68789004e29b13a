// SPDX-License-Identifier: Apache-2.0
export type { BankReader, ReadEvent } from "./bank-reader.js";
export type { BankWriter } from "./bank-writer.js";
export { checkStore } from "./inspect/check-store.js";
export type { FindingSeverity, StoreFinding, StoreFindingCode } from "./inspect/check-store.js";
export { STATE_MEANINGS, describeLayouts, formatConstants } from "./inspect/describe-layouts.js";
export type {
  DescribedField,
  DescribedStruct,
  FormatConstant,
} from "./inspect/describe-layouts.js";
export { inspectStore } from "./inspect/inspect-store.js";
export type { InspectOptions } from "./inspect/inspect-store.js";
export type {
  HistoryEntry,
  InspectedBank,
  InspectedBlock,
  InspectedImage,
  InspectedJournal,
  InspectedUse,
  StoreInspection,
} from "./inspect/inspection.js";
export { SetState, stateName } from "./set-state.js";
export type { SetStateName } from "./set-state.js";
export { lookUpBlock } from "./block-map.js";
export {
  decodeBlockHeader,
  decodeBlockSummary,
  encodeBlockSummary,
  isSameBlock,
} from "./data-block.js";
export type { BlockIdentity, BlockSummary } from "./data-block.js";
export {
  FREE_BANK,
  RECORD_FLAG_COPY,
  ZERO_HASH,
  decodeRecord,
  recordLayout,
} from "./state-record.js";
export type {
  Bank,
  BankImage,
  Extent,
  JournalPage,
  RecordedReason,
  StateRecord,
} from "./state-record.js";
export { DEFAULT_LIMITS, planStore } from "./store-plan.js";
export type { StoreLimits, StorePlan } from "./store-plan.js";
export { Store } from "./store.js";
export { areInOneBlock } from "./maintenance.js";
export type { FoundBytes, LostRange, PatrolReport } from "./maintenance.js";
export type { IncomingImage, StoreOptions } from "./store.js";
