// SPDX-License-Identifier: Apache-2.0
import { makeCoverage } from "./coverage.js";
import type { Coverage } from "./coverage.js";
import type { Figures, Found } from "./explorer.js";
import { crossCheck } from "./cross-check.js";
import { FAULT_KINDS, noFaultCounts } from "./faults.js";
import type { FaultCounts, FaultKind } from "./faults.js";
import type { FlashKind, ProfileName } from "./geometry.js";
import type { Job, JobProgress, JobResult } from "./job.js";
import { checkLiveness } from "./liveness.js";
import { minimize } from "./minimize.js";
import { Pool } from "./pool.js";
import { ALL_SCENARIOS, CLOSURE_SCENARIOS, FULL_SCENARIOS, SCENARIOS } from "./scenario.js";
import { inSlices } from "./slices.js";
import { StateSet } from "./state-set.js";
import { formatLine } from "./trail.js";
import { createWorld } from "./world.js";

export const MODES = ["linear", "depth", "closure"] as const;
export type Mode = (typeof MODES)[number];

export interface ExplorationOptions {
  readonly mode: Mode;
  readonly profile: ProfileName;
  readonly flash: FlashKind;
  /** Faults on one path, in mode `depth`. */
  readonly depth: number;
  /** Kinds of fault; default: those of `DEFAULT_FAULTS`, without decay and bad blocks on full chips. */
  readonly faults?: readonly FaultKind[];
  /** Only this story; default: all. */
  readonly scenario?: string;
  readonly workers: number;
  /** Milliseconds after which to stop; Infinity: never. */
  readonly budgetMs: number;
  /** Milliseconds, from any moment on. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ExplorationProgress) => void;
}

/** Kinds of fault that a mode takes unless it is told: pairs of all kinds take hours. */
export const DEFAULT_FAULTS: Readonly<Record<Mode, readonly FaultKind[]>> = {
  linear: FAULT_KINDS,
  depth: ["cuts", "decay"],
  closure: ["cuts"],
};

/** Left out of profile `full` unless asked for: a session for each of thousands of pages. */
const BY_PAGE: readonly FaultKind[] = ["decay", "bad-blocks"];

function faultsOf({ faults, mode, profile }: ExplorationOptions): readonly FaultKind[] {
  const usual = DEFAULT_FAULTS[mode];
  return faults ?? (profile === "full" ? usual.filter((kind) => !BY_PAGE.includes(kind)) : usual);
}

/** How far an exploration is. */
export interface ExplorationProgress {
  readonly scenario: string;
  /** Stories that are done, and all of them. */
  readonly done: number;
  readonly total: number;
  readonly states: number;
  readonly edges: number;
  readonly pending: number;
}

/** A violation, with the line that shows it again. */
export interface Finding {
  readonly invariant: string;
  readonly text: string;
  readonly line: string;
}

/** What an exploration found. */
export interface ExplorationReport extends Figures {
  readonly mode: Mode;
  readonly profile: ProfileName;
  readonly flash: FlashKind;
  readonly scenarios: readonly string[];
  /** How many faults of each kind were made. */
  readonly faults: FaultCounts;
  readonly seconds: number;
  readonly edgesPerSecond: number;
  /** Nothing was left out. */
  readonly complete: boolean;
  /** Stories that were gone through to their end. */
  readonly done: readonly string[];
  /** States that were found and waited to be gone on from when the time was over. */
  readonly pending: number;
  /** Most sessions without a fault that any state took to come to rest. */
  readonly mostSessions: number;
  /** Mode `closure`: sessions without any abstraction whose states were all among those found. */
  readonly crossChecked: number;
  readonly coverage: Coverage;
  readonly violations: readonly Finding[];
}

/** Memory for the keys of one job: 16 bytes each. */
const MAX_STATES = 8_000_000;
/** Sessions per story that are walked at random through the states that `closure` has found. */
const CROSS_CHECKED_SESSIONS = 500;

/** Goes through the states of one configuration, story by story. */
export async function explore(options: ExplorationOptions): Promise<ExplorationReport> {
  await using pool = new Pool(options.workers);
  const run = new ExplorationRun(options, pool);
  await run.workOff();
  return run.report();
}

/** Stories that lead to the same states, and go through each of them once between them. */
interface Group {
  readonly jobs: readonly Job[];
  /** What they have been to; null: not begun, or not needed any more. */
  seen: StateSet | null;
  /** Which state follows which when no fault comes. */
  readonly links: (readonly number[])[];
}

/** One call of `explore`: what is still to be done, and what was found so far. */
class ExplorationRun {
  readonly #options: ExplorationOptions;
  readonly #pool: Pool;
  readonly #start: number;
  readonly #jobs: readonly Job[];
  readonly #waiting: Job[];
  readonly #groups: readonly Group[];
  /** Threads that work on one story, and stories that are worked on at a time. */
  readonly #threads: number;
  readonly #lanes: number;
  readonly #running = new Map<Job, readonly JobProgress[]>();
  readonly #results: JobResult[] = [];
  readonly #findings: Finding[] = [];
  /** Stories that were gone through to their end. */
  readonly #done: string[] = [];
  #mostSessions = 0;
  #crossChecked = 0;

