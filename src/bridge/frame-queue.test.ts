import { expect, test } from 'vitest'
import { FrameQueue } from './frame-queue'

/** A queue whose user finishes each frame by hand, with what it was told. */
function makeQueue() {
  const log: string[] = []
  const finish: (() => void)[] = []
  const queue = new FrameQueue({
    onFrame: (value) => {
      log.push(`frame ${value}`)
      return new Promise((resolve) => finish.push(resolve))
    },
    onDone: () => log.push('done'),
    onEnd: (error) => log.push(`end ${error?.message}`),
  })
  const push = (value: number) => queue.push(value, new Uint8Array(0))
  const finished = async (index: number) => {
    finish[index]?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { queue, log, push, finished }
}

test('frames are handed over one after another', async () => {
  const { log, push, finished } = makeQueue()
  push(1)
  push(2)
  expect(log).toEqual(['frame 1'])
  await finished(0)
  expect(log).toEqual(['frame 1', 'done', 'frame 2'])
})

test('closing while a frame is dealt with asks for no more and hands over no more', async () => {
  const { queue, log, push, finished } = makeQueue()
  push(1)
  push(2)
  queue.close()
  await finished(0)
  push(3)
  queue.end(undefined)
  expect(log).toEqual(['frame 1'])
})

test('an end with an error does not wait for the frames before it', async () => {
  const { queue, log, push, finished } = makeQueue()
  push(1)
  push(2)
  queue.end(new Error('gone'))
  await finished(0)
  expect(log).toEqual(['frame 1', 'end gone'])
})

test('an orderly end waits for them, and asks for no more', async () => {
  const { queue, log, push, finished } = makeQueue()
  push(1)
  push(2)
  queue.end(undefined)
  queue.end(new Error('twice'))
  await finished(0)
  await finished(1)
  expect(log).toEqual(['frame 1', 'frame 2', 'end undefined'])
})
