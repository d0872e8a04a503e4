import { describe, expect, it } from 'vitest'
import { ManualClock } from '../base/clock'
import { PlatterError } from '../base/errors'
import { FaultDisk } from '../layers/fault'
import { expectCode, expectSameBytes, readWhole } from '../testing/expect-disk'
import { failNth, failureOf } from '../testing/fail-nth'
import { GateDisk } from '../testing/gate-disk'
import { randomBytes } from '../testing/overlay-setup'
import { content, extentsOf, HOLE, KIB, sketch } from './copy.test-helper'
import { copyDisk } from './copy-disk'
import type { CopyProgress } from './copy-progress'
import { NullDisk } from './null-disk'

const SIZE = 512 * KIB
const SMALL = { requestSize: 64 * KIB, requests: 3 }
const half = () => {
  const bytes = randomBytes(SIZE, 5)
  bytes.fill(0, 128 * KIB, 256 * KIB)
  return bytes
}

const dataOf = (error: unknown) => (error as PlatterError).data

describe('a copy that fails', () => {
  it.each(['read', 'extents', 'write', 'zero', 'flush'] as const)(
    'at its n-th %s tells what, where, and what is complete, with nothing in flight',
    async (operation) => {
      const bytes = half()
      const struck = await failNth({ operation, code: 'IO_ERROR' }, async (fault) => {
        const source = new FaultDisk({
          disk: sketch(bytes, { extents: extentsOf(HOLE, [128 * KIB, 64 * KIB]), answer: 200_000 }),
        })
        const target = sketch(new Uint8Array(SIZE).fill(0xee))
        const faulty = new FaultDisk({ disk: target })
        const onSource = operation === 'read' || operation === 'extents'
        ;(onSource ? source : faulty).plan([fault])
        const error = await failureOf(copyDisk(source, faulty, SMALL))
        const after = await readWhole(target)
        if (error === undefined) {
          expectSameBytes(after, bytes)
          return false
        }
        await source.close()
        await faulty.close()
        expect(error).toMatchObject({ code: 'IO_ERROR' })
        const { completed } = dataOf(error) as { completed: number }
        expect((error as Error).message).toMatch(
          /^copy: .*made to fail; everything before byte \d+/,
        )
        expectSameBytes(after.subarray(0, completed), bytes.subarray(0, completed))
        if (operation === 'read' || operation === 'write' || operation === 'zero') {
          const { offset, length } = dataOf(error) as { offset: number; length: number }
          expect((error as Error).message).toContain(`${length} bytes at offset ${offset}`)
          expect(completed).toBeLessThanOrEqual(offset)
        }
        return true
      })
      expect(struck).toBeGreaterThanOrEqual(1)
    },
  )

  it('passes on a bug of ours as it is', async () => {
    const source = sketch(content(SIZE, [0, SIZE]), {
      refuse: ({ operation }) => {
        if (operation === 'read') throw new TypeError('a bug')
      },
    })
    await expect(copyDisk(source, sketch(SIZE))).rejects.toBeInstanceOf(TypeError)
  })

  it('begins nothing after the first failure, and waits for what is in flight', async () => {
    const target = sketch(SIZE)
    const gate = new GateDisk(target)
    const held = gate.hold(({ operation, offset }) => operation === 'write' && offset === 0)
    const faulty = new FaultDisk({
      disk: gate,
      plan: [{ operation: 'write', range: { offset: 64 * KIB, length: 1 }, code: 'NO_SPACE' }],
    })
    let ended = false
    const copying = copyDisk(sketch(content(SIZE, [0, SIZE])), faulty, { ...SMALL, requests: 2 })
    const settled = failureOf(copying).then((error) => {
      ended = true
      return error
    })
    await held.reached
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(ended).toBe(false)
    held.release()
    expect(await settled).toMatchObject({
      code: 'NO_SPACE',
      data: { completed: 64 * KIB, offset: 64 * KIB },
    })
    expect(target.only('write')).toEqual(['write 0+65536'])
  })
})

describe('a copy that is cancelled', () => {
  it('before its start touches nothing', async () => {
    const target = sketch(SIZE)
    const signal = AbortSignal.abort()
    await expectCode(copyDisk(sketch(content(SIZE, [0, SIZE])), target, { signal }), 'ABORTED')
    expect(target.log).toEqual([])
  })

  it('finishes what it has begun and says how far it came', async () => {
    const abort = new AbortController()
    const target = sketch(SIZE)
    const gate = new GateDisk(target)
    const held = gate.hold(({ operation, offset }) => operation === 'write' && offset === 128 * KIB)
    const bytes = randomBytes(SIZE, 9)
    const copying = copyDisk(sketch(bytes), gate, { ...SMALL, requests: 1, signal: abort.signal })
    await held.reached
    abort.abort()
    held.release()
    const error = await failureOf(copying)
    expect(error).toMatchObject({ code: 'ABORTED', data: { completed: 192 * KIB, total: SIZE } })
    expectSameBytes((await readWhole(target)).subarray(0, 192 * KIB), bytes.subarray(0, 192 * KIB))
    expect(target.only('write')).toHaveLength(3)
    expect(target.only('flush')).toEqual([])
  })

  it('gives up reads that do not come back', async () => {
    const abort = new AbortController()
    const source = sketch(content(SIZE, [0, SIZE]))
    source.read = (_target, _offset, options) =>
      new Promise((_resolve, reject) => {
        options?.signal?.addEventListener('abort', () =>
          reject(new PlatterError('ABORTED', 'read: cancelled')),
        )
      })
    const copying = copyDisk(source, sketch(SIZE), { signal: abort.signal })
    setImmediate(() => abort.abort())
    expect(await failureOf(copying)).toMatchObject({ code: 'ABORTED', data: { completed: 0 } })
  })
})

