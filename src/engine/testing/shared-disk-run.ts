// Random work of several users on one disk, calls overlapping as they come, beside a model of its bytes.
// Half of the work happens in a small window that moves, so that changes meet each other and reads; now
// and then a user stops taking what it asked for. A failure names the seed and the step.

import { assert } from '../base/assert'
import { Prng } from '../base/prng'
import { alignDown, type ByteRange, intersect } from '../base/ranges'
import type { Disk } from '../disk/disk'
import { EXTENT_ZERO } from '../disk/extents'
import { type ModelChange, SharedByteModel } from './shared-byte-model'

export interface SharedUser {
  readonly disk: Disk
  /** Takes nothing from its connection any more, or goes on. */
  readonly pause?: () => void
  readonly resume?: () => void
}

/** Something that happens to the disk beside its users. */
export interface OtherCall {
  /** What it does to the bytes; nothing when it is left out. */
  readonly change?: ByteRange & { readonly bytes: Uint8Array }
  run(): Promise<unknown>
}

export interface SharedRunOptions {
  readonly users: readonly SharedUser[]
  readonly seed: number
  readonly steps: number
  readonly content: Uint8Array
  readonly inFlight?: number
  readonly longest?: number
  readonly others?: (prng: Prng) => OtherCall
}

export interface SharedRunCounts {
  calls: number
  /** Changes that began while another one of the same bytes was under way. */
  meetings: number
  /** Long reads beside which something changed. */
  racedReads: number
  pauses: number
  /** Bytes that block status called zero. */
  zeroBytes: number
}

type Kind =
  | 'read'
  | 'long read'
  | 'write'
  | 'zero'
  | 'trim'
  | 'flush'
  | 'extents'
  | 'cache'
  | 'other'

interface Call extends ByteRange {
  readonly user: number
  readonly changes: boolean
  settled: Promise<void>
}

const LONG_READ = 32 * 1024
const WINDOW = 96 * 1024
const STEPS_IN_WINDOW = 25
const CHANGES: readonly Kind[] = ['write', 'zero', 'trim']

/** Runs the work, then compares the whole disk over two users; throws on the first difference. */
export async function runSharedDisk(options: SharedRunOptions): Promise<SharedRunCounts> {
  const run = new SharedRun(options)
  await run.work()
  await run.compareAll()
  return run.counts
}

class SharedRun {
  readonly counts: SharedRunCounts = {
    calls: 0,
    meetings: 0,
    racedReads: 0,
    pauses: 0,
    zeroBytes: 0,
  }
  readonly #options: SharedRunOptions
  readonly #model: SharedByteModel
  readonly #prng: Prng
  readonly #kinds: Kind[]
  /** What is written is a piece of this. */
  readonly #noise: Uint8Array
  readonly #inFlight = new Set<Call>()
  /** The step in which a user goes on. */
  readonly #paused = new Map<number, number>()
  #failure: unknown
  #step = 0
  #window = 0

  constructor(options: SharedRunOptions) {
    this.#options = options
    this.#model = new SharedByteModel(options.content)
    this.#prng = new Prng(options.seed)
    const longest = options.longest ?? this.#model.size
    this.#noise = this.#prng.fill(new Uint8Array(2 * Math.min(longest, this.#model.size) + 997))
    const disk = this.#disk(0)
    assert(disk.size === this.#model.size, 'the model and the disk differ in size')
    this.#kinds = ['read', 'read', 'long read', 'long read', 'long read', 'extents', 'extents']
    this.#kinds.push('flush', 'cache')
    const { write, zero, trim } = disk.capabilities
    if (write) this.#kinds.push('write', 'write', 'write', 'write')
    if (write && zero) this.#kinds.push('zero')
    if (write && trim) this.#kinds.push('trim', 'trim')
    if (options.others !== undefined) this.#kinds.push('other', 'other', 'other')
  }

  async work(): Promise<void> {
    const { steps, users, inFlight = 12 } = this.#options
    for (; this.#step < steps && this.#failure === undefined; this.#step++) {
      if (this.#step % STEPS_IN_WINDOW === 0) this.#window = this.#prng.below(this.#model.size)
      this.#pauseOrResume()
      while (this.#inFlight.size >= inFlight) await this.#wait()
      const kind = this.#prng.pick(this.#kinds)
      const user = this.#prng.below(users.length)
      if (kind === 'other') await this.#startOther(user)
      else await this.#startCall(kind, user)
    }
    while (this.#inFlight.size > 0) await this.#wait()
    this.#resumeAll()
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Over two users, so that what the first saw has to be what the second sees. */
  async compareAll(): Promise<void> {
    const { users } = this.#options
    const whole = { offset: 0, length: this.#model.size }
    for (const user of [0, users.length - 1]) {
      await this.#read(user, whole)
      await this.#extents(user, whole, false)
    }
  }

  #disk(user: number): Disk {
    return (this.#options.users[user] as SharedUser).disk
  }

  async #startCall(kind: Kind, user: number): Promise<void> {
    const range = kind === 'flush' ? { offset: 0, length: 0 } : this.#someRange(kind)
    const changes = CHANGES.includes(kind)
    if (changes) await this.#makeRoom(range)
    this.#start(kind, user, range, changes, () => this.#call(kind, user, range))
  }

  async #startOther(user: number): Promise<void> {
    const other = this.#options.others?.(this.#prng)
    if (other === undefined) return
    const { change } = other
    const range = change ?? { offset: 0, length: 0 }
    if (change !== undefined) await this.#makeRoom(change)
    this.#start('other', user, range, change !== undefined, async () => {
      const begun = change && this.#model.begin(change, change.bytes)
      await other.run()
      if (begun !== undefined) this.#model.end(begun)
    })
  }

  #start(
    kind: Kind,
    user: number,
    { offset, length }: ByteRange,
    changes: boolean,
    act: () => Promise<void>,
  ): void {
    this.counts.calls++
    const call: Call = { offset, length, user, changes, settled: Promise.resolve() }
    if (changes && [...this.#inFlight].some((o) => o.changes && intersect(o, call))) {
      this.counts.meetings++
    }
    const what = `seed ${this.#options.seed}, step ${this.#step}: ${kind} ${offset}+${length} of user ${user}`
    call.settled = act()
      .catch((error: unknown) => {
        this.#failure ??= new Error(`${what}: ${String(error)}`, { cause: error })
      })
      .then(() => {
        this.#inFlight.delete(call)
      })
    this.#inFlight.add(call)
  }

  #call(kind: Kind, user: number, range: ByteRange): Promise<void> {
    const disk = this.#disk(user)
    const { offset, length } = range
    const fua = disk.capabilities.fua && this.#prng.bool(0.1)
    switch (kind) {
      case 'write': {
        const from = this.#prng.below(this.#noise.length - length + 1)
        const bytes = this.#noise.subarray(from, from + length)
        return this.#change(this.#model.begin(range, bytes), disk.write(bytes, offset, { fua }))
      }
      case 'zero': {
        const mayTrim = this.#prng.bool()
        const begun = this.#model.begin(range, undefined)
        return this.#change(begun, disk.zero(offset, length, { fua, mayTrim }))
      }
      case 'trim':
        return this.#change(this.#model.begin(range, undefined, true), disk.trim(offset, length))
      case 'flush':
        return disk.flush()
      case 'cache':
        return disk.cache(offset, length)
      case 'extents':
        return this.#extents(user, range, this.#prng.bool(0.2))
      default:
        return this.#read(user, range)
    }
  }

  async #change(begun: ModelChange, call: Promise<void>): Promise<void> {
    await call
    this.#model.end(begun)
  }

