import { expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { expectCode } from '../testing/expect-disk'
import { isPending } from '../testing/fail-nth'
import { BlockLocks } from './block-locks'

it('a claim waits for an earlier one that it meets, and for no other', async () => {
  const locks = new BlockLocks()
  const unlock = await locks.acquire(10, 20)
  const meets = locks.acquire(19, 30)
  const unlockBefore = await locks.acquire(0, 10)
  const unlockAfter = await locks.acquire(30, 31)
  expect(await isPending(meets)).toBe(true)
  unlock()
  const last = await meets
  for (const letGo of [unlockBefore, unlockAfter, last]) letGo()
  expect(locks.isIdle).toBe(true)
})

it('claims that wait are served in order, and not overtaken', async () => {
  const locks = new BlockLocks()
  const unlock = await locks.acquire(0, 1)
  const wide = locks.acquire(0, 10)
  const behind = locks.acquire(5, 6)
  expect(await isPending(behind)).toBe(true)
  unlock()
  const unlockWide = await wide
  expect(await isPending(behind)).toBe(true)
  unlockWide()
  const last = await behind
  last()
  expect(locks.isIdle).toBe(true)
})

it('letting go twice lets go once', async () => {
  const locks = new BlockLocks()
  const unlock = await locks.acquire(0, 1)
  const second = await Promise.all([locks.acquire(0, 1), unlock(), unlock()])
  const third = locks.acquire(0, 1)
  unlock()
  expect(await isPending(third)).toBe(true)
  second[0]()
  const last = await third
  last()
  expect(locks.isIdle).toBe(true)
})

it('a cancelled wait leaves nothing behind', async () => {
  const locks = new BlockLocks()
  const unlock = await locks.acquire(0, 10)
  const controller = new AbortController()
  const cancelled = locks.acquire(0, 5, controller.signal)
  const behind = locks.acquire(3, 4)
  controller.abort()
  await expectCode(cancelled, 'ABORTED')
  await expectCode(locks.acquire(50, 51, controller.signal), 'ABORTED')
  unlock()
  const last = await behind
  last()
  expect(locks.isIdle).toBe(true)
})

it('a wait that is cancelled after its turn keeps the lock', async () => {
  const locks = new BlockLocks()
  const controller = new AbortController()
  const unlock = await locks.acquire(0, 10, controller.signal)
  controller.abort()
  expect(await isPending(locks.acquire(0, 1))).toBe(true)
  unlock()
})

for (let seed = 1; seed <= 5; seed++) {
  it(`no block is ever held twice, and every claim gets its turn (seed ${seed})`, async () => {
    const prng = new Prng(seed)
    const locks = new BlockLocks()
    const holders = new Array<number>(30).fill(0)
    const claims = Array.from({ length: 300 }, async () => {
      const first = prng.below(30)
      const end = first + 1 + prng.below(30 - first)
      const wait = prng.below(5)
      const controller = new AbortController()
      const cancel = prng.bool(0.2)
      const claim = locks.acquire(first, end, controller.signal)
      if (cancel) controller.abort()
      const unlock = await claim.catch(() => undefined)
      if (unlock === undefined) return
      for (let block = first; block < end; block++) expect(++holders[block]!).toBe(1)
      for (let i = 0; i < wait; i++) await new Promise((resolve) => setImmediate(resolve))
      for (let block = first; block < end; block++) holders[block]!--
      unlock()
    })
    await Promise.all(claims)
    expect(locks.isIdle).toBe(true)
  })
}
