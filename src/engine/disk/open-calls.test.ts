import { expect, it } from 'vitest'
import { expectCode } from '../testing/expect-disk'
import { isPending } from '../testing/fail-nth'
import { OpenCalls } from './open-calls'

it('closing waits for every call, failing ones too, and refuses later ones', async () => {
  const calls = new OpenCalls('this disk')
  const ends: (() => void)[] = []
  const running = [0, 1].map(() => calls.run(() => new Promise<void>((end) => ends.push(end))))
  const failing = calls.run(() => Promise.reject(new Error('broken')))
  await expect(failing).rejects.toThrow('broken')
  const close = calls.close()
  const again = calls.close()
  expect(calls.isClosed).toBe(true)
  await expectCode(
    calls.run(() => Promise.resolve()),
    'CLOSED',
  )
  ends[0]!()
  expect(await isPending(close)).toBe(true)
  ends[1]!()
  expect([await close, await again]).toEqual([true, false])
  await Promise.all(running)
})

it('closing without calls is done at once, and a second time does nothing', async () => {
  const calls = new OpenCalls('this disk')
  expect([await calls.close(), await calls.close()]).toEqual([true, false])
})
