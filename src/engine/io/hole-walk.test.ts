import { describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import type { HoleLibc } from './hole-libc'
import {
  EINTR,
  ENXIO,
  FIEMAP_EXTENT_LAST,
  FIEMAP_EXTENT_UNWRITTEN,
  FiemapBuffer,
} from './hole-libc'
import type { HoleWalk, HoleWalkResult } from './hole-walk'
import { walkHoles } from './hole-walk'

const EIO = 5
const EOPNOTSUPP = 95
const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

type Kind = 'hole' | 'data' | 'unwritten' | 'unwritten with data'

/** A file as a list of blocks of 10 bytes, which answers as Linux does. */
class FakeFile {
  blocks: Kind[]
  size: number
  calls = 0
  interruptions = 0
  failWith = 0
  fiemapWorks = true
  beforeCall: () => void = () => undefined
  #errno = 0

  constructor(blocks: Kind[], size = blocks.length * 10) {
    this.blocks = blocks
    this.size = size
  }

  get libc(): HoleLibc {
    const extents = new FiemapBuffer(4)
    return {
      seekData: (_fd, offset) => this.#seek(offset, true),
      seekHole: (_fd, offset) => this.#seek(offset, false),
      seekEnd: () => this.size,
      extents,
      fiemap: (_fd, offset, length, limit) => this.#fiemap(extents, offset, length, limit),
      fallocate: () => -1,
      copyRange: () => -1,
      startWriting: () => -1,
      adviseWillNeed: () => 0,
      fileSystemType: () => 0,
      errno: () => this.#errno,
    }
  }

  holdsData(offset: number): boolean {
    const kind = offset < this.size ? this.blocks[Math.floor(offset / 10)] : 'hole'
    return kind === 'data' || kind === 'unwritten with data'
  }

  #seek(offset: number, forData: boolean): number {
    this.calls++
    this.beforeCall()
    if (this.failWith !== 0) return this.#fail(this.failWith)
    if (this.interruptions-- > 0) return this.#fail(EINTR)
    if (offset >= this.size) return this.#fail(ENXIO)
    for (let at = offset; at < this.size; at++) if (this.holdsData(at) === forData) return at
    return forData ? this.#fail(ENXIO) : this.size
  }

  #fiemap(extents: FiemapBuffer, offset: number, length: number, limit: number): number {
    this.calls++
    this.beforeCall()
    if (!this.fiemapWorks) return this.#fail(EOPNOTSUPP)
    const view = new DataView(extents.bytes.buffer)
    const last = this.blocks.findLastIndex((kind) => kind !== 'hole')
    let count = 0
    for (let i = 0; i < this.blocks.length && count < Math.min(limit, extents.capacity); i++) {
      const kind = this.blocks[i]
      if (kind === 'hole' || i * 10 >= this.size) continue
      if (i * 10 + 10 <= offset || i * 10 >= offset + length) continue
      const at = 32 + count++ * 56
      view.setBigUint64(at, BigInt(i * 10), LITTLE)
      view.setBigUint64(at + 16, 10n, LITTLE)
      const unwritten = kind === 'data' ? 0 : FIEMAP_EXTENT_UNWRITTEN
      view.setUint32(at + 40, unwritten | (i === last ? FIEMAP_EXTENT_LAST : 0), LITTLE)
    }
    return count
  }

  #fail(errno: number): number {
    this.#errno = errno
    return -1
  }
}

const walkOf = (file: FakeFile, more: Partial<HoleWalk> = {}): HoleWalk => ({
  fd: 3,
  offset: 0,
  length: file.size,
  size: file.size,
  maxExtents: 1000,
  way: 'lseek',
  ...more,
})

const run = (file: FakeFile, more: Partial<HoleWalk> = {}): HoleWalkResult =>
  walkHoles(file.libc, walkOf(file, more), () => false)

function lengthsOf(result: HoleWalkResult): number[] {
  if (result.kind !== 'walked') throw new Error(`it ${result.kind}`)
  return [...result.lengths]
}

