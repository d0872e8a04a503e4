import { describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import type { BlockSize } from '../disk/disk'
import { MemoryDisk } from '../disk/memory-disk'
import { ByteModel } from '../testing/byte-model'
import { runDiskModel } from '../testing/disk-model'
import { expectCode, expectSameBytes, readWhole } from '../testing/expect-disk'
import { jittery } from '../testing/turn-clock'
import { type CommitProgress, commitOverlay } from './commit'
import { FaultDisk } from './fault'
import { describeRequest, LogDisk } from './log'
import { OverlayDisk } from './overlay'
import { ReadOnlyDisk } from './read-only'

const BLOCK = 4096

const made = new Map<string, Uint8Array>()

/** Making random bytes takes longer than all that is done with them here. */
function random(length: number, seed = length): Uint8Array {
  const key = `${length} ${seed}`
  const bytes = made.get(key) ?? new Prng(seed).fill(new Uint8Array(length))
  made.set(key, bytes)
  return bytes.slice()
}

interface SetupOptions {
  readonly size?: number
  readonly blockSize?: number
  readonly target?: BlockSize
  readonly targetSize?: number
}

/** An overlay over a base that is its own commit target, with a log of what reaches the target. */
function setup({ size = 40 * BLOCK, blockSize = BLOCK, target, targetSize }: SetupOptions = {}) {
  const content = random(targetSize ?? size, 1)
  const memory = MemoryDisk.from(content, target === undefined ? {} : { blockSize: target })
  const fault = new FaultDisk({ disk: memory })
  const log: string[] = []
  const base = new LogDisk({
    disk: fault,
    onRequest: (request) => {
      if (request.operation !== 'read') log.push(describeRequest(request))
    },
  })
  const store = new MemoryDisk(Math.ceil(size / blockSize) * blockSize)
  const overlay = new OverlayDisk({ base: new ReadOnlyDisk(memory), store, blockSize, size })
  return { overlay, target: base, fault, memory, log, content, store }
}

describe('a commit', () => {
  it('carries staged runs ascending and whole, flushes, and leaves nothing staged', async () => {
    const { overlay, target, memory, log, content } = setup()
    const written = random(3 * BLOCK)
    await overlay.write(written, 20 * BLOCK)
    await overlay.zero(5 * BLOCK, 2 * BLOCK)
    await overlay.write(written.subarray(0, BLOCK), 7 * BLOCK)
    content.set(written, 20 * BLOCK)
    content.fill(0, 5 * BLOCK, 7 * BLOCK)
    content.set(written.subarray(0, BLOCK), 7 * BLOCK)
    expectSameBytes(await readWhole(memory), random(40 * BLOCK, 1))
    const result = await commitOverlay({ overlay, target, verify: false })
    expect(result).toEqual({ ranges: 3, bytes: 6 * BLOCK })
    expect(log).toEqual([
      `zero ${5 * BLOCK}+${2 * BLOCK} mayTrim`,
      `write ${7 * BLOCK}+${BLOCK}`,
      `write ${20 * BLOCK}+${3 * BLOCK}`,
      'flush',
    ])
    expect(overlay.staged()).toEqual({ written: 0, zeroed: 0 })
    expectSameBytes(await readWhole(memory), content)
    expectSameBytes(await readWhole(overlay), content)
  })

  it('gives back the space of what it carried', async () => {
    const { overlay, target, store } = setup({ blockSize: 65536, size: 20 * 65536 })
    await overlay.write(random(10 * 65536), 65536)
    await commitOverlay({ overlay, target, verify: false })
    const held = await store.extents(0, store.size)
    expect(held.toArray()).toEqual([{ offset: 0, length: store.size, flags: 3 }])
  })

  it('carries whole blocks of the chosen ranges and no others', async () => {
    const { overlay, target, log } = setup()
    await overlay.write(random(10 * BLOCK), 0)
    const ranges = [
      { offset: 6 * BLOCK + 5, length: 1 },
      { offset: 2 * BLOCK - 1, length: 2 },
      { offset: 20 * BLOCK, length: BLOCK },
    ]
    const result = await commitOverlay({ overlay, target, ranges, verify: true })
    expect(result).toEqual({ ranges: 2, bytes: 3 * BLOCK })
    expect(log.filter((line) => line.startsWith('write'))).toEqual([
      `write ${BLOCK}+${2 * BLOCK}`,
      `write ${6 * BLOCK}+${BLOCK}`,
    ])
    expect([...overlay.stagedRuns()].map((run) => run.offset / BLOCK)).toEqual([0, 3, 7])
  })

  it('does nothing at all when nothing is staged', async () => {
    const { overlay, target, log } = setup()
    expect(await commitOverlay({ overlay, target, verify: true })).toEqual({ ranges: 0, bytes: 0 })
    expect(log).toEqual([])
  })

  it('tells its progress in bytes that add up', async () => {
    const { overlay, target } = setup({ size: 4 << 20 })
    await overlay.write(random(2 << 20), 1 << 20)
    const seen: CommitProgress[] = []
    await commitOverlay({ overlay, target, verify: true, onProgress: (p) => seen.push(p) })
    expect([...new Set(seen.map((p) => p.phase))]).toEqual(['writing', 'flushing', 'verifying'])
    for (const phase of ['writing', 'flushing', 'verifying']) {
      const done = seen.filter((p) => p.phase === phase).map((p) => p.done)
      expect(done).toEqual([...done].sort((a, b) => a - b))
      expect(done.at(-1)).toBe(2 << 20)
    }
  })

  it('zeroes a huge range in few requests and reads back only what the target calls data', async () => {
    const size = 2 ** 42
    const memory = new MemoryDisk(size)
    const log: string[] = []
    const target = new LogDisk({
      disk: memory,
      onRequest: (request) => log.push(request.operation),
    })
    // Only the calls that this commit needs, without a page for each 64 KiB of 4 TiB.
    target.zero = async () => {
      log.push('zero')
    }
    target.extents = (offset, length) =>
      new MemoryDisk(size).extents(offset, Math.min(length, 1 << 20))
    const overlay = new OverlayDisk({ base: memory, store: new MemoryDisk(size), blockSize: 65536 })
    await overlay.zero(0, 2 ** 34)
    const result = await commitOverlay({ overlay, target, verify: true })
    expect(result).toEqual({ ranges: 1, bytes: 2 ** 34 })
    expect(log.filter((name) => name === 'zero').length).toBe(16)
    expect(log).not.toContain('read')
  })
})

describe('a commit into a target with blocks of its own', () => {
  const shapes: { name: string; target: BlockSize; size: number; targetSize: number }[] = []
  for (const minimum of [1, 512, 16384, 65536]) {
    for (const [size, targetSize] of [
      [50 * BLOCK, 50 * BLOCK],
      [50 * BLOCK - 100, 50 * BLOCK - 100],
      [50 * BLOCK - 100, 60 * BLOCK],
    ] as const) {
      const target = { minimum, preferred: Math.max(minimum, 4096), maximum: 65536 * 3 }
      const name = `${size} bytes into ${targetSize}, smallest block ${minimum}`
      shapes.push({ name, target, size, targetSize })
    }
  }
  for (const { name, target: blockSize, size, targetSize } of shapes) {
    it(`keeps every other byte: ${name}`, async () => {
      for (let seed = 1; seed <= 10; seed++) {
        const { overlay, target, memory, content, fault } = setup({
          size,
          target: blockSize,
          targetSize,
        })
        const lengths: number[] = []
        fault.write = (source, offset, options) => {
          lengths.push(source.length)
          return FaultDisk.prototype.write.call(fault, source, offset, options)
        }
        const prng = new Prng(seed)
        for (let i = 0; i < 12; i++) {
          const offset = prng.below(size)
          const length = Math.min(size - offset, 1 + prng.below(5 * BLOCK))
          const bytes = prng.bool(0.4) ? new Uint8Array(length) : prng.fill(new Uint8Array(length))
          if (bytes[0] === 0) await overlay.zero(offset, length)
          else await overlay.write(bytes, offset)
          content.set(bytes[0] === 0 ? new Uint8Array(length) : bytes, offset)
        }
        await commitOverlay({ overlay, target, verify: true })
        expect(Math.max(...lengths)).toBeLessThanOrEqual(blockSize.maximum)
        expectSameBytes(await readWhole(memory), content)
        expectSameBytes(await readWhole(overlay), content.subarray(0, size))
        expect(overlay.stagedRunCount()).toBe(0)
      }
    })
  }

  it('writes zeroes where the target cannot zero', async () => {
    const { overlay, target, memory, content } = setup()
    const plain = new LogDisk({ disk: target })
    Object.assign(plain, { capabilities: { ...plain.capabilities, zero: false } })
    await overlay.zero(BLOCK, 3 * BLOCK)
    content.fill(0, BLOCK, 4 * BLOCK)
    await commitOverlay({ overlay, target: plain, verify: true })
    expectSameBytes(await readWhole(memory), content)
  })
})

describe('a commit is refused, and touches nothing,', () => {
  it('when the target is smaller, read-only, or has no such range', async () => {
    const { overlay, log } = setup()
    await overlay.write(random(BLOCK), 0)
    const small = new MemoryDisk(overlay.size - 1)
    const readOnly = new MemoryDisk(overlay.size, { readOnly: true })
    const good = new MemoryDisk(overlay.size)
    const commit = (target: MemoryDisk, ranges?: { offset: number; length: number }[]) =>
      commitOverlay({ overlay, target, verify: false, ...(ranges ? { ranges } : {}) })
    await expectCode(commit(small), 'BAD_SIZE')
    await expectCode(commit(readOnly), 'READ_ONLY')
    await expectCode(commit(good, [{ offset: 0, length: overlay.size + 1 }]), 'OUT_OF_RANGE')
    expect(overlay.staged()).toEqual({ written: BLOCK, zeroed: 0 })
    expect(log).toEqual([])
  })

  it('while another commit of the overlay is under way', async () => {
    const { overlay, target } = setup()
    await overlay.write(random(BLOCK), 0)
    const first = commitOverlay({ overlay, target, verify: false })
    await expectCode(commitOverlay({ overlay, target, verify: false }), 'BUSY')
    await first
    expect(overlay.stagedRunCount()).toBe(0)
  })
})

describe('a commit that fails', () => {
  it('leaves everything staged at each failing request, and succeeds when tried again', async () => {
    for (const code of ['NO_SPACE', 'IO_ERROR'] as const) {
      for (const operation of [['write', 'zero'], ['flush'], ['read']] as const) {
        let nth = 1
        for (; ; nth++) {
          const { overlay, target, fault, memory, content } = setup({ size: 3 << 20 })
          const prng = new Prng(nth)
          for (let i = 0; i < 6; i++) {
            const offset = i * (512 << 10)
            if (i % 3 === 2) {
              await overlay.zero(offset, 4 * BLOCK)
              content.fill(0, offset, offset + 4 * BLOCK)
              continue
            }
            const bytes = prng.fill(new Uint8Array(3 * BLOCK))
            await overlay.write(bytes, offset)
            content.set(bytes, offset)
          }
          const staged = overlay.staged()
          fault.plan([{ operation, nth, times: 1, code, effect: 'half' }])
          const error = await commitOverlay({ overlay, target, verify: true }).then(
            () => undefined,
            (reason: unknown) => reason,
          )
          if (error !== undefined) {
            expect(error).toMatchObject({ code })
            expect(overlay.staged()).toEqual(staged)
            expectSameBytes(await readWhole(overlay), content)
            fault.plan([])
            await commitOverlay({ overlay, target, verify: true })
          }
          expect(overlay.stagedRunCount()).toBe(0)
          expectSameBytes(await readWhole(memory), content)
          if (error === undefined) break
        }
        expect(nth).toBeGreaterThan(1)
      }
    }
  })

  it('names the first byte that does not read back, and leaves everything staged', async () => {
    const { overlay, target, memory } = setup()
    await overlay.write(random(2 * BLOCK), 3 * BLOCK)
    await overlay.zero(10 * BLOCK, BLOCK)
    const lying = new LogDisk({
      disk: target,
      onDone: ({ operation }) => {
        if (operation === 'zero') void memory.write(new Uint8Array([7]), 10 * BLOCK + 99)
      },
    })
    const error = await commitOverlay({ overlay, target: lying, verify: true }).catch((e) => e)
    expect(error).toMatchObject({ code: 'VERIFY_FAILED', data: { offset: 10 * BLOCK + 99 } })
    expect(error.message).toContain(`byte ${10 * BLOCK + 99} is 7, and 0 was written`)
    expect(overlay.staged()).toEqual({ written: 2 * BLOCK, zeroed: BLOCK })
  })
})

describe('a commit that is cancelled', () => {
  const cancelled = async (verify: boolean, phase: CommitProgress['phase']) => {
    const { overlay, target, memory, content } = setup({ size: 16 << 20 })
    const bytes = random(14 << 20)
    await overlay.write(bytes, 1 << 20)
    content.set(bytes, 1 << 20)
    const controller = new AbortController()
    const error = await commitOverlay({
      overlay,
      target,
      verify,
      signal: controller.signal,
      onProgress: (progress) => {
        if (progress.phase === phase && progress.done > 0) controller.abort()
      },
    }).catch((reason) => reason)
    expectSameBytes(await readWhole(overlay), content)
    return { error, overlay, memory, content }
  }

  it('keeps staged what was not carried, and says how much was', async () => {
    const { error, overlay, memory, content } = await cancelled(false, 'writing')
    expect(error).toMatchObject({ code: 'ABORTED' })
    const { carried } = error.data
    expect(carried).toBeGreaterThan(0)
    expect(carried).toBeLessThan(14 << 20)
    expect(overlay.staged().written).toBe((14 << 20) - carried)
    const now = await readWhole(memory)
    const end = (1 << 20) + carried
    expectSameBytes(now.subarray(0, end), content.subarray(0, end))
  })

  it('keeps everything staged that was to be read back and was not', async () => {
    for (const phase of ['writing', 'verifying'] as const) {
      const { error, overlay } = await cancelled(true, phase)
      expect(error).toMatchObject({ code: 'ABORTED' })
      expect(overlay.staged().written).toBe(14 << 20)
    }
  })

  it('before it began changes nothing', async () => {
    const { overlay, target, log } = setup()
    await overlay.write(random(BLOCK), 0)
    const controller = new AbortController()
    controller.abort()
    const { signal } = controller
    await expectCode(commitOverlay({ overlay, target, verify: false, signal }), 'ABORTED')
    expect(log).toEqual([])
    expect(overlay.staged().written).toBe(BLOCK)
  })
})

describe('a commit beside writers', () => {
  it('leaves staged a block that is rewritten after it was copied', async () => {
    for (const verify of [false, true]) {
      const { overlay, target, memory, content } = setup()
      const bytes = random(4 * BLOCK, 5)
      await overlay.write(bytes, 0)
      content.set(bytes, 0)
      const late = random(100, 6)
      const slow = new LogDisk({ disk: target })
      let rewritten = false
      slow.write = async (source, offset) => {
        // The bytes are copied and on their way; now the block changes under them.
        if (!rewritten) await overlay.write(late, BLOCK + 10)
        rewritten = true
        await target.write(source, offset)
      }
      await commitOverlay({ overlay, target: slow, verify })
      expect([...overlay.stagedRuns()]).toEqual([
        { offset: BLOCK, length: BLOCK, state: 'written' },
      ])
      expectSameBytes(await readWhole(memory), content)
      content.set(late, BLOCK + 10)
      expectSameBytes(await readWhole(overlay), content)
    }
  })

  it('leaves alone what is discarded, zeroed or trimmed meanwhile', async () => {
    const { overlay, target, content } = setup()
    const bytes = random(6 * BLOCK, 5)
    await overlay.write(bytes, 0)
    const slow = new LogDisk({ disk: target })
    slow.write = async (source, offset) => {
      await overlay.zero(BLOCK, BLOCK)
      await overlay.trim(3 * BLOCK, BLOCK)
      await target.write(source, offset)
      await overlay.discard([{ offset: 5 * BLOCK, length: 1 }])
    }
    await commitOverlay({ overlay, target: slow, verify: false })
    content.set(bytes, 0)
    content.fill(0, BLOCK, 2 * BLOCK)
    content.fill(0, 3 * BLOCK, 4 * BLOCK)
    expectSameBytes(await readWhole(overlay), content)
    expect(overlay.staged()).toEqual({ written: 0, zeroed: 2 * BLOCK })
  })

  for (let seed = 1; seed <= 12; seed++) {
    it(`loses no write under random work (seed ${seed})`, async () => {
      const blockSize = seed % 2 === 0 ? 4096 : 65536
      const size = 50 * 65536 - 321
      const target = { minimum: seed % 3 === 0 ? 65536 : 1, preferred: 65536, maximum: 1 << 20 }
      const prng = new Prng(seed)
      const { content, memory } = setup({ size, target })
      const slow = jittery(memory, prng)
      const store = jittery(new MemoryDisk(50 * 65536), prng)
      const overlay = new OverlayDisk({ base: jittery(memory, prng), store, blockSize })
      const model = new ByteModel(content)
      let running = true
      let commits = 0
      const committing = (async () => {
        while (running) {
          const offset = new Prng(seed * 1000 + commits).below(size)
          const ranges = commits % 3 === 0 ? {} : { ranges: [{ offset, length: size - offset }] }
          await commitOverlay({ overlay, target: slow, verify: commits % 2 === 0, ...ranges })
          commits++
          await new Promise((resolve) => setImmediate(resolve))
        }
      })()
      const onTrim = (m: ByteModel, offset: number, length: number) => {
        const from = Math.ceil(offset / blockSize) * blockSize
        const end = offset + length
        const to = end === size ? size : Math.floor(end / blockSize) * blockSize
        if (to > from) m.zero(from, to - from)
      }
      try {
        await runDiskModel(overlay, { seed, steps: 400, content: model, onTrim })
      } finally {
        running = false
        await committing
      }
      expect(commits).toBeGreaterThan(2)
      await commitOverlay({ overlay, target: slow, verify: true })
      expect(overlay.stagedRunCount()).toBe(0)
      expectSameBytes(await readWhole(memory), model.bytes)
    })
  }
})
