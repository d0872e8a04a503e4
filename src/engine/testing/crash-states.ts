// Every state that a crash could have left of the files of a CrashFiles: at each moment of its log what
// was stable is there, and of what was not, some.
//
//   prefixes  for each moment, all that had begun is there
//   subsets   of n operations that were begun and not stable: all 2^n when n ≤ `exhaustive` (10) and the
//             budget allows; otherwise none, each alone, each missing, and a seeded sample
//   torn      a seeded sample in which writes and zeroes have only some of their 512-byte sectors
//
// The time of a file's last change is what it was, in some of them, when it was last made stable.
// Operations on names (create, rename, remove) and sizes are there or not, each by itself; a rename is one
// step. A write that is there while the size that it needs is not, is cut. Nothing that was stable is ever
// undone, and two operations on one place keep their order unless one of them is missing.
// States that are equal, with the same marks, come once.

import { Prng } from '../base/prng'
import { type CrashContents, CrashFiles } from './crash-files'
import { CrashImage, partsToTear } from './crash-image'
import {
  type CrashLog,
  describeOperation,
  directoryOf,
  isNameChange,
  isSync,
  type LogEntry,
} from './crash-log'

export interface CrashStatesOptions {
  readonly seed: number
  /** About so many states in all. */
  readonly most?: number
  /** Up to so many unsettled operations, all subsets. */
  readonly exhaustive?: number
}

export interface CrashCounts {
  /** Moments at which a crash makes a difference. */
  moments: number
  /** Of them, those with every subset tried. */
  exhaustive: number
  prefixes: number
  subsets: number
  torn: number
}

export interface CrashState {
  readonly kind: 'prefix' | 'subset' | 'torn'
  /** What the workload had marked before the crash, in order. */
  readonly marks: readonly unknown[]
  /** The files as the crash left them: a new one for every call, which records as well. */
  space(): CrashFiles
  /** What was and what was not there, a line each, for the message of a test that fails. */
  describe(): string
}

const DEFAULT_MOST = 5000
const DEFAULT_EXHAUSTIVE = 10
/** One in so many of the states of a moment is torn, where anything can be. */
const TORN_SHARE = 4

export const describeCounts = (counts: CrashCounts): string =>
  `${counts.moments} moments (${counts.exhaustive} with every subset): ${counts.prefixes} prefixes, ` +
  `${counts.subsets} subsets, ${counts.torn} torn`

/** Iterable once; `counts` grows as it goes. */
export function crashStates(files: CrashFiles, options: CrashStatesOptions): CrashStates {
  return new CrashStates(files, options)
}

export class CrashStates implements Iterable<CrashState> {
  readonly counts: CrashCounts = { moments: 0, exhaustive: 0, prefixes: 0, subsets: 0, torn: 0 }
  readonly #files: CrashFiles
  readonly #options: Required<CrashStatesOptions>

  constructor(files: CrashFiles, options: CrashStatesOptions) {
    this.#files = files
    const { seed, most = DEFAULT_MOST, exhaustive = DEFAULT_EXHAUSTIVE } = options
    this.#options = { seed, most, exhaustive }
  }

