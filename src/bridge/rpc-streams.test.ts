// Streams and their credit, the same over whatever lies between a host and a page.

import { describe, expect, test } from 'vitest'
import { PlatterError } from '../engine/base/errors'
import { type CellsHandler, connect, FRAME, KINDS, VIEW } from './rpc.test-helper'
import { MAX_OPEN_STREAMS } from './rpc-host'
import type { StreamSink } from './rpc-streams'

const ignore = { onFrame: () => {}, onEnd: () => {} }
const never = () => new Promise<never>(() => {})

describe.each(Object.entries(KINDS))('streams over %s', (_, make) => {
  /** Sends as fast as it may, and counts. */
  const eager = (sent: { count: number }): CellsHandler => {
    return async (sink) => {
      for (;;) {
        await sink.ready()
        sink.send({ ...FRAME, epoch: sent.count++ }, new Uint8Array([sent.count]))
      }
    }
  }

  test('a page that does not finish a frame stops the producer at two', async () => {
    const sent = { count: 0 }
    const { client, roundTrip } = await connect(make, { cells: eager(sent) })
    const finish: (() => void)[] = []
    const seen: number[] = []
    client.openStream('map.cells', VIEW, {
      onFrame: ({ epoch }, bytes) => {
        expect(bytes).toEqual(new Uint8Array([epoch + 1]))
        seen.push(epoch)
        return new Promise((resolve) => finish.push(resolve))
      },
      onEnd: () => {},
    })
    for (let i = 0; i < 5; i++) await roundTrip()
    expect(sent.count).toBe(2)
    // The second waits until the first is done with: frames never overtake one another.
    expect(seen).toEqual([0])
    finish[0]!()
    for (let i = 0; i < 5; i++) await roundTrip()
    expect(sent.count).toBe(3)
    expect(seen).toEqual([0, 1])
  })

  test('a page that keeps up gets all of them, in order', async () => {
    const sent = { count: 0 }
    const { client } = await connect(make, { cells: eager(sent) })
    const seen: number[] = []
    await new Promise<void>((resolve) => {
      const stream = client.openStream('map.cells', VIEW, {
        onFrame: ({ epoch }) => {
          seen.push(epoch)
          if (seen.length === 100) {
            stream.close()
            resolve()
          }
        },
        onEnd: () => {},
      })
    })
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })

  test('closing one aborts its producer, drops late frames and calls nothing more', async () => {
    let sink: StreamSink<typeof FRAME> | undefined
    const { client, roundTrip, bugs } = await connect(make, {
      cells: async (opened) => {
        sink = opened
        await opened.ready()
        await never()
      },
    })
    let frames = 0
    let ends = 0
    const stream = client.openStream('map.cells', VIEW, {
      onFrame: () => void frames++,
      onEnd: () => void ends++,
    })
    await roundTrip()
    sink!.send(FRAME, new Uint8Array(1))
    stream.close()
    await roundTrip()
    expect(sink!.signal.aborted).toBe(true)
    sink!.send(FRAME, new Uint8Array(1))
    await expect(sink!.ready()).rejects.toMatchObject({ code: 'ABORTED' })
    await roundTrip()
    expect({ frames, ends, bugs }).toEqual({ frames: 0, ends: 0, bugs: [] })
  })

  test('a frame without credit is a bug of the host', async () => {
    const { client, bugs } = await connect(make, {
      cells: async (sink) => {
        for (;;) {
          sink.send(FRAME, new Uint8Array(0))
          await Promise.resolve()
        }
      },
    })
    const error = await new Promise<Error | undefined>((onEnd) => {
      client.openStream('map.cells', VIEW, { onFrame: never, onEnd })
    })
    expect(error?.message).toContain('a frame without credit')
    expect(bugs).toHaveLength(1)
  })

  test('an orderly end comes after the frames before it', async () => {
    const { client } = await connect(make, {
      cells: async (sink) => {
        for (let i = 0; i < 2; i++) {
          await sink.ready()
          sink.send({ ...FRAME, epoch: i }, new Uint8Array(0))
        }
      },
    })
    const seen: unknown[] = []
    await new Promise<void>((resolve) => {
      client.openStream('map.cells', VIEW, {
        onFrame: async ({ epoch }) => {
          await Promise.resolve()
          seen.push(epoch)
        },
        onEnd: (error) => resolve(void seen.push(error)),
      })
    })
    expect(seen).toEqual([0, 1, undefined])
  })

  test('an error of the producer ends the stream with its code', async () => {
    const { client } = await connect(make, {
      cells: async () => {
        throw new PlatterError('NO_SESSION', 'session s1 is closed')
      },
    })
    const error = await new Promise<Error | undefined>((onEnd) => {
      client.openStream('map.cells', VIEW, { onFrame: () => {}, onEnd })
    })
    expect(error).toMatchObject({ code: 'NO_SESSION' })
  })

  test('an error of the page while it takes a frame ends the stream on both sides', async () => {
    const sent = { count: 0 }
    let sink: StreamSink<typeof FRAME> | undefined
    const { client, roundTrip } = await connect(make, {
      cells: (opened) => {
        sink = opened
        return eager(sent)(opened)
      },
    })
    const bug = new Error('cannot paint')
    const error = await new Promise<Error | undefined>((onEnd) => {
      client.openStream('map.cells', VIEW, { onFrame: () => Promise.reject(bug), onEnd })
    })
    expect(error).toBe(bug)
    await roundTrip()
    expect(sink!.signal.aborted).toBe(true)
  })

  test('a name or parameters that are not known end it with BAD_REQUEST', async () => {
    const { client } = await connect(make)
    const open = (name: 'map.cells', params: typeof VIEW) =>
      new Promise<Error | undefined>((onEnd) => {
        client.openStream(name, params, { onFrame: () => {}, onEnd })
      })
    const wrongCell = await open('map.cells', { ...VIEW, cellBytes: 1000 })
    expect(wrongCell).toMatchObject({ code: 'BAD_REQUEST' })
    expect(wrongCell?.message).toContain('cellBytes')
    const wrongName = await open('hasOwnProperty' as 'map.cells', VIEW)
    expect(wrongName).toMatchObject({ code: 'BAD_REQUEST' })
  })

  test(`stream ${MAX_OPEN_STREAMS + 1} of a page is refused until another is closed`, async () => {
    const { client, roundTrip } = await connect(make, { cells: never })
    const open = Array.from({ length: MAX_OPEN_STREAMS }, () =>
      client.openStream('map.cells', VIEW, ignore),
    )
    const error = await new Promise<Error | undefined>((onEnd) => {
      client.openStream('map.cells', VIEW, { onFrame: () => {}, onEnd })
    })
    expect(error).toMatchObject({ code: 'LIMIT' })
    open[0]!.close()
    let ends = 0
    client.openStream('map.cells', VIEW, { onFrame: () => {}, onEnd: () => void ends++ })
    await roundTrip()
    expect(ends).toBe(0)
  })
})
