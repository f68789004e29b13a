// SPDX-License-Identifier: Apache-2.0

/**
 * State of the whole set of images, in the words of Arm's PSA Firmware Update API 1.0 (chapter
 * "State model"), plus INSTALLING, which only the bootloader sees. The numbers are on flash.
 */
export const SetState = {
  READY: 0,
  WRITING: 1,
  CANDIDATE: 2,
  STAGED: 3,
  FAILED: 4,
  TRIAL: 5,
  REJECTED: 6,
  UPDATED: 7,
  INSTALLING: 8,
} as const;
export type SetState = (typeof SetState)[keyof typeof SetState];
export type SetStateName = keyof typeof SetState;

/** The state's name. */
export function stateName(state: SetState): SetStateName {
  const found = STATES.find(([, value]) => value === state);
  // Every SetState is in the table that the type is made from.
  return found?.[0] ?? "READY";
}

/** The state with this number, or null when no state has it. */
export function stateFromNumber(value: number): SetState | null {
  return STATES.find(([, state]) => state === value)?.[1] ?? null;
}

// Object.entries loses the key type.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const STATES = Object.entries(SetState) as [SetStateName, SetState][];
