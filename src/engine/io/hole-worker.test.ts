import { EventEmitter } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectCode } from '../testing/expect-disk'
import { hasHoleCalls } from './hole-libc'
import type { HoleReply, HoleRequest, Numbered } from './hole-requests'
import { HoleWorker } from './hole-worker'
import { OpenHandles } from './open-handles'

/** A thread that a test answers for. */
class FakeThread extends EventEmitter {
  readonly asked: Numbered<HoleRequest>[] = []
  holdsProcess = true

  postMessage(message: Numbered<HoleRequest>): void {
    this.asked.push(message)
  }

  ref(): void {
    this.holdsProcess = true
  }

  unref(): void {
    this.holdsProcess = false
  }

  terminate(): Promise<number> {
    this.emit('exit', 1)
    return Promise.resolve(1)
  }

  answer(index: number, body: HoleReply): void {
    this.emit('message', { id: this.asked[index]?.id, body })
  }
}

function fakeWorker(mayWait = false) {
  const threads: FakeThread[] = []
  const handles = new OpenHandles()
  const worker = new HoleWorker({
    handles,
    mayWait,
    create: () => {
      const thread = new FakeThread()
      threads.push(thread)
      return thread as unknown as Worker
    },
  })
  return { worker, threads, handles }
}

const size = { kind: 'size', fd: 5 } as const
const walk = {
  kind: 'walk',
  fd: 5,
  offset: 0,
  length: 1,
  size: 1,
  maxExtents: 1,
  way: 'lseek',
} as const

describe('the hole worker', () => {
  it('starts one thread at the first request and matches replies that come in any order', async () => {
    const { worker, threads } = fakeWorker()
    expect(threads).toEqual([])
    const replies = [worker.ask(size), worker.ask(size)]
    const [thread] = threads as [FakeThread]
    thread.answer(1, { kind: 'value', value: 22 })
    thread.answer(0, { kind: 'value', value: 11 })
    expect(await Promise.all(replies)).toEqual([
      { kind: 'value', value: 11 },
      { kind: 'value', value: 22 },
    ])
    expect(threads.length).toBe(1)
  })

  it('holds the process only while a request is pending', async () => {
    const { worker, threads } = fakeWorker()
    const first = worker.ask(size)
    const second = worker.ask(size)
    const [thread] = threads as [FakeThread]
    thread.answer(0, { kind: 'value', value: 1 })
    await first
    expect(thread.holdsProcess).toBe(true)
    thread.answer(1, { kind: 'value', value: 1 })
    await second
    expect(thread.holdsProcess).toBe(false)
  })

  it('raises the flag of a walk when its signal aborts', async () => {
    const { worker, threads } = fakeWorker()
    const controller = new AbortController()
    const reply = worker.ask(walk, controller.signal)
    const [thread] = threads as [FakeThread]
    const [{ body }] = thread.asked as [Numbered<{ abortFlag: Int32Array } & HoleRequest>]
    const { abortFlag } = body
    expect(abortFlag[0]).toBe(0)
    controller.abort()
    expect(abortFlag[0]).toBe(1)
    thread.answer(0, { kind: 'aborted' })
    expect(await reply).toEqual({ kind: 'aborted' })
  })

  it('rejects what is pending when the thread dies, and starts another for the next request', async () => {
    const { worker, threads, handles } = fakeWorker()
    const lost = worker.ask(size)
    threads[0]?.emit('error', new Error('out of memory'))
    threads[0]?.emit('exit', 1)
    await expectCode(lost, 'IO_ERROR')
    await expect(lost).rejects.toThrow(/exit code 1: out of memory/)
    expect(handles.count).toBe(0)
    const next = worker.ask(size)
    threads[1]?.answer(0, { kind: 'value', value: 3 })
    expect(await next).toEqual({ kind: 'value', value: 3 })
  })

  it('refuses requests after it was closed, and those that were pending', async () => {
    const { worker, handles } = fakeWorker()
    const pending = worker.ask(size)
    const refused = expectCode(pending, 'CLOSED')
    await worker.close()
    await refused
    await expectCode(worker.ask(size), 'CLOSED')
    await worker.close()
    expect(handles.count).toBe(0)
  })

  it('rejects what is pending when a real thread ends', async () => {
    const worker = new HoleWorker({
      create: (options) =>
        new Worker(
          'require("node:worker_threads").parentPort.once("message", () => process.exit(7))',
          {
            ...options,
            eval: true,
          },
        ),
    })
    await expect(worker.ask(size)).rejects.toThrow(/exit code 7/)
    await worker.close()
  })
})

