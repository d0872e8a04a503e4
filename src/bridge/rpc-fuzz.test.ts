// A page that does everything in any order: whatever it does, each of its requests is answered once,
// with ABORTED exactly when its cancel came before its handler's end, and each stream ends once.

import { describe, expect, test } from 'vitest'
import { PlatterError } from '../engine/base/errors'
import { Prng } from '../engine/base/prng'
import type { WireMessage } from './channel'
import { MemoryChannel } from './memory-channel'
import type { Handlers } from './rpc-host'
import { RpcHost } from './rpc-host'
import { validateParams } from './validators'
import { MAX_CREDIT } from './wire-message'

const READ = { session: 's1', offset: 0, length: 1 }
const VIEW = { session: 's1', cellBytes: 512, firstCell: 0, cellCount: 1 }
const STEPS = 400
const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1)

/** What stays to be settled of a request or stream that a handler was called for. */
interface Open {
  readonly signal: AbortSignal
  settle(fails: boolean): void
}

function makeHost() {
  const [hostEnd, pageEnd] = MemoryChannel.pair()
  const received: WireMessage[] = []
  const calls: Open[] = []
  const bugs: unknown[] = []
  let creditUsed = 0
  const later = <T>(signal: AbortSignal, value: T) =>
    new Promise<T>((resolve, reject) => {
      calls.push({
        signal,
        settle: (fails) =>
          fails ? reject(new PlatterError('IO_ERROR', 'disk: no')) : resolve(value),
      })
    })
  const handlers: Partial<Handlers> = {
    'bytes.read': (_, { signal }) => later(signal, { value: { epoch: 1 } }),
  }
  new RpcHost({
    channel: hostEnd,
    handlers: handlers as Handlers,
    streams: {
      'export.requests': async () => undefined,
      'map.cells': async (_, sink) => {
        const end = later(sink.signal, undefined)
        const produce = async () => {
          for (;;) {
            await sink.ready()
            sink.send({ epoch: creditUsed++, cellBytes: 512, firstCell: 0 }, new Uint8Array(1))
          }
        }
        await Promise.race([end, produce()])
      },
    },
    validate: validateParams,
    onBug: (error) => bugs.push(error),
  })
  pageEnd.onMessage = (message) => received.push(message)
  return { pageEnd, received, calls, bugs, framesSent: () => creditUsed }
}

/** Long enough for every microtask of both ends. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('a page that does everything', () => {
  test.each(SEEDS)('is answered once for each request (seed %d)', async (seed) => {
    const prng = new Prng(seed)
    const { pageEnd, received, calls, bugs, framesSent } = makeHost()
    const requests: number[] = []
    const streams = new Map<number, number>()
    const endedByPage = new Set<number>()
    let nextId = 1
    const steps: (() => void)[] = [
      () => {
        requests.push(nextId)
        pageEnd.post({ kind: 'request', id: nextId++, name: 'bytes.read', params: READ })
      },
      () => {
        requests.push(nextId)
        pageEnd.post({ kind: 'request', id: nextId++, name: 'no.such', params: {} })
      },
      () => pageEnd.post({ kind: 'cancel', id: 1 + prng.below(nextId) }),
      () => {
        streams.set(nextId, 0)
        pageEnd.post({ kind: 'open', id: nextId++, name: 'map.cells', params: VIEW })
      },
      () => {
        const id = 1 + prng.below(nextId)
        const frames = 1 + prng.below(MAX_CREDIT)
        streams.set(id, (streams.get(id) ?? 0) + frames)
        pageEnd.post({ kind: 'credit', id, frames })
      },
      () => {
        const id = 1 + prng.below(nextId)
        endedByPage.add(id)
        pageEnd.post({ kind: 'end', id })
      },
      () => {
        if (calls.length > 0) prng.pick(calls).settle(prng.bool())
      },
    ]
    for (let step = 0; step < STEPS; step++) {
      prng.pick(steps)()
      if (prng.bool(0.3)) await settled()
    }
    await settled()
    for (const call of calls) call.settle(prng.bool())
    await settled()

    const answers = received.filter((m) => m.kind === 'reply' || m.kind === 'error')
    expect(answers.map(({ id }) => id).sort((a, b) => a - b)).toEqual(requests)
    const ends = received.filter((m) => m.kind === 'end').map(({ id }) => id)
    expect(new Set(ends).size).toBe(ends.length)
    for (const id of streams.keys()) {
      if (requests.includes(id) || id >= nextId) continue
      expect(ends.includes(id) || endedByPage.has(id)).toBe(true)
    }
    for (const [id, credit] of streams) {
      const frames = received.filter((m) => m.kind === 'frame' && m.id === id).length
      expect(frames).toBeLessThanOrEqual(credit)
    }
    // One frame a stream may be dropped on its way out, when it was closed just then.
    const dropped = framesSent() - received.filter((m) => m.kind === 'frame').length
    expect(dropped).toBeGreaterThanOrEqual(0)
    expect(dropped).toBeLessThanOrEqual(streams.size)
    expect(bugs).toEqual([])
  })
})
