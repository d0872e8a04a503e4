// A disk that exists in memory only as a list of extents and a map of staged blocks, for tests of the
// page and for looking at it without a host. The same seed gives the same disk. Bytes of data extents
// are made up from their sector's number; zero and hole extents read as zeroes.

import type { CellColumns } from '../../bridge/frames'
import { makeCellColumns } from '../../bridge/frames'
import type { ClassBytes, ExtentRow, PartitionInfo, StagedRun } from '../../bridge/model'
import { assert, ensure } from '../../engine/base/assert'
import { Prng } from '../../engine/base/prng'
import type { ByteRange } from '../../engine/base/ranges'
import { endOf, intersect, splitByUnit } from '../../engine/base/ranges'

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB
const UNIT = 4 * KiB
const SECTOR = 512

interface StagedBlock {
  readonly state: 'written' | 'zeroed'
  readonly bytes: Uint8Array | undefined
  readonly origin: string
  readonly time: number
}

export interface FakeDiskOptions {
  readonly size?: number
  readonly blockSize?: number
  readonly seed?: number
}

export class FakeDisk {
  readonly size: number
  readonly blockSize: number
  readonly partitions: readonly PartitionInfo[]
  readonly extents: readonly ExtentRow[]
  /** Bytes from here on are `unknown`, as while a survey runs. */
  surveyedTo: number
  #staged = new Map<number, StagedBlock>()

  constructor({ size = 8 * GiB, blockSize = 64 * KiB, seed = 1 }: FakeDiskOptions = {}) {
    this.size = size
    this.blockSize = blockSize
    this.partitions = makePartitions(size)
    this.extents = makeExtents(size, this.partitions, new Prng(seed))
    this.surveyedTo = size
  }

  read(range: ByteRange): Uint8Array<ArrayBuffer> {
    const target = new Uint8Array(range.length)
    for (const piece of splitByUnit(range, SECTOR)) {
      target.set(this.#readInSector(piece), piece.offset - range.offset)
    }
    return target
  }

  write(offset: number, bytes: Uint8Array, origin: string, time: number): ByteRange {
    const range = { offset, length: bytes.length }
    for (const piece of splitByUnit(range, this.blockSize)) {
      const index = Math.floor(piece.offset / this.blockSize)
      const block = this.#blockRange(index)
      const content = this.#staged.get(index)?.bytes?.slice() ?? this.read(block)
      const from = piece.offset - offset
      content.set(bytes.subarray(from, from + piece.length), piece.offset - block.offset)
      this.#staged.set(index, { state: 'written', bytes: content, origin, time })
    }
    return range
  }

  /** Whole blocks inside become zeroed; the edges are written. */
  zero(range: ByteRange, origin: string, time: number): ByteRange {
    for (const piece of splitByUnit(range, this.blockSize)) {
      const index = Math.floor(piece.offset / this.blockSize)
      if (piece.length === this.#blockRange(index).length) {
        this.#staged.set(index, { state: 'zeroed', bytes: undefined, origin, time })
      } else this.write(piece.offset, new Uint8Array(piece.length), origin, time)
    }
    return range
  }

  /** The ranges that were let go. */
  discard(ranges: readonly ByteRange[]): ByteRange[] {
    const gone: ByteRange[] = []
    for (const index of [...this.#staged.keys()]) {
      const block = this.#blockRange(index)
      if (!ranges.some((range) => intersect(range, block))) continue
      this.#staged.delete(index)
      gone.push(block)
    }
    return gone
  }

  stagedRuns(): StagedRun[] {
    const runs: StagedRun[] = []
    for (const [index, block] of [...this.#staged].sort((a, b) => a[0] - b[0])) {
      const range = this.#blockRange(index)
      const last = runs.at(-1)
      if (last && endOf(last) === range.offset && last.state === block.state) {
        runs[runs.length - 1] = { ...last, length: last.length + range.length }
      } else {
        const { state, origin, time } = block
        runs.push({ ...range, state, origin, time })
      }
    }
    return runs
  }

  cells(cellBytes: number, firstCell: number, cellCount: number): CellColumns {
    const columns = makeCellColumns(cellBytes, cellCount)
    const start = firstCell * cellBytes
    const end = Math.min(this.size, start + cellCount * cellBytes)
    const add = (column: { [index: number]: number }, range: ByteRange) => {
      for (const piece of splitByUnit(range, cellBytes)) {
        const cell = Math.floor(piece.offset / cellBytes) - firstCell
        column[cell] = (column[cell] ?? 0) + piece.length
      }
    }
    const view = { offset: start, length: Math.max(0, end - start) }
    const known = intersect(view, { offset: 0, length: this.surveyedTo })
    const unknown = intersect(view, {
      offset: this.surveyedTo,
      length: this.size - this.surveyedTo,
    })
    if (known) for (const extent of this.extentsIn(known)) add(columns[extent.type], extent)
    if (unknown) add(columns.unknown, unknown)
    for (const run of this.stagedRuns()) {
      const part = intersect(run, view)
      if (part) add(columns[run.state], part)
    }
    return columns
  }

  classBytes(range: ByteRange): ClassBytes {
    const sums = { data: 0, zero: 0, hole: 0, unknown: 0, written: 0, zeroed: 0 }
    const known = intersect(range, { offset: 0, length: this.surveyedTo })
    if (known) for (const extent of this.extentsIn(known)) sums[extent.type] += extent.length
    sums.unknown = range.length - sums.data - sums.zero - sums.hole
    for (const run of this.stagedRuns()) sums[run.state] += intersect(run, range)?.length ?? 0
    return sums
  }

  /** The base's extents, clipped to the range. */
  extentsIn(range: ByteRange): ExtentRow[] {
    const rows: ExtentRow[] = []
    for (let i = this.extentIndexAt(range.offset); i < this.extents.length; i++) {
      const extent = ensure(this.extents[i], 'extent')
      const part = intersect(extent, range)
      if (!part) break
      rows.push({ ...part, type: extent.type })
    }
    return rows
  }

  extentIndexAt(offset: number): number {
    let low = 0
    let high = this.extents.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (ensure(this.extents[middle], 'extent').offset <= offset) low = middle
      else high = middle - 1
    }
    return low
  }

  #blockRange(index: number): ByteRange {
    const offset = index * this.blockSize
    return { offset, length: Math.min(this.blockSize, this.size - offset) }
  }

  #readInSector(piece: ByteRange): Uint8Array {
    const blockIndex = Math.floor(piece.offset / this.blockSize)
    const staged = this.#staged.get(blockIndex)
    if (staged) {
      const from = piece.offset - blockIndex * this.blockSize
      return staged.bytes?.subarray(from, from + piece.length) ?? new Uint8Array(piece.length)
    }
    const extent = ensure(this.extents[this.extentIndexAt(piece.offset)], 'extent')
    if (extent.type !== 'data') return new Uint8Array(piece.length)
    const from = piece.offset % SECTOR
    return sectorBytes(Math.floor(piece.offset / SECTOR)).subarray(from, from + piece.length)
  }
}

