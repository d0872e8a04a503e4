import { expect, test } from 'vitest'
import { FakePeer } from '../testing/fake-peer'
import type { PageCacheOptions } from './page-cache'
import { PAGE_BYTES, PageCache } from './page-cache'

const MiB = 1024 * 1024

function setUp(options: Partial<PageCacheOptions> = {}) {
  const peer = new FakePeer({ size: 64 * MiB })
  const waits: (() => void)[] = []
  const cache = new PageCache({
    peer,
    session: peer.session,
    size: 64 * MiB,
    onChange: () => {
      for (const wake of waits.splice(0)) wake()
    },
    ...options,
  })
  const changed = () => new Promise<void>((resolve) => waits.push(resolve))
  const until = async (condition: () => boolean) => {
    while (!condition()) await changed()
  }
  return { peer, cache, until }
}

const reads = (peer: FakePeer) => peer.requests.filter(({ name }) => name === 'bytes.read').length

test('a page in view is read once and kept', async () => {
  const { peer, cache, until } = setUp()
  const range = { offset: 2 * PAGE_BYTES, length: 100 }
  cache.show(range)
  await until(() => cache.pageAt(range.offset).kind === 'fresh' && !cache.isReading(0))
  const page = cache.pageAt(range.offset)
  expect(page.kind === 'fresh' && page.bytes).toEqual(
    peer.disk.read({ offset: range.offset, length: PAGE_BYTES }),
  )
  const before = reads(peer)
  cache.show(range)
  expect(reads(peer)).toBe(before)
})

test('what was changed is stale until it has been read again', async () => {
  const { peer, cache, until } = setUp()
  cache.show({ offset: 0, length: 100 })
  await until(() => cache.pageAt(0).kind === 'fresh')
  peer.act('write', { offset: 10, length: 1 })
  expect(cache.pageAt(0).kind).toBe('stale')
  await until(() => cache.pageAt(0).kind === 'fresh')
  const page = cache.pageAt(0)
  expect(page.kind === 'fresh' && page.bytes[10]).toBe(peer.disk.read({ offset: 10, length: 1 })[0])
})

test('a change elsewhere leaves a page alone', async () => {
  const { peer, cache, until } = setUp()
  cache.show({ offset: 0, length: 100 })
  await until(() => cache.pageAt(0).kind === 'fresh')
  peer.act('write', { offset: PAGE_BYTES, length: 1 })
  expect(cache.pageAt(0).kind).toBe('fresh')
})

test('a read that fails is shown with its message, and tried again when asked to', async () => {
  const { peer, cache, until } = setUp()
  peer.failReads = { offset: 0, length: 10 }
  cache.show({ offset: 0, length: 100 })
  await until(() => cache.pageAt(0).kind === 'failed')
  expect(cache.problem).toContain('input/output error')
  peer.failReads = undefined
  const before = reads(peer)
  cache.show({ offset: 0, length: 100 })
  expect(reads(peer)).toBe(before)
  cache.retry()
  await until(() => cache.pageAt(0).kind === 'fresh')
  expect(cache.problem).toBeUndefined()
})

test('pages that scrolled away are called off and their answers dropped', async () => {
  const { cache, until } = setUp()
  cache.show({ offset: 0, length: 100 })
  cache.show({ offset: 100 * PAGE_BYTES, length: 100 })
  expect(cache.isReading(0)).toBe(false)
  await until(() => cache.pageAt(100 * PAGE_BYTES).kind === 'fresh')
  expect(cache.pageAt(0).kind).toBe('absent')
})

test('no more pages are kept than allowed, and never fewer than are in view', async () => {
  const { cache, until } = setUp({ maxPages: 4 })
  for (let page = 0; page < 20; page++) {
    cache.show({ offset: page * PAGE_BYTES, length: 1 })
    await until(() => cache.pageAt(page * PAGE_BYTES).kind === 'fresh')
  }
  cache.show({ offset: 30 * PAGE_BYTES, length: 6 * PAGE_BYTES })
  const shown = [30, 31, 32, 33, 34, 35]
  await until(() => shown.every((page) => cache.pageAt(page * PAGE_BYTES).kind === 'fresh'))
  const kept = Array.from({ length: 64 }, (_, page) => cache.pageAt(page * PAGE_BYTES).kind)
  expect(kept.filter((kind) => kind !== 'absent').length).toBeLessThanOrEqual(6)
})
