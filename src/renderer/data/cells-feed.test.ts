import { describe, expect, test } from 'vitest'
import type { Streams } from '../../bridge/contract'
import { MAX_CELLS_PER_FRAME } from '../../bridge/contract'
import { encodeCells, makeCellColumns } from '../../bridge/frames'
import type { Peer, StreamEvents } from '../../bridge/peer'
import { CellsFeed } from './cells-feed'
import { cellsFrom } from './resample'

interface Opened {
  readonly params: Streams['map.cells']['params']
  readonly events: StreamEvents<'map.cells'>
  closed: boolean
}

function setUp() {
  const streams: Opened[] = []
  const peer = {
    openStream(_name: string, params: Opened['params'], events: Opened['events']) {
      const stream: Opened = { params, events, closed: false }
      streams.push(stream)
      return {
        close() {
          stream.closed = true
        },
      }
    },
  } as unknown as Peer
  let changes = 0
  const feed = new CellsFeed(peer, 's', () => {
    changes++
  })
  const frame = (stream: Opened | undefined, fill: number, epoch = 1) => {
    if (stream === undefined) throw new Error('no stream')
    const { cellBytes, firstCell, cellCount } = stream.params
    const columns = makeCellColumns(cellBytes, cellCount)
    columns.data.fill(fill)
    void stream.events.onFrame({ epoch, cellBytes, firstCell }, encodeCells(columns))
  }
  return { feed, streams, frame, changes: () => changes }
}

const range = (firstCell: number, cellCount = 100, cellBytes = 4096) => ({
  cellBytes,
  firstCell,
  cellCount,
})

describe('the feed', () => {
  test('asks for a screen more on either side, within the disk', () => {
    const { feed, streams } = setUp()
    feed.show(range(1000), 10_000)
    expect(streams[0]?.params).toMatchObject({ firstCell: 900, cellCount: 300 })
    feed.show(range(10), 150)
    expect(streams[1]?.params).toMatchObject({ firstCell: 0, cellCount: 150 })
  })

  test('never asks for more than a frame may hold', () => {
    const { feed, streams } = setUp()
    feed.show(range(500_000, 200_000), 10_000_000)
    expect(streams[0]?.params.cellCount).toBeLessThanOrEqual(MAX_CELLS_PER_FRAME)
  })

  test('asks nothing while what is shown lies in what it has', () => {
    const { feed, streams } = setUp()
    feed.show(range(1000), 10_000)
    feed.show(range(1050), 10_000)
    feed.show(range(900), 10_000)
    expect(streams).toHaveLength(1)
    feed.show(range(1101), 10_000)
    expect(streams).toHaveLength(2)
    expect(streams[0]?.closed).toBe(true)
  })

  test('keeps the old cells until the new ones come, and drops late frames of the old stream', () => {
    const { feed, streams, frame, changes } = setUp()
    feed.show(range(0), 10_000)
    frame(streams[0], 1)
    feed.show(range(5000), 10_000)
    expect(feed.isWaiting).toBe(true)
    expect(feed.window?.firstCell).toBe(0)
    frame(streams[0], 2)
    expect(feed.window?.columns.data[0]).toBe(1)
    frame(streams[1], 3)
    expect(feed.isWaiting).toBe(false)
    expect(feed.window?.firstCell).toBe(4900)
    expect(changes()).toBe(2)
  })

  test('says why a stream ended, and opens it again when asked', () => {
    const { feed, streams, frame } = setUp()
    feed.show(range(0), 10_000)
    frame(streams[0], 1)
    streams[0]?.events.onEnd(new Error('the connection was lost'))
    expect(feed.problem).toBe('the connection was lost')
    expect(feed.window).toBeDefined()
    feed.show(range(0), 10_000)
    expect(streams).toHaveLength(2)
    expect(feed.problem).toBeUndefined()
  })
})

describe('cells of another size', () => {
  const windowOf = (cellBytes: number, firstCell: number, data: readonly number[]) => {
    const columns = makeCellColumns(cellBytes, data.length)
    columns.data.set(data)
    data.forEach((bytes, i) => {
      columns.hole[i] = cellBytes - bytes
    })
    return { cellBytes, firstCell, cellCount: data.length, epoch: 1, columns }
  }

  test('of the same size are the frame itself', () => {
    const window = windowOf(4096, 10, [1, 2, 3, 4])
    const view = cellsFrom(window, range(11, 2))
    expect(view).toEqual({ columns: window.columns, from: 1, isExact: true })
  })

  test('beyond the frame are empty, not guessed', () => {
    const view = cellsFrom(windowOf(4096, 10, [1, 2]), range(11, 3))
    expect([...view.columns.data]).toEqual([2, 0, 0])
    expect([...view.columns.hole]).toEqual([4094, 0, 0])
  })

  test('that are larger are exact sums, where all parts are known', () => {
    const view = cellsFrom(windowOf(4096, 1, [1, 2, 3, 4, 5]), range(0, 4, 8192))
    expect([...view.columns.data]).toEqual([0, 5, 9, 0])
    expect(view.isExact).toBe(false)
  })

  test('that are smaller share the mix, without staged bytes whose place is not known', () => {
    const window = windowOf(8192, 0, [4096, 8192])
    window.columns.written[0] = 512
    window.columns.written[1] = 8192
    const view = cellsFrom(window, range(0, 4))
    expect([...view.columns.data]).toEqual([2048, 2048, 4096, 4096])
    expect([...view.columns.written]).toEqual([0, 0, 4096, 4096])
  })
})
