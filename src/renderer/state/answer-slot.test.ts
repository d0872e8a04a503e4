import { expect, test } from 'vitest'
import { AnswerSlot, type SlotAnswer } from './answer-slot'

/** Lets chains of promises run to their end. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

function setUp() {
  const answers: SlotAnswer<string>[] = []
  const loads: {
    name: string
    signal: AbortSignal
    answer(): Promise<void>
    fail(): Promise<void>
  }[] = []
  const slot = new AnswerSlot<string>((answer) => answers.push(answer))
  const ask = (subject: string, stamp: number) =>
    slot.ask({
      subject,
      stamp,
      load: (signal) =>
        new Promise((resolve, reject) => {
          const name = `${subject}@${stamp}`
          const answer = () => {
            resolve(name)
            return settle()
          }
          const fail = () => {
            reject(new Error(name))
            return settle()
          }
          loads.push({ name, signal, answer, fail })
        }),
    })
  return { answers, loads, slot, ask }
}

test('another subject cancels the question under way, and its answer is not heard', async () => {
  const { answers, loads, ask } = setUp()
  ask('a', 1)
  ask('b', 1)
  expect(loads[0]?.signal.aborted).toBe(true)
  await loads[0]?.answer()
  await loads[1]?.answer()
  expect(answers).toEqual([{ subject: 'b', stamp: 1, value: 'b@1' }])
})

test('the same subject is asked once more after the answer, at the newest stamp', async () => {
  const { answers, loads, ask } = setUp()
  for (let stamp = 1; stamp <= 5; stamp++) ask('a', stamp)
  expect(loads.map((load) => load.name)).toEqual(['a@1'])
  await loads[0]?.answer()
  expect(loads.map((load) => load.name)).toEqual(['a@1', 'a@5'])
  await loads[1]?.answer()
  expect(answers.map((answer) => answer.value)).toEqual(['a@1', 'a@5'])
})

test('a failure is an answer too, and the next question follows it', async () => {
  const { answers, loads, ask } = setUp()
  ask('a', 1)
  ask('a', 2)
  await loads[0]?.fail()
  await loads[1]?.answer()
  expect(answers.map((answer) => answer.error === undefined)).toEqual([false, true])
})

test('a closed slot is silent', async () => {
  const { answers, loads, slot, ask } = setUp()
  ask('a', 1)
  slot.close()
  await loads[0]?.answer()
  expect(answers).toEqual([])
})
