// Random work on a disk beside the same work on a plain array of bytes. Several calls are in flight at
// a time; one that changes bytes never overlaps another in flight, so what each byte must read as is
// certain at every moment. A failure names the seed and the step: the same seed does the same again.

import { assert } from '../base/assert'
import { Prng } from '../base/prng'
import { alignDown, type ByteRange, intersect } from '../base/ranges'
import type { Disk } from '../disk/disk'
import { EXTENT_ZERO } from '../disk/extents'
import { ByteModel } from './byte-model'

export interface DiskModelOptions {
  readonly seed: number
  readonly steps: number
  /** What the disk holds at the start, or a model that already went along with it. */
  readonly content: Uint8Array | ByteModel
  /** Calls in flight at a time; 8 unless told. */
  readonly inFlight?: number
  /** The longest request; an eighth of the disk unless told. */
  readonly longest?: number
  /** Offsets and lengths prefer multiples of this; the disk's preferred block unless told. */
  readonly unit?: number
  /** What a trim leaves in the model; unless told, the range may read as anything. */
  readonly onTrim?: (model: ByteModel, offset: number, length: number) => void
}

type Kind = 'read' | 'write' | 'zero' | 'trim' | 'flush' | 'extents' | 'cache'

interface InFlight extends ByteRange {
  readonly changes: boolean
  readonly settled: Promise<void>
}

/** Runs the work, compares the whole disk at the end, and resolves with the model; throws on the first difference. */
export async function runDiskModel(disk: Disk, options: DiskModelOptions): Promise<ByteModel> {
  const run = new DiskModelRun(disk, options)
  await run.work()
  await run.compareAll()
  return run.model
}

class DiskModelRun {
  readonly model: ByteModel
  readonly #disk: Disk
  readonly #options: DiskModelOptions
  readonly #prng: Prng
  readonly #kinds: Kind[]
  readonly #inFlight = new Set<InFlight>()
  #failure: unknown
  #step = 0

  constructor(disk: Disk, options: DiskModelOptions) {
    const { content } = options
    this.model = content instanceof ByteModel ? content : new ByteModel(content)
    assert(this.model.size === disk.size, 'the model and the disk differ in size')
    this.#disk = disk
    this.#options = options
    this.#prng = new Prng(options.seed)
    const { write, zero, trim } = disk.capabilities
    this.#kinds = ['read', 'read', 'read', 'flush', 'extents', 'cache']
    if (write) this.#kinds.push('write', 'write', 'write', 'write')
    if (write && zero) this.#kinds.push('zero')
    if (write && trim) this.#kinds.push('trim')
  }

  async work(): Promise<void> {
    const limit = this.#options.inFlight ?? 8
    for (this.#step = 0; this.#step < this.#options.steps; this.#step++) {
      const kind = this.#prng.pick(this.#kinds)
      const changes = kind === 'write' || kind === 'zero' || kind === 'trim'
      const range = kind === 'flush' ? { offset: 0, length: 0 } : this.#someRange()
      while (this.#inFlight.size >= limit || this.#meetsAnother(range, changes)) {
        await Promise.race([...this.#inFlight].map((call) => call.settled))
      }
      if (this.#failure !== undefined) break
      this.#start(kind, changes, range)
    }
    await Promise.all([...this.#inFlight].map((call) => call.settled))
    if (this.#failure !== undefined) throw this.#failure
  }

  async compareAll(): Promise<void> {
    const longest = alignDown(
      Math.min(this.#disk.blockSize.maximum, 1 << 20),
      this.#disk.blockSize.minimum,
    )
    for (let at = 0; at < this.model.size; at += longest) {
      const target = new Uint8Array(Math.min(longest, this.model.size - at))
      await this.#disk.read(target, at)
      this.#expect(target, at, 'the last comparison')
    }
  }

  #start(kind: Kind, changes: boolean, range: ByteRange): void {
    const what = `step ${this.#step}: ${kind} ${range.offset}+${range.length}`
    const settled = this.#call(kind, range, what)
      .catch((error: unknown) => {
        this.#failure ??= new Error(`seed ${this.#options.seed}, ${what}: ${String(error)}`, {
          cause: error,
        })
      })
      .then(() => {
        this.#inFlight.delete(entry)
      })
    const entry: InFlight = { ...range, changes, settled }
    this.#inFlight.add(entry)
  }

  /** The model changes at once: nothing that overlaps is in flight. */
  async #call(kind: Kind, { offset, length }: ByteRange, what: string): Promise<void> {
    const fua = this.#disk.capabilities.fua && this.#prng.bool(0.2)
    switch (kind) {
      case 'read': {
        const target = new Uint8Array(length).fill(0xee)
        await this.#disk.read(target, offset)
        return this.#expect(target, offset, what)
      }
      case 'write': {
        const source = this.#prng.bool(0.1)
          ? new Uint8Array(length)
          : this.#prng.fill(new Uint8Array(length))
        this.model.write(source, offset)
        return this.#disk.write(source, offset, { fua })
      }
      case 'zero':
        this.model.zero(offset, length)
        return this.#disk.zero(offset, length, { fua, mayTrim: this.#prng.bool() })
      case 'trim': {
        const onTrim = this.#options.onTrim ?? ((model, at, count) => model.forget(at, count))
        onTrim(this.model, offset, length)
        return this.#disk.trim(offset, length, { fua })
      }
      case 'flush':
        return this.#disk.flush()
      case 'cache':
        return this.#disk.cache(offset, length)
      case 'extents':
        return this.#checkExtents(offset, length)
    }
  }

  async #checkExtents(offset: number, length: number): Promise<void> {
    const first = this.#prng.bool(0.2)
    const list = await this.#disk.extents(offset, length, { first })
    if (list.offset !== offset) throw new Error(`extents start at ${list.offset}`)
    if (list.count === 0 && length > 0) throw new Error('no extents')
    if (list.end > offset + length) throw new Error(`extents end at ${list.end}`)
    for (const extent of list) {
      const zero = (extent.flags & EXTENT_ZERO) !== 0
      if (zero && !this.model.mayBeZero(extent.offset, extent.length)) {
        throw new Error(`${extent.offset}+${extent.length} is called zero and holds data`)
      }
    }
  }

  #expect(actual: Uint8Array, offset: number, what: string): void {
    const wrong = this.model.mismatch(actual, offset)
    if (wrong !== undefined) throw new Error(`seed ${this.#options.seed}, ${what}: ${wrong}`)
  }

  #meetsAnother(range: ByteRange, changes: boolean): boolean {
    for (const call of this.#inFlight) {
      if ((changes || call.changes) && intersect(call, range) !== undefined) return true
    }
    return false
  }

  #someRange(): ByteRange {
    const { minimum, maximum, preferred } = this.#disk.blockSize
    const size = this.#disk.size
    const unit = this.#prng.bool(0.4) ? (this.#options.unit ?? preferred) : minimum
    const longest = Math.min(maximum, this.#options.longest ?? Math.ceil(size / 8))
    const offset = alignDown(this.#prng.below(size), unit)
    const wanted = this.#prng.bool() ? longest : Math.min(longest, 3 * preferred)
    const length = Math.max(minimum, alignDown(1 + this.#prng.below(wanted), unit))
    const rest = size - offset
    if (length >= rest || this.#prng.bool(0.05)) {
      return { offset, length: rest <= maximum ? rest : alignDown(maximum, minimum) }
    }
    return { offset, length }
  }
}