  *[Symbol.iterator](): Generator<CrashState> {
    const { log } = this.#files
    const prng = new Prng(this.#options.seed)
    const history = new History(this.#files, prng)
    const moments = momentsOf(log, history.entries)
    const seen = new Set<string>()
    let budget = 0
    for (const at of moments) {
      this.counts.moments++
      budget += this.#options.most / moments.length
      const moment = history.advance(at)
      const marks = log.marks.filter((mark) => mark.at <= at).map((mark) => mark.note)
      for (const choice of this.#choices(moment, Math.floor(budget), prng)) {
        const { chosen, tearSeed = '', isLate } = choice
        const key = `${marks.length}:${tearSeed}:${isLate === true}:${moment.key(chosen)}`
        if (seen.has(key)) continue
        seen.add(key)
        budget--
        this.counts[COUNTERS[choice.kind]]++
        yield makeState(moment, choice, marks)
      }
    }
  }

  *#choices(moment: Moment, budget: number, prng: Prng): Generator<Choice> {
    const { unsettled } = moment
    const all = new Set(unsettled)
    yield { kind: 'prefix', chosen: all }
    if (moment.hasLateTimes) yield { kind: 'subset', chosen: all, isLate: true }
    const n = unsettled.length
    if (n === 0) {
      this.counts.exhaustive++
      return
    }
    const parts = unsettled.reduce((sum, { entry }) => sum + partsToTear(entry.operation) - 1, 0)
    const torn = parts > 0 ? Math.max(2, Math.floor(budget / TORN_SHARE)) : 0
    // A moment that only adds one operation repeats half of the subsets of the one before.
    const room = 2 * (budget - torn)
    if (n <= this.#options.exhaustive && 2 ** n <= Math.max(room, 4)) {
      this.counts.exhaustive++
      yield* everySubset(unsettled)
    } else yield* someSubsets(unsettled, budget - torn, prng)
    const most = Math.min(torn, 2 ** Math.min(parts + n, 16))
    for (let i = 0; i < most; i++) {
      // The last one is surely under way somewhere; the others are there, torn, or missing.
      const chosen = new Set(unsettled.filter((_, index) => index === n - 1 || prng.bool(0.7)))
      yield { kind: 'torn', chosen, tearSeed: prng.u32(), isLate: i % 2 === 0 }
    }
  }
}

const COUNTERS = { prefix: 'prefixes', subset: 'subsets', torn: 'torn' } as const

interface Choice {
  readonly kind: CrashState['kind']
  readonly chosen: ReadonlySet<Planned>
  readonly tearSeed?: number
  /** The bytes are there, and the times of the last changes are not. */
  readonly isLate?: boolean
}

function* everySubset(unsettled: readonly Planned[]): Generator<Choice> {
  for (let bits = 0; bits < 2 ** unsettled.length - 1; bits++) {
    const chosen = new Set(unsettled.filter((_, index) => (bits >> index) & 1))
    yield { kind: 'subset', chosen }
  }
}

function* someSubsets(
  unsettled: readonly Planned[],
  budget: number,
  prng: Prng,
): Generator<Choice> {
  yield { kind: 'subset', chosen: new Set() }
  // The youngest first: the older ones had their turn at earlier moments.
  const young = [...unsettled].reverse().slice(0, Math.max(2, Math.floor(budget / 4)))
  for (const one of young) {
    yield { kind: 'subset', chosen: new Set([one]) }
    yield { kind: 'subset', chosen: new Set(unsettled.filter((other) => other !== one)) }
  }
  for (let i = 1 + 2 * young.length; i < budget; i++) {
    const share = 0.1 + 0.8 * (prng.below(100) / 100)
    yield { kind: 'subset', chosen: new Set(unsettled.filter(() => prng.bool(share))) }
  }
}

/** An operation and the moment from which on it is surely there. */
interface Planned {
  readonly entry: LogEntry
  readonly stableAt: number
  /** Random; the sum of those of all that are there tells one state from another. */
  readonly hash: number
}

/** The log, gone through once: what is stable is applied for good as soon as nothing before it is not. */
class History {
  readonly entries: readonly Planned[]
  readonly #settled: CrashImage
  /** One for each file, and one for the names: within each, order counts. */
  readonly #lanes = new Map<number | 'names', Planned[]>()
  readonly #syncs: readonly LogEntry[]
  readonly #initial: CrashContents
  #settledHash = 0

  constructor(files: CrashFiles, prng: Prng) {
    const { log } = files
    this.#initial = files.initial
    const syncs = log.entries.filter(({ operation, end }) => isSync(operation) && end !== undefined)
    this.#syncs = syncs
    this.#settled = new CrashImage(files.initial)
    this.entries = log.entries
      .filter(({ operation }) => !isSync(operation))
      .map((entry) => ({ entry, stableAt: stableAt(entry, syncs), hash: prng.below(2 ** 40) }))
    for (const planned of this.entries) {
      const { operation } = planned.entry
      const lane = isNameChange(operation) || !('file' in operation) ? 'names' : operation.file
      this.#lanes.set(lane, [...(this.#lanes.get(lane) ?? []), planned])
    }
  }

  /** The last stable time of change of the files that were there at the beginning. */
  #timesAt(at: number): Map<number, bigint> {
    const times = new Map(
      [...this.#initial.files].map(([number, { modifiedNs }]) => [number, modifiedNs]),
    )
    for (const { operation, end } of this.#syncs) {
      if (operation.kind !== 'flush' || operation.modifiedNs === undefined) continue
      if ((end as number) <= at) times.set(operation.file, operation.modifiedNs)
    }
    return times
  }

