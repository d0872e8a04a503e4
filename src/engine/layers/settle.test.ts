import { describe, expect, it } from 'vitest'
import { failureOf, isPending } from '../testing/fail-nth'
import { eachInFlight, settleAll } from './settle'

function makeGates(count: number) {
  const resolve: (() => void)[] = []
  const reject: ((reason: unknown) => void)[] = []
  const calls = Array.from({ length: count }, () => {
    return new Promise<void>((yes, no) => {
      resolve.push(yes)
      reject.push(no)
    })
  })
  return { calls, resolve, reject }
}

it('all calls have settled before the first failure is told', async () => {
  const { calls, resolve, reject } = makeGates(3)
  const all = failureOf(settleAll(calls))
  reject[2]!('third')
  reject[1]!('second')
  expect(await isPending(all)).toBe(true)
  resolve[0]!()
  expect(await all).toBe('second')
})

describe('items in flight', () => {
  it('are so many at a time, in order', async () => {
    const { calls, resolve } = makeGates(5)
    const begun: number[] = []
    const all = eachInFlight([0, 1, 2, 3, 4], 2, (i) => {
      begun.push(i)
      return calls[i]!
    })
    expect(begun).toEqual([0, 1])
    resolve[1]!()
    expect(await isPending(all)).toBe(true)
    expect(begun).toEqual([0, 1, 2])
    for (const end of resolve) end()
    await all
    expect(begun).toEqual([0, 1, 2, 3, 4])
  })

  it('are not followed by others after a failure, and have settled when it is told', async () => {
    const { calls, resolve, reject } = makeGates(4)
    const begun: number[] = []
    const all = failureOf(
      eachInFlight([0, 1, 2, 3], 2, (i) => {
        begun.push(i)
        return calls[i]!
      }),
    )
    reject[0]!('broken')
    expect(await isPending(all)).toBe(true)
    resolve[1]!()
    expect(await all).toBe('broken')
    expect(begun).toEqual([0, 1])
  })

  it('of a list that fails to go on fail with it', async () => {
    function* items() {
      yield 1
      throw new Error('no more')
    }
    await expect(eachInFlight(items(), 3, async () => undefined)).rejects.toThrow('no more')
  })
})