for (const way of ['lseek', 'fiemap'] as const) {
  describe(`a walk by ${way}`, () => {
    it('tells holes and data in turns, starting with a hole', () => {
      const file = new FakeFile(['hole', 'data', 'data', 'hole', 'data'])
      expect(lengthsOf(run(file, { way }))).toEqual([10, 20, 10, 10])
    })

    it('starts with an empty hole when data comes first', () => {
      const file = new FakeFile(['data', 'hole'])
      expect(lengthsOf(run(file, { way }))).toEqual([0, 10, 10])
    })

    it('tells one hole for a file without data, and one extent for a file without holes', () => {
      expect(lengthsOf(run(new FakeFile(['hole', 'hole']), { way }))).toEqual([20])
      expect(lengthsOf(run(new FakeFile(['data', 'data']), { way }))).toEqual([0, 20])
    })

    it('takes allocated blocks as data only when the page cache holds some for them', () => {
      const file = new FakeFile(['unwritten', 'unwritten with data', 'unwritten', 'data'])
      expect(lengthsOf(run(file, { way }))).toEqual([10, 10, 10, 10])
    })

    it('stays inside the range and cuts a last block that is short', () => {
      const file = new FakeFile(['data', 'hole', 'data'], 27)
      expect(lengthsOf(run(file, { way, offset: 5, length: 10 }))).toEqual([0, 5, 5])
      expect(lengthsOf(run(file, { way }))).toEqual([0, 10, 10, 7])
      expect(lengthsOf(run(file, { way, offset: 13, length: 3 }))).toEqual([3])
    })

    it('stops once it has as many extents as were asked for', () => {
      const file = new FakeFile(['data', 'hole', 'data', 'hole', 'data'])
      expect(lengthsOf(run(file, { way, maxExtents: 1 }))).toEqual([0, 10])
      expect(lengthsOf(run(file, { way, maxExtents: 2 }))).toEqual([0, 10, 10])
      expect(lengthsOf(run(file, { way, offset: 15, length: 35, maxExtents: 1 }))).toEqual([5])
    })

    it('does not take what a file lost for a hole', () => {
      const file = new FakeFile(['data', 'data', 'hole', 'data'])
      const walk = { way, length: 40, size: 40 } as const
      file.size = 15
      expect(run(file, walk)).toEqual({ kind: 'shrunk', sizeNow: 15 })
      expect(run(file, { ...walk, offset: 30, length: 5 })).toEqual({ kind: 'shrunk', sizeNow: 15 })
    })

    it('does not look beyond its size at what a file gained', () => {
      const file = new FakeFile(['data', 'hole', 'data'])
      expect(lengthsOf(run(file, { way, length: 15, size: 15 }))).toEqual([0, 10, 5])
    })

    it('stops when it is told to', () => {
      const file = new FakeFile(['data', 'hole', 'data', 'hole'])
      expect(walkHoles(file.libc, walkOf(file, { way }), () => true)).toEqual({ kind: 'aborted' })
      expect(file.calls).toBe(0)
    })

    it('agrees with a byte by byte look at random files', () => {
      const kinds: Kind[] = ['hole', 'data', 'unwritten', 'unwritten with data']
      for (let seed = 1; seed <= 300; seed++) {
        const prng = new Prng(seed)
        const blocks = Array.from({ length: 1 + prng.below(30) }, () => prng.pick(kinds))
        const file = new FakeFile(blocks, blocks.length * 10 - prng.below(10))
        const offset = prng.below(file.size)
        const length = 1 + prng.below(file.size - offset)
        const maxExtents = 1 + prng.below(12)
        const lengths = lengthsOf(run(file, { way, offset, length, maxExtents }))
        expect(lengths.slice(1)).not.toContain(0)
        let at = offset
        lengths.forEach((turn, i) => {
          for (const end = at + turn; at < end; at++) {
            expect(file.holdsData(at), `seed ${seed}, byte ${at}`).toBe(i % 2 === 1)
          }
        })
        expect(at).toBeLessThanOrEqual(offset + length)
        const stoppedEarly = at < offset + length
        if (stoppedEarly) {
          expect(lengths.filter((turn) => turn > 0).length).toBeGreaterThanOrEqual(maxExtents)
        }
      }
    })
  })
}

describe('a walk by lseek', () => {
  it('goes on after a signal interrupted a call', () => {
    const file = new FakeFile(['hole', 'data'])
    file.interruptions = 3
    expect(lengthsOf(run(file))).toEqual([10, 10])
  })

  it('reports a call that never stops being interrupted', () => {
    const file = new FakeFile(['hole', 'data'])
    file.interruptions = 1000
    expect(run(file)).toEqual({ kind: 'failed', errno: EINTR, call: 'lseek' })
  })

  it('reports what the system says', () => {
    const file = new FakeFile(['hole', 'data'])
    file.failWith = EIO
    expect(run(file)).toEqual({ kind: 'failed', errno: EIO, call: 'lseek' })
  })

  it('gets forward though the file changes under every call', () => {
    const file = new FakeFile(['data', 'data', 'data'])
    // Data when a hole is asked for, a hole when data is asked for.
    file.beforeCall = () => {
      file.blocks = file.blocks.map((_, i) => ((file.calls + i) % 2 === 0 ? 'hole' : 'data'))
    }
    const lengths = lengthsOf(run(file))
    expect(lengths.reduce((sum, length) => sum + length)).toBe(30)
  })
})

describe('a walk by FIEMAP', () => {
  it('falls back to lseek where the file system has no FIEMAP', () => {
    const file = new FakeFile(['hole', 'data', 'hole'])
    file.fiemapWorks = false
    expect(lengthsOf(run(file, { way: 'fiemap' }))).toEqual([10, 10, 10])
  })

  it('asks once for what fits one call', () => {
    const file = new FakeFile(['data', 'hole', 'data', 'hole', 'data'])
    run(file, { way: 'fiemap' })
    expect(file.calls).toBe(1)
  })
})