function makePartitions(size: number): PartitionInfo[] {
  const at = (part: number) => Math.floor((size * part) / MiB) * MiB
  const bounds = [Math.min(MiB, at(0.1)), at(1 / 16), at(3 / 16), at(13 / 16), at(15 / 16)]
  const kinds = [
    { name: 'EFI', type: 'EFI system', fileSystem: 'vfat' },
    { name: 'swap', type: 'Linux swap' },
    { name: 'root', type: 'Linux filesystem', fileSystem: 'ext4' },
    { name: 'home', type: 'Linux filesystem', fileSystem: 'xfs' },
  ]
  return kinds.map((kind, i) => {
    const offset = ensure(bounds[i], 'bound')
    return { ...kind, number: i + 1, offset, length: ensure(bounds[i + 1], 'bound') - offset }
  })
}

/** What a part of a disk looks like: weights of data, zero, hole, and how long runs are. */
interface Texture {
  readonly weights: readonly [number, number, number]
  readonly shortest: number
  readonly longest: number
}

const TEXTURES: readonly Texture[] = [
  { weights: [2, 1, 8], shortest: UNIT, longest: 4 * MiB },
  { weights: [0.4, 8, 0.2], shortest: UNIT, longest: 64 * MiB },
  { weights: [6, 1, 3], shortest: UNIT, longest: 8 * MiB },
  { weights: [9, 0.2, 0.6], shortest: 64 * KiB, longest: 48 * MiB },
]

function makeExtents(size: number, partitions: readonly PartitionInfo[], prng: Prng): ExtentRow[] {
  const rows: { offset: number; length: number; type: ExtentRow['type'] }[] = []
  // Longer runs on a larger disk, so that there are never more than some ten thousand.
  const scale = 2 ** Math.max(0, Math.ceil(Math.log2(size / (16 * GiB))))
  let at = 0
  const put = (length: number, type: ExtentRow['type']) => {
    const last = rows.at(-1)
    const clipped = Math.min(length, size - at)
    if (clipped <= 0) return
    if (last?.type === type) last.length += clipped
    else rows.push({ offset: at, length: clipped, type })
    at += clipped
  }
  put(Math.min(36 * KiB, size), 'data')
  partitions.forEach((partition, index) => {
    put(partition.offset - at, 'hole')
    const texture = ensure(TEXTURES[index], 'texture')
    while (at < endOf(partition)) {
      const ratio = texture.longest / texture.shortest
      const length = texture.shortest * ratio ** (prng.u32() / 2 ** 32)
      const whole = scale * Math.max(UNIT, Math.floor(length / UNIT) * UNIT)
      put(Math.min(whole, endOf(partition) - at), pickType(texture, prng))
    }
  })
  put(size - 36 * KiB - at, 'hole')
  put(size - at, 'data')
  assert(at === size, 'extents do not cover the disk')
  return rows
}

function pickType({ weights }: Texture, prng: Prng): ExtentRow['type'] {
  const [data, zero, hole] = weights
  const at = (prng.u32() / 2 ** 32) * (data + zero + hole)
  return at < data ? 'data' : at < data + zero ? 'zero' : 'hole'
}

const WORDS = 'root bin etc inode block journal mount /dev/sda1 group superblock lost+found '

function sectorBytes(sector: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SECTOR)
  const prng = new Prng(sector * 2654435761)
  if (sector === 0) {
    bytes.set([0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1], 446)
    bytes.set([0x55, 0xaa], 510)
  } else if (sector === 1) {
    bytes.set(new TextEncoder().encode('EFI PART\0\0\u0001\0\\'))
  } else if (sector % 5 === 0) {
    const skip = prng.below(WORDS.length)
    bytes.set(new TextEncoder().encode(WORDS.repeat(9).slice(skip, skip + SECTOR)))
  } else if (sector % 5 === 1) {
    const view = new DataView(bytes.buffer)
    for (let i = 0; i < SECTOR; i += 4) view.setUint32(i, sector * 128 + i, true)
  } else prng.fill(sector % 5 === 2 ? bytes.subarray(0, 200) : bytes)
  return bytes
}
