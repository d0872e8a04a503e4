// Requests, events and the end of both, the same over whatever lies between a host and a page.

import { describe, expect, test } from 'vitest'
import { AssertionError } from '../engine/base/assert'
import { PlatterError } from '../engine/base/errors'
import { Prng } from '../engine/base/prng'
import { MAX_BYTES_PER_REQUEST } from './contract'
import { connect, type FRAME, KINDS, READ, SETTINGS, VIEW } from './rpc.test-helper'
import type { RequestContext } from './rpc-host'
import { MAX_RUNNING_REQUESTS } from './rpc-host'
import type { StreamSink } from './rpc-streams'

const never = () => new Promise<never>(() => {})

describe.each(Object.entries(KINDS))('over %s', (_, make) => {
  describe('requests', () => {
    test('a request is answered with its value', async () => {
      const { client } = await connect(make)
      const answer = await client.request('settings.set', { settings: { theme: 'light' } })
      expect(answer).toEqual({ value: { ...SETTINGS, theme: 'light' } })
    })

    test('bytes cross both ways, and only those of a view into a larger buffer', async () => {
      const { client } = await connect(make)
      const large = new Prng(1).fill(new Uint8Array(100_000)).subarray(1000, 71_000)
      const answer = await client.request(
        'stage.write',
        { session: 's1', offset: 0 },
        { bytes: large },
      )
      expect(answer.bytes).toBeInstanceOf(Uint8Array)
      expect(Buffer.compare(answer.bytes!, large)).toBe(0)
      expect(answer.bytes!.buffer.byteLength).toBeLessThan(71_000)
    })

    test('the largest attached array crosses; one byte more is refused before it is sent', async () => {
      const { client, roundTrip } = await connect(make)
      const send = (length: number) =>
        client.request('stage.write', READ_AT, { bytes: new Uint8Array(length) })
      const READ_AT = { session: 's1', offset: 0 }
      expect((await send(MAX_BYTES_PER_REQUEST)).bytes).toHaveLength(MAX_BYTES_PER_REQUEST)
      await expect(send(MAX_BYTES_PER_REQUEST + 1)).rejects.toMatchObject({ code: 'LIMIT' })
      await roundTrip()
    })

    test('a failure of the world crosses with its code, numbers and cause', async () => {
      const { client, bugs } = await connect(make, {
        read: async () => {
          const cause = new PlatterError('DISCONNECTED', 'nbd: gone')
          throw new PlatterError('IO_ERROR', 'disk: no', { cause, data: { offset: 5 } })
        },
      })
      const error = await client.request('bytes.read', READ).catch((e) => e)
      expect(error).toBeInstanceOf(PlatterError)
      expect(error).toMatchObject({ code: 'IO_ERROR', message: 'disk: no', data: { offset: 5 } })
      expect(error.cause).toMatchObject({ code: 'DISCONNECTED', message: 'nbd: gone' })
      expect(bugs).toEqual([])
    })

    test('a bug crosses without a code and is reported', async () => {
      const bug = new AssertionError('cannot be')
      const { client, bugs } = await connect(make, { read: () => Promise.reject(bug) })
      const error = await client.request('bytes.read', READ).catch((e) => e)
      expect(error).not.toHaveProperty('code')
      expect(error.message).toBe('cannot be')
      expect(bugs).toEqual([bug])
    })

    test('a handler that throws before it returns a promise is a rejection like another', async () => {
      const { client } = await connect(make, {
        read: () => {
          throw new PlatterError('BUSY', 'disk: later')
        },
      })
      await expect(client.request('bytes.read', READ)).rejects.toMatchObject({ code: 'BUSY' })
    })

    test.each(['no.such', '__proto__', 'constructor', 'toString'])(
      'an unknown request %s is a BAD_REQUEST',
      async (name) => {
        const { client } = await connect(make)
        const request = client.request(name as 'host.hello', {})
        await expect(request).rejects.toMatchObject({ code: 'BAD_REQUEST' })
        await expect(request).rejects.toThrow(name)
      },
    )

    test('parameters that the contract does not allow never reach the handler', async () => {
      let calls = 0
      const { client } = await connect(make, {
        read: async () => ({ value: { epoch: ++calls } }),
      })
      const request = client.request('bytes.read', { ...READ, offset: -1 })
      await expect(request).rejects.toMatchObject({ code: 'BAD_REQUEST' })
      await expect(request).rejects.toThrow('bytes.read: offset is -1, below')
      expect(calls).toBe(0)
    })

    test('bytes beside a request that carries none are a BAD_REQUEST', async () => {
      const { client } = await connect(make)
      const request = client.request('bytes.read', READ, { bytes: new Uint8Array(3) })
      await expect(request).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    })

    test('answers come as their handlers finish, each to its own request', async () => {
      const releases: (() => void)[] = []
      const { client, roundTrip } = await connect(make, {
        read: () =>
          new Promise((resolve) => {
            const epoch = releases.length
            releases.push(() => resolve({ value: { epoch } }))
          }),
      })
      const requests = [1, 2, 3].map(() => client.request('bytes.read', READ))
      await roundTrip()
      for (const index of [2, 0, 1]) {
        releases[index]!()
        expect((await requests[index]!).value.epoch).toBe(index)
      }
    })

    test(`handler ${MAX_RUNNING_REQUESTS + 1} of a page is not started while the others run`, async () => {
      const started: RequestContext[] = []
      let release: () => void = () => {}
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      const { client, roundTrip } = await connect(make, {
        read: async (context) => {
          started.push(context)
          await released
          return { value: { epoch: 1 } }
        },
      })
      const stop = new AbortController()
      const requests = Array.from({ length: MAX_RUNNING_REQUESTS }, (_, i) =>
        client.request('bytes.read', READ, i === 0 ? { signal: stop.signal } : {}),
      )
      await expect(roundTrip()).rejects.toMatchObject({ code: 'LIMIT' })
      // A cancelled handler still runs, so it still counts.
      stop.abort()
      await expect(requests[0]).rejects.toMatchObject({ code: 'ABORTED' })
      await expect(roundTrip()).rejects.toMatchObject({ code: 'LIMIT' })
      release()
      await Promise.all(requests.slice(1))
      await roundTrip()
      expect(started).toHaveLength(MAX_RUNNING_REQUESTS)
    })
  })

  describe('cancelling', () => {
    test('a request whose handler never answers is answered once, with ABORTED', async () => {
      const contexts: RequestContext[] = []
      const { client, answersTo, roundTrip } = await connect(make, {
        read: (context) => {
          contexts.push(context)
          return never()
        },
      })
      const stop = new AbortController()
      const request = client.request('bytes.read', READ, { signal: stop.signal })
      await roundTrip()
      stop.abort()
      await expect(request).rejects.toMatchObject({ code: 'ABORTED' })
      expect(contexts[0]!.signal.aborted).toBe(true)
      expect(answersTo(1)).toHaveLength(1)
    })

    test.each(['a value', 'an abort'])('%s of a cancelled handler is dropped', async (what) => {
      const { client, answersTo, roundTrip, bugs } = await connect(make, {
        read: ({ signal }) =>
          new Promise((resolve, reject) => {
            const late = () =>
              what === 'a value'
                ? resolve({ value: { epoch: 9 } })
                : reject(new DOMException('aborted', 'AbortError'))
            signal.addEventListener('abort', late, { once: true })
          }),
      })
      const stop = new AbortController()
      const request = client.request('bytes.read', READ, { signal: stop.signal })
      await roundTrip()
      stop.abort()
      await expect(request).rejects.toMatchObject({ code: 'ABORTED' })
      await roundTrip()
      expect(answersTo(1)).toHaveLength(1)
      expect(bugs).toEqual([])
    })

    test('an answer that crosses the cancel counts', async () => {
      const { client, answersTo, roundTrip } = await connect(make)
      const stop = new AbortController()
      const request = client.request('bytes.read', READ, { signal: stop.signal })
      request.then(() => stop.abort())
      expect(await request).toEqual({ value: { epoch: 1 } })
      await roundTrip()
      expect(answersTo(1)).toHaveLength(1)
    })

    test('a signal that was aborted before sends nothing', async () => {
      const { client, answersTo, roundTrip } = await connect(make)
      const request = client.request('bytes.read', READ, { signal: AbortSignal.abort() })
      await expect(request).rejects.toMatchObject({ code: 'ABORTED' })
      await roundTrip()
      expect(answersTo(1)[0]).toMatchObject({ value: SETTINGS })
    })
  })

  describe('closing', () => {
    test.each(['host', 'page'] as const)(
      'when the %s closes, handlers abort, requests reject and streams end',
      async (who) => {
        const contexts: RequestContext[] = []
        const sinks: StreamSink<typeof FRAME>[] = []
        const { client, rpc, hostIsClosed, roundTrip } = await connect(make, {
          read: (context) => {
            contexts.push(context)
            return never()
          },
          cells: (sink) => {
            sinks.push(sink)
            return never()
          },
        })
        const request = client.request('bytes.read', READ)
        const ended = new Promise<Error | undefined>((onEnd) => {
          client.openStream('map.cells', VIEW, { onFrame: () => {}, onEnd })
        })
        await roundTrip()
        if (who === 'host') rpc.close()
        else client.close()
        await expect(request).rejects.toMatchObject({ code: 'DISCONNECTED' })
        expect(await ended).toMatchObject({ code: 'DISCONNECTED' })
        await hostIsClosed
        expect(contexts[0]!.signal.aborted).toBe(true)
        expect(sinks[0]!.signal.aborted).toBe(true)
        await expect(sinks[0]!.ready()).rejects.toMatchObject({ code: 'ABORTED' })
        expect([rpc.closed, client.closed]).toEqual([true, true])
      },
    )

    test('after it, requests and streams fail at once and events go nowhere', async () => {
      const { client, rpc, hostIsClosed } = await connect(make)
      client.close()
      await hostIsClosed
      rpc.emit('settings.changed', SETTINGS)
      await expect(client.request('host.hello', {})).rejects.toMatchObject({ code: 'DISCONNECTED' })
      const ended = await new Promise<Error | undefined>((onEnd) => {
        client.openStream('map.cells', VIEW, { onFrame: () => {}, onEnd })
      })
      expect(ended).toMatchObject({ code: 'DISCONNECTED' })
    })

    test('an id that is used twice closes the connection', async () => {
      const { page, hostIsClosed, client, roundTrip } = await connect(make, { read: never })
      const request = client.request('bytes.read', READ)
      await roundTrip()
      page.post({ kind: 'request', id: 1, name: 'bytes.read', params: READ })
      await hostIsClosed
      await expect(request).rejects.toMatchObject({ code: 'DISCONNECTED' })
    })

    test('a message that only the other side sends closes the connection', async () => {
      const first = await connect(make)
      first.page.post({ kind: 'event', name: 'settings.changed', data: SETTINGS })
      await first.hostIsClosed
      const second = await connect(make)
      second.host.post({ kind: 'request', id: 1, name: 'host.hello', params: {} })
      await second.hostIsClosed
      expect(second.client.closed).toBe(true)
    })
  })

  describe('events', () => {
    test('reach every listener until it is taken off', async () => {
      const { client, rpc, roundTrip } = await connect(make)
      const seen: string[] = []
      const off = client.on('settings.changed', ({ theme }) => seen.push(`a ${theme}`))
      client.on('settings.changed', ({ theme }) => seen.push(`b ${theme}`))
      rpc.emit('settings.changed', SETTINGS)
      await roundTrip()
      off()
      rpc.emit('settings.changed', { ...SETTINGS, theme: 'light' })
      await roundTrip()
      expect(seen).toEqual(['a dark', 'b dark', 'b light'])
    })

    test('a listener that throws is reported and stops nobody', async () => {
      const { client, rpc, roundTrip, pageBugs } = await connect(make)
      const bug = new Error('listener')
      let calls = 0
      client.on('settings.changed', () => {
        throw bug
      })
      client.on('settings.changed', () => calls++)
      rpc.emit('settings.changed', SETTINGS)
      await roundTrip()
      expect(pageBugs).toEqual([bug])
      expect(calls).toBe(1)
    })
  })
})

describe.each(['memory', 'WebSocket'])('over %s, which has text', (kind) => {
  test('an answer too large to send becomes an error, and the connection lives on', async () => {
    const { client, bugs, roundTrip } = await connect(KINDS[kind]!, {
      read: async () => ({ value: { epoch: 'x'.repeat(3_000_000) as unknown as number } }),
    })
    const error = await client.request('bytes.read', READ).catch((e) => e)
    expect(error.message).toContain('more than the 2097152 of one message')
    expect(bugs).toHaveLength(1)
    await roundTrip()
  })
})
