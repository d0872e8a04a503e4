import { describe, expect, test } from 'vitest'
import type { Peer } from '../../bridge/peer'
import { PlatterError } from '../../engine/base/errors'
import { Prng } from '../../engine/base/prng'
import { FakePeer } from '../testing/fake-peer'
import type { StagedEdit } from './stage-queue'
import { StageQueue } from './stage-queue'

const PAGE = 4096

interface Held {
  readonly offset: number
  readonly bytes: Uint8Array
  answer(epoch: number): void
  refuse(): void
}

/** A host that answers when told to. */
function setUp() {
  const held: Held[] = []
  const edits: StagedEdit[] = []
  const problems: string[] = []
  const peer = {
    request: (_name: string, params: { offset: number }, { bytes }: { bytes: Uint8Array }) =>
      new Promise((resolve, reject) => {
        held.push({
          offset: params.offset,
          bytes,
          answer: (epoch) => resolve({ value: { epoch } }),
          refuse: () => reject(new PlatterError('NO_SPACE', 'stage: no space')),
        })
      }),
  } as unknown as Peer
  const queue = new StageQueue({
    peer,
    session: 's',
    onChange: () => undefined,
    onProblem: (message) => problems.push(message),
    onEdit: (edit) => edits.push(edit),
  })
  const shown = (offset: number, base: readonly number[]) => {
    const target = Uint8Array.from(base)
    queue.overlay(offset, target, new Uint8Array(base.length))
    return [...target]
  }
  const type = (offset: number, before: number, after: number) =>
    queue.put({ offset, before: Uint8Array.of(before), after: Uint8Array.of(after) })
  return { queue, held, edits, problems, shown, type }
}

const settle = async () => {
  for (let i = 0; i < 8; i++) await undefined
}

test('the first byte goes at once, what is typed meanwhile goes together', async () => {
  const { held, type, queue } = setUp()
  type(10, 0, 1)
  type(11, 0, 2)
  type(12, 0, 3)
  expect(held.map(({ offset, bytes }) => [offset, ...bytes])).toEqual([[10, 1]])
  held[0]?.answer(2)
  await settle()
  expect(held.map(({ offset, bytes }) => [offset, ...bytes])).toEqual([
    [10, 1],
    [11, 2, 3],
  ])
  held[1]?.answer(3)
  await settle()
  expect(queue.isBusy).toBe(false)
})

test('bytes typed apart go one after another in the order they were typed', async () => {
  const { held, type } = setUp()
  type(0, 0, 1)
  type(100, 0, 2)
  type(50, 0, 3)
  for (let i = 0; i < 3; i++) {
    held[i]?.answer(i + 2)
    await settle()
  }
  expect(held.map(({ offset }) => offset)).toEqual([0, 100, 50])
})

test('typed bytes show at once, until the page holds them', async () => {
  const { queue, held, shown, type } = setUp()
  type(1, 0, 7)
  expect(shown(0, [0, 0, 0])).toEqual([0, 7, 0])
  held[0]?.answer(5)
  await settle()
  queue.settle(() => 4, PAGE)
  expect(shown(0, [0, 0, 0])).toEqual([0, 7, 0])
  queue.settle(() => undefined, PAGE)
  expect(shown(0, [0, 0, 0])).toEqual([0, 7, 0])
  queue.settle(() => 5, PAGE)
  expect(shown(0, [0, 0, 0])).toEqual([0, 0, 0])
})

test('refused bytes are taken back and the reason is told', async () => {
  const { held, edits, problems, shown, type } = setUp()
  type(1, 9, 7)
  type(2, 9, 8)
  held[0]?.refuse()
  await settle()
  expect(problems).toEqual(['stage: no space'])
  expect(shown(0, [9, 9, 9])).toEqual([9, 9, 8])
  held[1]?.answer(2)
  await settle()
  expect(edits.map(({ offset, before, after }) => [offset, [...before], [...after]])).toEqual([
    [2, [9], [8]],
  ])
})

test('what an edit replaced is what was there, not a byte that was refused', async () => {
  const { held, edits, type } = setUp()
  type(1, 9, 7)
  type(1, 7, 6)
  held[0]?.refuse()
  await settle()
  held[1]?.answer(2)
  await settle()
  expect(edits.map(({ before, after }) => [...before, ...after])).toEqual([[9, 6]])
})

describe('undo of all edits gives back the bytes of the start', () => {
  test.each(Array.from({ length: 40 }, (_, i) => i + 1))('seed %d', async (seed) => {
    const prng = new Prng(seed)
    const { queue, held, edits, shown } = setUp()
    const start = [...prng.fill(new Uint8Array(24))]
    const disk = [...start]
    let answered = 0
    const answerOne = async () => {
      const next = held[answered]
      if (next === undefined) return
      answered++
      if (prng.bool(0.25)) next.refuse()
      else {
        next.bytes.forEach((byte, i) => {
          disk[next.offset + i] = byte
        })
        next.answer(answered + 1)
      }
      await settle()
      queue.settle(() => answered + 1, PAGE)
    }
    for (let i = 0; i < 120; i++) {
      if (prng.bool(0.4)) await answerOne()
      const offset = prng.below(24)
      const length = 1 + prng.below(Math.min(4, 24 - offset))
      const before = Uint8Array.from(shown(0, disk)).slice(offset, offset + length)
      queue.put({ offset, before, after: prng.fill(new Uint8Array(length)) })
    }
    while (answered < held.length) await answerOne()
    expect(queue.isBusy).toBe(false)
    expect(shown(0, disk)).toEqual(disk)
    for (const { offset, before, after } of edits.toReversed()) {
      expect(disk.slice(offset, offset + after.length)).toEqual([...after])
      disk.splice(offset, before.length, ...before)
    }
    expect(disk).toEqual(start)
  })
})

test('against a made-up host the staged bytes are those that were typed', async () => {
  const peer = new FakePeer({ size: 1024 * 1024 })
  const done: StagedEdit[] = []
  const queue = new StageQueue({
    peer,
    session: peer.session,
    onChange: () => undefined,
    onProblem: () => undefined,
    onEdit: (edit) => done.push(edit),
  })
  const range = { offset: 4096, length: 5 }
  const typed = [1, 2, 3, 4, 5]
  typed.forEach((byte, i) => {
    const at = 4096 + i
    const before = peer.disk.read({ offset: at, length: 1 })
    queue.put({ offset: at, before, after: Uint8Array.of(byte) })
  })
  await expect.poll(() => queue.isBusy).toBe(false)
  expect([...peer.disk.read(range)]).toEqual(typed)
  expect(peer.requests.filter(({ name }) => name === 'stage.write')).toHaveLength(2)
  expect(done.map(({ after }) => [...after])).toEqual([[1], [2, 3, 4, 5]])
})