describe.runIf(process.platform === 'linux')('the real hole worker', () => {
  let dir = ''
  let fd = -1
  const worker = new HoleWorker()
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'platter-holes-'))
    writeFileSync(join(dir, 'file'), 'x'.repeat(5000))
    fd = openSync(join(dir, 'file'), 'r+')
  })
  afterAll(async () => {
    closeSync(fd)
    await worker.close()
    rmSync(dir, { recursive: true })
  })

  it('tells the size and the extents of a file', async () => {
    expect(await worker.ask({ kind: 'size', fd })).toEqual({ kind: 'value', value: 5000 })
    const reply = await worker.ask({ ...walk, fd, length: 5000, size: 5000 })
    expect(reply).toEqual({ kind: 'walked', lengths: new Float64Array([0, 5000]) })
  })

  it('says what the system refuses', async () => {
    expect(await worker.ask({ kind: 'size', fd: 9999 })).toMatchObject({ kind: 'failed', errno: 9 })
    const beyond = { kind: 'allocate', fd, mode: 0x7000, offset: 0, length: 1 } as const
    expect(await worker.ask(beyond)).toMatchObject({ kind: 'failed', call: 'fallocate' })
    expect(await worker.ask({ kind: 'advise', fd: 9999, offset: 0, length: 1 })).toMatchObject({
      kind: 'failed',
      errno: 9,
    })
  })

  it('does not begin a walk that was cancelled', async () => {
    const controller = new AbortController()
    controller.abort()
    const reply = await worker.ask({ ...walk, fd }, controller.signal)
    expect(reply).toEqual({ kind: 'aborted' })
  })
})

describe.runIf(hasHoleCalls())('a hole worker whose asker may wait', () => {
  /** A file of `pieces` holes and as many pieces of data, in turn. */
  async function withFile(pieces: number, test: (fd: number, size: number) => Promise<void>) {
    const dir = mkdtempSync(join(tmpdir(), 'platter-holes-'))
    const fd = openSync(join(dir, 'file'), 'w+')
    try {
      const size = pieces * 2 * PIECE
      for (let at = PIECE; at < size; at += 2 * PIECE) writeSync(fd, 'x'.repeat(PIECE), at)
      await test(fd, size)
    } finally {
      closeSync(fd)
      rmSync(dir, { recursive: true })
    }
  }
  const PIECE = 64 * 1024

  it('answers what is short without a thread', async () => {
    await withFile(3, async (fd, size) => {
      const { worker, threads } = fakeWorker(true)
      expect(await worker.ask({ kind: 'size', fd })).toEqual({ kind: 'value', value: size })
      expect(await worker.ask({ kind: 'probe', fd })).toMatchObject({ kind: 'probed' })
      const whole = { ...walk, fd, length: size, size, maxExtents: 1000 }
      expect(await worker.ask(whole)).toEqual({
        kind: 'walked',
        lengths: new Float64Array(6).fill(PIECE),
      })
      const punch = { kind: 'allocate', fd, mode: 3, offset: PIECE, length: PIECE } as const
      expect(await worker.ask(punch)).toEqual({ kind: 'value', value: 0 })
      expect(await worker.ask({ ...walk, fd, length: size, size })).toMatchObject({
        lengths: new Float64Array([3 * PIECE]),
      })
      expect(threads).toEqual([])
    })
  })

  it('hears of a walk that was cancelled before', async () => {
    await withFile(1, async (fd, size) => {
      const { worker } = fakeWorker(true)
      const reply = await worker.ask({ ...walk, fd, length: size, size }, AbortSignal.abort())
      expect(reply).toEqual({ kind: 'aborted' })
    })
  })

  it('leaves what may take long to the thread: copies, large allocations, writing out, advice', async () => {
    const requests: HoleRequest[] = [
      { kind: 'copy', fd: 5, target: 6, offset: 0, length: 1, grain: 0, writeOut: false },
      { kind: 'allocate', fd: 5, mode: 3, offset: 0, length: 1024 * 1024 + 1 },
      { kind: 'writeOut', fd: 5 },
      { kind: 'advise', fd: 5, offset: 0, length: 1 },
    ]
    const { worker, threads } = fakeWorker(true)
    const replies = requests.map((request) => worker.ask(request))
    expect(threads[0]?.asked.map(({ body }) => body)).toEqual(requests)
    for (const i of requests.keys()) threads[0]?.answer(i, { kind: 'value', value: i })
    expect(await Promise.all(replies)).toEqual(
      [0, 1, 2, 3].map((value) => ({ kind: 'value', value })),
    )
  })

  it('leaves a file of many extents to the thread once it has seen the first of them', async () => {
    await withFile(200, async (fd, size) => {
      const { worker, threads } = fakeWorker(true)
      const whole = { ...walk, fd, length: size, size, maxExtents: 1000 }
      const first = await worker.ask(whole)
      expect(first).toEqual({ kind: 'walked', lengths: new Float64Array(256).fill(PIECE) })
      expect(threads).toEqual([])
      const rest = worker.ask({ ...whole, offset: 256 * PIECE, length: size - 256 * PIECE })
      threads[0]?.answer(0, { kind: 'aborted' })
      expect(await rest).toEqual({ kind: 'aborted' })
    })
  })
})