  advance(at: number): Moment {
    for (const lane of this.#lanes.values()) {
      while (lane[0] !== undefined && lane[0].stableAt <= at) {
        const { entry, hash } = lane.shift() as Planned
        this.#settled.apply(entry.operation)
        this.#settledHash += hash
      }
    }
    const begun = [...this.#lanes.values()]
      .flat()
      .filter(({ entry }) => entry.start <= at)
      .sort((a, b) => a.entry.start - b.entry.start)
    const settled = new CrashImage(this.#settled)
    return new Moment(at, settled, begun, this.#settledHash, this.#timesAt(at))
  }
}

class Moment {
  readonly at: number
  readonly unsettled: readonly Planned[]
  readonly #settled: CrashImage
  readonly #begun: readonly Planned[]
  readonly #hash: number
  readonly #times: ReadonlyMap<number, bigint>

  constructor(
    at: number,
    settled: CrashImage,
    begun: readonly Planned[],
    hash: number,
    times: ReadonlyMap<number, bigint>,
  ) {
    this.at = at
    this.#times = times
    this.#settled = settled
    this.#begun = begun
    this.unsettled = begun.filter((planned) => planned.stableAt > at)
    this.#hash = hash
  }

  key(chosen: ReadonlySet<Planned>): string {
    const there = this.#begun.filter((planned) => this.#isThere(planned, chosen))
    return String(there.reduce((sum, { hash }) => sum + hash, this.#hash))
  }

  /** Whether a file that is watched by its time was changed since that was last stable. */
  get hasLateTimes(): boolean {
    const { files } = this.image({ kind: 'prefix', chosen: new Set(this.unsettled) })
    return [...this.#times].some(([file, time]) => files.get(file)?.modifiedNs !== time)
  }

  image({ chosen, tearSeed, isLate }: Choice): CrashImage {
    const image = new CrashImage(this.#settled)
    const prng = tearSeed === undefined ? undefined : new Prng(tearSeed)
    const youngest = this.unsettled.filter(
      (one) => chosen.has(one) && partsToTear(one.entry.operation) > 1,
    )
    for (const planned of this.#begun) {
      if (!this.#isThere(planned, chosen)) continue
      const mayTear = planned.stableAt > this.at && prng !== undefined
      const isTorn = mayTear && (planned === youngest.at(-1) || prng.bool())
      image.apply(planned.entry.operation, isTorn ? prng : undefined)
    }
    for (const [number, time] of isLate === true ? this.#times : []) {
      const file = image.files.get(number)
      if (file !== undefined) file.modifiedNs = time
    }
    return image
  }

  #isThere(planned: Planned, chosen: ReadonlySet<Planned>): boolean {
    return planned.stableAt <= this.at || chosen.has(planned)
  }
}

function makeState(moment: Moment, choice: Choice, marks: readonly unknown[]): CrashState {
  const { kind, chosen, tearSeed } = choice
  return {
    kind,
    marks,
    space: () => new CrashFiles(moment.image(choice)),
    describe: () =>
      [
        `crash at moment ${moment.at} (${kind}${tearSeed === undefined ? '' : ` ${tearSeed}`})${choice.isLate === true ? ', times of old' : ''}`,
        ...moment.unsettled.map((planned) => {
          const { operation, start, end } = planned.entry
          const there = chosen.has(planned) ? 'there  ' : 'missing'
          return `  ${there} ${start}–${end ?? ''} ${describeOperation(operation)}`
        }),
      ].join('\n'),
  }
}

/** Just before each moment that adds something or makes something stable, and the end. */
function momentsOf(log: CrashLog, entries: readonly Planned[]): number[] {
  const changes = entries.flatMap(({ entry, stableAt }) => [entry.start - 1, stableAt - 1])
  const all = new Set([...changes.filter((at) => Number.isFinite(at)), log.now])
  return [...all].sort((a, b) => a - b)
}

function stableAt({ operation, fua, end }: LogEntry, syncs: readonly LogEntry[]): number {
  if (end === undefined) return Number.POSITIVE_INFINITY
  const after = (covers: (sync: LogEntry['operation']) => boolean): number => {
    const ends = syncs
      .filter((sync) => sync.start > end && covers(sync.operation))
      .map((sync) => sync.end as number)
    return ends.reduce((first, at) => Math.min(first, at), Number.POSITIVE_INFINITY)
  }
  const named = (path: string) =>
    after((sync) => sync.kind === 'syncNames' && sync.directory === directoryOf(path))
  if (operation.kind === 'rename') return Math.max(named(operation.path), named(operation.from))
  if (isNameChange(operation)) return named(operation.path)
  if (isSync(operation)) return end
  return fua ? end : after((sync) => sync.kind === 'flush' && sync.file === operation.file)
}