  constructor(options: ExplorationOptions, pool: Pool) {
    this.#options = options;
    this.#pool = pool;
    this.#start = options.now();
    this.#jobs = jobsOf(options);
    this.#waiting = [...this.#jobs];
    this.#groups = groupsOf(options, this.#jobs);
    // The states of one story come unevenly to several threads; a story each keeps them busy.
    const isShared = options.mode !== "closure" || this.#jobs.length < options.workers;
    this.#threads = isShared ? options.workers : 1;
    this.#lanes = isShared ? 1 : Math.max(1, options.workers);
  }

  async workOff(): Promise<void> {
    const lane = async (): Promise<void> => {
      for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) {
        await this.#explore(job);
      }
    };
    await Promise.all(Array.from({ length: this.#lanes }, lane));
    for (const group of this.#groups) await this.#finish(group);
  }

  async #explore(job: Job): Promise<void> {
    const options = this.#options;
    const isOver = overAt(
      options,
      this.#start,
      Math.ceil((this.#waiting.length + 1) / this.#lanes),
    );
    const group = this.#groups.find(({ jobs }) => jobs.includes(job));
    if (isOver() || group === undefined) return;
    const { scenario } = job.world;
    const onProgress = (latest: readonly JobProgress[]): void => {
      this.#running.set(job, latest);
      const all = { done: this.#done.length, total: this.#jobs.length };
      const sum = sumOf(this.#results, [...this.#running.values()].flat());
      options.onProgress({ scenario, ...all, ...sum });
    };
    group.seen ??= new StateSet(MAX_STATES);
    const order = { seen: group.seen, isOver, onProgress };
    const shares = await this.#pool.run(job, this.#threads, order);
    this.#running.delete(job);
    this.#results.push(...shares.map((share) => ({ ...share, links: [], found: [] })));
    const found = shares.flatMap((share) => share.found);
    this.#findings.push(...findingsOf(job, found));
    group.links.push(...shares.map(({ links }) => links));
    if (shares.every(({ pending }) => pending === 0)) this.#done.push(scenario);
    // What nothing will be compared with takes no memory.
    if (options.mode !== "closure") group.seen = null;
  }

  /** What can be said of a group's states together only. */
  async #finish({ jobs, links, seen }: Group): Promise<void> {
    const liveness = checkLiveness(links);
    this.#mostSessions = Math.max(this.#mostSessions, liveness.mostSessions);
    const isClosed = jobs.every(({ world }) => this.#done.includes(world.scenario));
    const isOver = overAt(this.#options, this.#start, 1);
    for (const job of jobs) {
      if (liveness.goesInCircles) {
        const line = formatLine(job.world, []);
        const text = "sessions without a fault go in circles";
        this.#findings.push({ invariant: "I4", text, line });
      }
      if (!isClosed || seen === null || isOver()) continue;
      const walks = { seed: 1, sessions: CROSS_CHECKED_SESSIONS };
      const { sessions, missed } = await inSlices(crossCheck(createWorld(job.world), seen, walks));
      this.#crossChecked += sessions;
      if (missed !== null) this.#findings.push(...findingsOf(job, [missed]));
    }
  }

  report(): ExplorationReport {
    const { mode, profile, flash, now } = this.#options;
    const seconds = (now() - this.#start) / 1000;
    const results = this.#results;
    const figures = addFigures(results);
    return {
      mode,
      profile,
      flash,
      scenarios: this.#jobs.map(({ world }) => world.scenario),
      ...figures,
      faults: addFaults(results),
      seconds,
      edgesPerSecond: Math.round(figures.edges / seconds),
      complete: this.#done.length === this.#jobs.length,
      done: this.#done,
      pending: results.reduce((sum, { pending }) => sum + pending, 0),
      mostSessions: this.#mostSessions,
      crossChecked: this.#crossChecked,
      coverage: makeCoverage(
        results.map(({ coverage }) => coverage),
        results.map((one) => one.results),
      ),
      violations: this.#findings,
    };
  }
}

function groupsOf({ mode }: ExplorationOptions, jobs: readonly Job[]): readonly Group[] {
  const isFickle = ({ world }: Job): boolean =>
    mode === "closure" && ALL_SCENARIOS.get(world.scenario)?.isFickle === true;
  const alone = jobs.filter((job) => !isFickle(job)).map((job) => [job]);
  return [jobs.filter(isFickle), ...alone].map((of) => ({ jobs: of, seen: null, links: [] }));
}

/** Every story gets its share of the time that is left, so that none is left out altogether. */
function overAt(
  { now, signal, budgetMs }: ExplorationOptions,
  start: number,
  storiesLeft: number,
): () => boolean {
  const begin = now();
  const endAt = begin + (budgetMs - (begin - start)) / storiesLeft;
  return () => signal.aborted || now() > endAt;
}

function jobsOf(options: ExplorationOptions): readonly Job[] {
  const { mode, profile, flash, scenario } = options;
  const faults = faultsOf(options);
  const fixed = profile === "full" ? FULL_SCENARIOS : SCENARIOS;
  const all = mode === "closure" ? CLOSURE_SCENARIOS : fixed;
  const names = scenario === undefined ? all.map(({ name }) => name) : [scenario];
  const depth = { linear: 1, depth: options.depth, closure: Number.POSITIVE_INFINITY }[mode];
  return names.map((name) => ({
    world: { profile, flash, scenario: name },
    depth,
    faults,
    tears: mode === "closure" ? "distinct" : "all",
    // With any number of cuts, any number of pages could be unstable at a time.
    maxUnstable: mode === "closure" ? 1 : Number.POSITIVE_INFINITY,
    precision: mode === "closure" ? "closed" : "exact",
  }));
}

/** One finding of each kind: the one with the fewest sessions, made smaller still. */
function findingsOf(job: Job, found: readonly Found[]): readonly Finding[] {
  const byKind = new Map<string, Found>();
  for (const one of found) {
    const kind = `${one.invariant} ${one.text.replaceAll(/\d+/g, "n")}`;
    const known = byKind.get(kind);
    if (known === undefined || one.edges.length < known.edges.length) byKind.set(kind, one);
  }
  if (byKind.size === 0) return [];
  const world = createWorld(job.world);
  return [...byKind.values()].map((one) => {
    const { invariant, text, edges } = minimize(world, one);
    return { invariant, text, line: formatLine(job.world, edges) };
  });
}

function sumOf(
  results: readonly JobResult[],
  shares: readonly JobProgress[],
): Pick<ExplorationProgress, "states" | "edges" | "pending"> {
  const { states, edges } = addFigures([...results, ...shares]);
  return { states, edges, pending: shares.reduce((sum, { pending }) => sum + pending, 0) };
}

function addFaults(shares: readonly { readonly faults: FaultCounts }[]): FaultCounts {
  const sum = noFaultCounts();
  for (const { faults } of shares) for (const kind of FAULT_KINDS) sum[kind] += faults[kind];
  return sum;
}

function addFigures(shares: readonly { readonly figures: Figures }[]): Figures {
  const sum = { states: 0, edges: 0, cuts: 0, sessions: 0 };
  for (const { figures } of shares) {
    sum.states += figures.states;
    sum.edges += figures.edges;
    sum.cuts += figures.cuts;
    sum.sessions += figures.sessions;
  }
  return sum;
}