describe('a cancel', () => {
  it('is listened for a few times, not once a request, and not after the end', async () => {
    const { signal } = new AbortController()
    let listeners = 0
    let most = 0
    const spy: AbortSignal = Object.assign(Object.create(signal), {
      addEventListener: () => {
        most = Math.max(most, ++listeners)
      },
      removeEventListener: () => {
        listeners--
      },
    })
    Object.defineProperty(spy, 'aborted', { value: false })
    Object.defineProperty(spy, 'reason', { value: undefined })
    const source = sketch(content(SIZE, [0, SIZE]))
    const read = source.read.bind(source)
    const seen = new Set<unknown>()
    source.read = (target, offset, options) => {
      seen.add(options?.signal)
      return read(target, offset, options)
    }
    await copyDisk(source, sketch(SIZE), { requestSize: 4096, signal: spy })
    expect(most).toBe(1)
    expect(listeners).toBe(0)
    expect(seen.has(spy)).toBe(false)
    expect(seen.size).toBeLessThanOrEqual(8)
  })
})

describe('progress', () => {
  it('comes ten times a second at most, with rate and time left, and at the end', async () => {
    const clock = new ManualClock()
    const told: CopyProgress[] = []
    const source = sketch(content(1024 * KIB, [0, 1024 * KIB]))
    const target = sketch(1024 * KIB)
    const write = target.write.bind(target)
    target.write = async (...args) => {
      await write(...args)
      clock.advance(50)
    }
    await copyDisk(source, target, {
      ...SMALL,
      requests: 1,
      clock,
      onProgress: (p) => told.push(p),
    })
    expect(told).toHaveLength(8 + 1)
    expect(told[0]).toEqual({
      done: 128 * KIB,
      total: 1024 * KIB,
      bytesPerSecond: 1280 * KIB,
      msLeft: 700,
    })
    expect(told.at(-1)).toMatchObject({ done: 1024 * KIB, msLeft: 0 })
  })

  it('counts holes as done', async () => {
    const clock = new ManualClock()
    const told: CopyProgress[] = []
    const size = 3 * 1024 ** 3
    const source = sketch(size, { extents: extentsOf(HOLE, [0, size]) })
    await copyDisk(source, new NullDisk(size), { clock, onProgress: (p) => told.push(p) })
    expect(told).toEqual([{ done: size, total: size, bytesPerSecond: 0 }])
  })
})

describe('a checkpoint', () => {
  it('is saved behind a flush, names what was done before it, and is where a copy goes on', async () => {
    const clock = new ManualClock()
    const bytes = half()
    const target = sketch(SIZE)
    const saved: number[] = []
    const gate = new GateDisk(target)
    const held = gate.hold(({ operation, offset }) => operation === 'write' && offset === 320 * KIB)
    const abort = new AbortController()
    const checkpoint = {
      intervalMs: 1000,
      save: async (completed: number) => {
        expect(target.log.at(-1)).toBe('flush')
        saved.push(completed)
      },
    }
    const options = { ...SMALL, requests: 1, clock, checkpoint, signal: abort.signal }
    const copying = failureOf(copyDisk(sketch(bytes), gate, options))
    await held.reached
    clock.advance(1000)
    while (saved.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(saved).toEqual([320 * KIB])
    abort.abort()
    held.release()
    expect(await copying).toMatchObject({ code: 'ABORTED', data: { completed: 384 * KIB } })
    expect(saved).toEqual([320 * KIB, 384 * KIB])
    const source = sketch(bytes)
    await copyDisk(source, target, { ...SMALL, start: 384 * KIB })
    expect(source.only('read')).toEqual(['read 393216+65536', 'read 458752+65536'])
    expectSameBytes(await readWhole(target), bytes)
  })

  it('that cannot be saved ends the copy', async () => {
    const clock = new ManualClock()
    const target = sketch(SIZE)
    const gate = new GateDisk(target)
    const held = gate.hold(({ operation }) => operation === 'write')
    const save = async () => {
      throw new PlatterError('NO_SPACE', 'state: no space is left')
    }
    const checkpoint = { intervalMs: 10, save }
    const copying = failureOf(
      copyDisk(sketch(content(SIZE, [0, SIZE])), gate, { clock, checkpoint, requests: 1 }),
    )
    await held.reached
    clock.advance(10)
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    held.release()
    expect(await copying).toMatchObject({
      code: 'NO_SPACE',
      // Once, although the last one, at the end, failed as well.
      message: expect.stringMatching(/^(?!.*space.*space).*state: no space is left/),
    })
  })

  it('that cannot be saved at the end does not hide what ended the copy', async () => {
    const checkpoint = {
      intervalMs: 1000,
      save: async () => {
        throw new PlatterError('NO_SPACE', 'state: no space is left')
      },
    }
    const options = { ...SMALL, clock: new ManualClock(), checkpoint }
    const signal = AbortSignal.abort()
    expect(await failureOf(copyDisk(sketch(half()), sketch(SIZE), { ...options, signal }))).toEqual(
      expect.objectContaining({
        code: 'ABORTED',
        message: expect.stringMatching(/^copy: cancelled; .*; state: no space is left$/),
      }),
    )
  })
})

describe('the null disk', () => {
  it('takes all and keeps nothing', async () => {
    const size = 300 * KIB
    const target = new NullDisk(size)
    const result = await copyDisk(sketch(content(size, [0, size])), target)
    expect(result).toMatchObject({ read: size, written: size })
    expectSameBytes(await readWhole(target), new Uint8Array(size))
    await expectCode(target.write(new Uint8Array(2), size - 1), 'OUT_OF_RANGE')
  })
})
