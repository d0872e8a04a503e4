import { expect, it } from 'vitest'
import { ManualClock } from '../base/clock'
import { Prng } from '../base/prng'
import { MemoryDisk } from '../disk/memory-disk'
import { PatternDisk } from '../disk/pattern-disk'
import { describeDiskContract } from '../testing/disk-contract'
import { expectCode, expectSameBytes } from '../testing/expect-disk'
import { DelayDisk } from './delay'
import { FaultDisk } from './fault'
import { describeRequest, LogDisk } from './log'
import { ReadOnlyDisk } from './read-only'
import { SliceDisk } from './slice'

const random = (length: number) => new Prng(length).fill(new Uint8Array(length))

describeDiskContract('a log layer', () => {
  const content = random(150_000)
  return { disk: new LogDisk({ disk: MemoryDisk.from(content) }), content }
})

describeDiskContract('a fault layer without faults', () => {
  const content = random(150_000)
  return { disk: new FaultDisk({ disk: MemoryDisk.from(content) }), content }
})

describeDiskContract('a delay layer whose time passes at once', () => {
  const content = random(150_000)
  const clock = {
    now: () => 0,
    after: (_ms: number, task: () => void) => {
      queueMicrotask(task)
      return () => undefined
    },
  }
  return { disk: new DelayDisk({ disk: MemoryDisk.from(content), clock, delayMs: 5 }), content }
})

describeDiskContract(
  'a read-only layer',
  () => {
    const content = random(150_000)
    return { disk: new ReadOnlyDisk(MemoryDisk.from(content)), content }
  },
  { lacks: ['write', 'trim', 'zero', 'fastZero', 'fua'] },
)

describeDiskContract('a slice', () => {
  const whole = random(300_000)
  const disk = new SliceDisk({ disk: MemoryDisk.from(whole), offset: 1234, length: 150_001 })
  return { disk, content: whole.slice(1234, 1234 + 150_001) }
})

describeDiskContract(
  'a slice up to the end of a disk with blocks of 512 bytes',
  () => {
    const whole = random(300_000)
    const blockSize = { minimum: 512, preferred: 4096, maximum: 65536 }
    const below = MemoryDisk.from(whole, { blockSize })
    const disk = new SliceDisk({ disk: below, offset: 1024, length: 300_000 - 1024 })
    return { disk, content: whole.slice(1024) }
  },
  { minimum: 512 },
)

it('a slice changes nothing outside of its window', async () => {
  const whole = random(20_000)
  const below = MemoryDisk.from(whole)
  const slice = new SliceDisk({ disk: below, offset: 5000, length: 10_000 })
  await slice.zero(0, 10_000)
  await expectCode(slice.write(new Uint8Array(1), 10_000), 'OUT_OF_RANGE')
  const after = new Uint8Array(20_000)
  await below.read(after, 0)
  expectSameBytes(after, whole.fill(0, 5000, 15_000))
})

it('a slice prefers blocks that its own offsets can be aligned to', () => {
  const disk = new PatternDisk(100_000)
  const preferredAt = (offset: number) =>
    new SliceDisk({ disk, offset, length: 1000 }).blockSize.preferred
  expect([0, 63 * 512, 8192, 1001].map(preferredAt)).toEqual([4096, 512, 4096, 1])
})

it('a slice is refused where the disk has no such window', () => {
  const blockSize = { minimum: 512, preferred: 512, maximum: 65536 }
  const disk = new MemoryDisk(10_000, { blockSize })
  const make = (offset: number, length: number) => () => new SliceDisk({ disk, offset, length })
  expect(make(0, 10_001)).toThrow('outside the disk of 10000 bytes')
  expect(make(100, 512)).toThrow('not multiples of the block size 512')
  expect(make(512, 100)).toThrow('not multiples of the block size 512')
})

it('closing a layer leaves the disk under it open', async () => {
  const below = new MemoryDisk(65536)
  const layers = [
    new LogDisk({ disk: below }),
    new ReadOnlyDisk(below),
    new SliceDisk({ disk: below, offset: 0, length: 512 }),
  ]
  for (const layer of layers) {
    await layer.close()
    await expectCode(layer.read(new Uint8Array(1), 0), 'CLOSED')
  }
  await below.read(new Uint8Array(1), 0)
})

it('the log tells requests as they were made, and how they ended', async () => {
  const log: string[] = []
  const disk = new LogDisk({
    disk: new MemoryDisk(65536),
    onRequest: (request) => log.push(describeRequest(request)),
    onDone: (request, error) =>
      log.push(`${request.operation} ${error === undefined ? 'done' : 'failed'}`),
  })
  await disk.write(new Uint8Array(10), 5, { fua: true })
  await disk.zero(0, 4096, { mayTrim: true, fast: true })
  await disk.flush()
  await disk.extents(0, 100, { first: true })
  await expectCode(disk.trim(65536, 1), 'OUT_OF_RANGE')
  expect(log).toEqual([
    'write 5+10 fua',
    'write done',
    'zero 0+4096 mayTrim fast',
    'zero done',
    'flush',
    'flush done',
    'extents 0+100 first',
    'extents done',
    'trim 65536+1',
    'trim failed',
  ])
})

it('a fault strikes the n-th matching request, and as often as planned', async () => {
  const below = MemoryDisk.from(random(65536))
  const disk = new FaultDisk({
    disk: below,
    plan: [
      {
        operation: 'write',
        range: { offset: 4096, length: 4096 },
        nth: 2,
        times: 1,
        code: 'NO_SPACE',
      },
    ],
  })
  const bytes = new Uint8Array(100)
  await disk.write(bytes, 0)
  await disk.write(bytes, 4096)
  await disk.read(bytes, 4096)
  await expectCode(disk.write(bytes, 8191), 'NO_SPACE')
  await disk.write(bytes, 4096)
  expect(disk.failures).toBe(1)
  disk.plan([{ code: 'IO_ERROR' }])
  await expectCode(disk.read(bytes, 0), 'IO_ERROR')
  await expectCode(disk.flush(), 'IO_ERROR')
})

it('a fault may leave half of a write, or all of it, behind', async () => {
  const disk = new FaultDisk({ disk: new MemoryDisk(65536) })
  const bytes = new Uint8Array(100).fill(1)
  const left = async (effect: 'none' | 'half' | 'all') => {
    disk.plan([{ operation: 'write', code: 'NO_SPACE', effect }])
    await disk.zero(0, 200)
    await expectCode(disk.write(bytes, 0), 'NO_SPACE')
    const target = new Uint8Array(200)
    await disk.read(target, 0)
    return target.reduce((sum, byte) => sum + byte, 0)
  }
  expect([await left('none'), await left('half'), await left('all')]).toEqual([0, 50, 100])
})

it('a delayed request reaches the disk when its time has come, or never when it is cancelled', async () => {
  const clock = new ManualClock()
  const log: string[] = []
  const below = new LogDisk({
    disk: new MemoryDisk(65536),
    onRequest: (request) => log.push(describeRequest(request)),
  })
  const delayMs = ({ operation }: { operation: string }) => (operation === 'write' ? 100 : 0)
  const disk = new DelayDisk({ disk: below, clock, delayMs })
  const controller = new AbortController()
  const first = disk.write(new Uint8Array(1), 1)
  const second = disk.write(new Uint8Array(1), 2, { signal: controller.signal })
  await disk.flush()
  clock.advance(99)
  await disk.flush()
  expect(log).toEqual(['flush', 'flush'])
  controller.abort()
  await expectCode(second, 'ABORTED')
  clock.advance(1)
  await first
  expect(log).toEqual(['flush', 'flush', 'write 1+1'])
})
