import { expect, test } from 'vitest'
import { LatestSlot } from './latest-slot'

/** Work that ends when it is told to. */
function makeWork() {
  let signal: AbortSignal | undefined
  let resolve: (value: string) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const ended = new Promise<string>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return {
    run: (given: AbortSignal) => {
      signal = given
      return ended
    },
    get signal() {
      return signal
    },
    resolve,
    reject,
  }
}

test('a run alone gives its result', async () => {
  const slot = new LatestSlot()
  const running = slot.run(async () => 'a')
  expect(slot.busy).toBe(true)
  expect(await running).toBe('a')
  expect(slot.busy).toBe(false)
})

test('a newer run aborts the older, whose result is dropped even when it comes last', async () => {
  const slot = new LatestSlot()
  const [older, newer] = [makeWork(), makeWork()]
  const first = slot.run(older.run)
  expect(older.signal?.aborted).toBe(false)
  const second = slot.run(newer.run)
  expect(older.signal?.reason).toMatchObject({ code: 'ABORTED' })
  newer.resolve('new')
  expect(await second).toBe('new')
  older.resolve('old')
  expect(await first).toBeUndefined()
})

test('the older ending does not free the slot of the newer', async () => {
  const slot = new LatestSlot()
  const [older, newer] = [makeWork(), makeWork()]
  const first = slot.run(older.run)
  const second = slot.run(newer.run)
  older.resolve('old')
  await first
  expect(slot.busy).toBe(true)
  expect(newer.signal?.aborted).toBe(false)
  newer.resolve('new')
  expect(await second).toBe('new')
})

test('an error of the newest rejects, one of an older run is dropped', async () => {
  const slot = new LatestSlot()
  const [older, newer] = [makeWork(), makeWork()]
  const first = slot.run(older.run)
  const second = slot.run(newer.run)
  older.reject(new Error('old'))
  newer.reject(new Error('new'))
  expect(await first).toBeUndefined()
  await expect(second).rejects.toThrow('new')
  expect(slot.busy).toBe(false)
})

test('cancel aborts what runs and drops it', async () => {
  const slot = new LatestSlot()
  const work = makeWork()
  const running = slot.run(work.run)
  slot.cancel()
  expect(work.signal?.aborted).toBe(true)
  expect(slot.busy).toBe(false)
  work.resolve('late')
  expect(await running).toBeUndefined()
  slot.cancel()
})