  async #read(user: number, range: ByteRange): Promise<void> {
    const target = new Uint8Array(range.length).fill(0xee)
    const seen = this.#model.observe(range)
    try {
      await this.#disk(user).read(target, range.offset)
      if (range.length >= LONG_READ && seen.beside.length > 0) this.counts.racedReads++
      refuse(this.#model.mismatch(seen, target, range.offset))
    } finally {
      this.#model.endObservation(seen)
    }
  }

  /** What is called zero has to have been zero at some moment of the call, and stays it if nobody writes. */
  async #extents(user: number, range: ByteRange, first: boolean): Promise<void> {
    const { offset, length } = range
    const seen = this.#model.observe(range)
    try {
      const list = await this.#disk(user).extents(offset, length, { first })
      if (list.offset !== offset || list.count === 0 || list.end > offset + length) {
        throw new Error(`${list.count} extents from ${list.offset} to ${list.end}`)
      }
      for (const extent of list) {
        if ((extent.flags & EXTENT_ZERO) === 0) continue
        this.counts.zeroBytes += extent.length
        const wrong = this.#model.mismatch(seen, new Uint8Array(extent.length), extent.offset)
        refuse(wrong && `${extent.offset}+${extent.length} is called zero: ${wrong}`)
      }
    } finally {
      this.#model.endObservation(seen)
    }
  }

  /** Waits until a change of the range can be followed; at rest, a look at it settles what it holds. */
  async #makeRoom(range: ByteRange): Promise<void> {
    while (!this.#model.hasRoom(range)) {
      if (this.#inFlight.size > 0) await this.#wait()
      else await this.#read(0, range)
    }
  }

  /** For one call to end. Only when all that is left is of users who take nothing do those go on. */
  async #wait(): Promise<void> {
    const moving = [...this.#inFlight].filter(({ user }) => !this.#paused.has(user))
    if (moving.length === 0) this.#resumeAll()
    const calls = moving.length > 0 ? moving : [...this.#inFlight]
    await Promise.race(calls.map(({ settled }) => settled))
  }

  #pauseOrResume(): void {
    const { users } = this.#options
    for (const [user, step] of this.#paused) {
      if (step > this.#step) continue
      this.#paused.delete(user)
      users[user]?.resume?.()
    }
    if (!this.#prng.bool(0.06)) return
    const user = this.#prng.below(users.length)
    const { pause } = users[user] as SharedUser
    if (pause === undefined || this.#paused.has(user)) return
    this.counts.pauses++
    this.#paused.set(user, this.#step + 5 + this.#prng.below(30))
    pause()
  }

  #resumeAll(): void {
    for (const user of this.#paused.keys()) this.#options.users[user]?.resume?.()
    this.#paused.clear()
  }

  #someRange(kind: Kind): ByteRange {
    const { size } = this.#model
    const { preferred } = this.#disk(0).blockSize
    const longest = Math.min(size, this.#options.longest ?? size / 8)
    const near = this.#prng.bool() ? this.#window + this.#prng.below(WINDOW) : undefined
    let offset = (near ?? this.#prng.below(size)) % size
    const least = kind === 'long read' ? LONG_READ : 1
    let length = least + this.#prng.below(Math.max(1, longest - least))
    if (this.#prng.bool(0.4)) {
      offset = alignDown(offset, preferred)
      length = Math.max(preferred, alignDown(length, preferred))
    }
    if (kind === 'long read') offset = Math.min(offset, size - LONG_READ)
    return { offset, length: Math.min(length, size - offset) }
  }
}

function refuse(wrong: string | undefined): void {
  if (wrong !== undefined) throw new Error(wrong)
}
