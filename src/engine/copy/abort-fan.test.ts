import { describe, expect, it } from 'vitest'
import { AbortFan } from './abort-fan'

/** A call that ends when it is told to. */
function openCall(fan: AbortFan) {
  let end: () => void = () => undefined
  let given: AbortSignal | undefined
  const done = fan.run((signal) => {
    given = signal
    return new Promise<void>((resolve) => {
      end = resolve
    })
  })
  const finish = () => {
    end()
    return done
  }
  return { signal: given, end: finish }
}

describe('one cancel for many calls', () => {
  it('gives a signal to no more than eight calls at a time, and uses it again', async () => {
    const fan = new AbortFan(new AbortController().signal)
    const calls = Array.from({ length: 20 }, () => openCall(fan))
    const counts = new Map<AbortSignal | undefined, number>()
    for (const { signal } of calls) counts.set(signal, (counts.get(signal) ?? 0) + 1)
    expect([...counts.values()]).toEqual([8, 8, 4])
    await calls[3]?.end()
    expect(openCall(fan).signal).toBe(calls[3]?.signal)
  })

  it('reaches all of them, with its reason', () => {
    const source = new AbortController()
    const fan = new AbortFan(source.signal)
    const calls = Array.from({ length: 9 }, () => openCall(fan))
    source.abort('enough')
    expect(calls.map(({ signal }) => [signal?.aborted, signal?.reason])).toEqual(
      calls.map(() => [true, 'enough']),
    )
    expect(openCall(fan).signal).toBe(source.signal)
  })

  it('reaches none after it was closed', () => {
    const source = new AbortController()
    const fan = new AbortFan(source.signal)
    const { signal } = openCall(fan)
    fan.close()
    source.abort()
    expect(signal?.aborted).toBe(false)
  })
})
