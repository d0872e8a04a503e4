import { describe, expect, test } from 'vitest'
import type { Peer, StreamEvents } from '../../bridge/peer'
import { encodeRequestRows } from '../../bridge/request-rows'
import { RequestsFeed, type RequestsState } from './requests-feed'

/** A host of which the test says when a frame comes. */
function makeFeed() {
  let events: StreamEvents<'export.requests'> | undefined
  let closed = false
  const peer = {
    openStream: (_name: string, _params: unknown, given: StreamEvents<'export.requests'>) => {
      events = given
      return {
        close: () => {
          closed = true
        },
      }
    },
  } as unknown as Peer
  const states: RequestsState[] = []
  let drawn: () => void = () => undefined
  const nextFrame = () =>
    new Promise<void>((resolve) => {
      drawn = resolve
    })
  const feed = new RequestsFeed(peer, 'e1', (state) => states.push(state), nextFrame)
  const send = (first: number, count: number, oldest: number) => {
    const row = { time: 0, client: 1, command: 0, flags: 0, offset: 0, length: 0 }
    const rows = Array.from({ length: count }, () => ({ ...row, errno: 0, durationMs: 0 }))
    return events?.onFrame({ first, oldest }, encodeRequestRows(rows))
  }
  const shown = () => states.at(-1)?.rows.map(({ seq }) => seq)
  const end = (error?: Error) => events?.onEnd(error)
  return { feed, send, shown, end, states, draw: () => drawn(), isClosed: () => closed }
}

describe('the requests of an export in the page', () => {
  test('grow by what is new, and lose what the host has forgotten', () => {
    const { send, shown } = makeFeed()
    send(0, 3, 0)
    send(3, 2, 0)
    expect(shown()).toEqual([0, 1, 2, 3, 4])
    send(5, 2, 4)
    expect(shown()).toEqual([4, 5, 6])
  })

  test('go on where the host goes on after a gap', () => {
    const { send, shown } = makeFeed()
    send(0, 2, 0)
    send(1000, 2, 1000)
    expect(shown()).toEqual([1000, 1001])
  })

  test('are gone when the log was cleared', () => {
    const { send, shown } = makeFeed()
    send(0, 3, 0)
    send(3, 0, 3)
    expect(shown()).toEqual([])
  })

  test('are asked for again only when the last ones were drawn', async () => {
    const { send, draw } = makeFeed()
    let asked = false
    const done = Promise.resolve(send(0, 1, 0)).then(() => {
      asked = true
    })
    await Promise.resolve()
    expect(asked).toBe(false)
    draw()
    await done
    expect(asked).toBe(true)
  })

  test('stay when the host ends them, with the reason', () => {
    const { send, end, states, shown } = makeFeed()
    send(0, 1, 0)
    end(new Error('no more'))
    expect([shown(), states.at(-1)?.problem]).toEqual([[0], 'no more'])
  })

  test('are no longer followed once closed', () => {
    const { feed, isClosed } = makeFeed()
    feed.close()
    expect(isClosed()).toBe(true)
  })
})
