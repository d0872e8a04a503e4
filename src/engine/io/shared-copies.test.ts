import { describe, expect, it } from 'vitest'
import type { HoleReply, HoleRequest } from './hole-requests'
import type { HoleWorker } from './hole-worker'
import type { CarryRequest } from './range-carrier'
import { SharedCopies } from './shared-copies'

const copied = (done: number): HoleReply => ({ kind: 'carried', done, zeroes: [] })

/** A worker whose thread answers when the test says so; `here` answers at once. */
class FakeWorker {
  readonly mayWait: boolean
  isStarted = false
  readonly atThread: { offset: number; answer(reply: HoleReply | Error): void }[] = []
  readonly here: number[] = []
  /** Called after each copy that was made here. */
  onHere: () => void = () => undefined

  constructor(mayWait: boolean) {
    this.mayWait = mayWait
  }

  ask(request: HoleRequest): Promise<HoleReply> {
    this.isStarted = true
    return new Promise((resolve, reject) => {
      const answer = (reply: HoleReply | Error) =>
        reply instanceof Error ? reject(reply) : resolve(reply)
      this.atThread.push({ offset: (request as unknown as CarryRequest).offset, answer })
    })
  }

  async askHere(request: HoleRequest): Promise<HoleReply> {
    const { offset, length } = request as unknown as CarryRequest
    this.here.push(offset)
    this.onHere()
    return copied(length)
  }
}

function start(mayWait: boolean, count: number) {
  const worker = new FakeWorker(mayWait)
  const copies = new SharedCopies(worker as unknown as HoleWorker)
  const replies = Array.from({ length: count }, (_, offset) =>
    copies.ask({ fd: 3, target: 4, offset, length: 1, grain: 0, writeOut: false }),
  )
  return { worker, copies, replies }
}

describe('copies that two threads share', () => {
  it('are all made here when they are few, without another thread', async () => {
    const { worker, replies } = start(true, 20)
    expect(await Promise.all(replies)).toEqual(replies.map(() => copied(1)))
    expect(worker.atThread).toEqual([])
    expect(worker.here).toEqual(replies.map((_, i) => i))
  })

  it('are made here while the thread has enough, two, and go there as it gets done', async () => {
    const { worker, replies } = start(true, 40)
    const before = worker.atThread.map(({ offset }) => offset)
    worker.onHere = () => {
      if (worker.here.length === 3) for (const { answer } of worker.atThread) answer(copied(1))
    }
    const rest = replies.filter((_, i) => !worker.atThread.some(({ offset }) => offset === i))
    await Promise.all(rest.slice(0, 3))
    await Promise.all(before.map((at) => replies[at]))
    // While it starts it keeps back none of the first.
    expect(before).toEqual([31, 30])
    // The two that were done have made room for two more.
    expect(worker.atThread.length).toBe(4)
    for (const { answer } of worker.atThread.slice(2)) answer(copied(1))
    worker.onHere = () => {
      for (const { answer } of worker.atThread) answer(copied(1))
    }
    await Promise.all(replies)
    expect(new Set([...worker.here, ...worker.atThread.map(({ offset }) => offset)]).size).toBe(40)
  })

  it('all go to the thread where this one may not wait, two at a time', async () => {
    const { worker, replies } = start(false, 5)
    for (let done = 0; done < 5; done++) {
      expect(worker.atThread.length).toBe(Math.min(done + 2, 5))
      worker.atThread[done]?.answer(copied(1))
      await replies[done]
    }
    expect(worker.here).toEqual([])
  })

  it('hear when the thread ends, each by itself, and those behind go on', async () => {
    const { worker, replies } = start(false, 3)
    worker.atThread[0]?.answer(new Error('it ended'))
    await expect(replies[0]).rejects.toThrow('it ended')
    worker.atThread[1]?.answer(copied(1))
    worker.atThread[2]?.answer(copied(1))
    expect(await Promise.all(replies.slice(1))).toEqual([copied(1), copied(1)])
  })
})
