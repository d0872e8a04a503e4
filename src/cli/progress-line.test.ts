import { expect, test } from 'vitest'
import { ProgressLine } from './progress-line'

const MIB = 1024 * 1024

function record(isTTY: boolean) {
  const written: string[] = []
  let now = 0
  const line = new ProgressLine({ isTTY, write: (text) => written.push(text) }, () => now)
  return { written, line, pass: (ms: number) => (now += ms) }
}

test('a file of progress gets a line a second, and the end once', () => {
  const { written, line, pass } = record(false)
  for (const done of [0, 1, 2, 3]) {
    line.show({ done: done * MIB, total: 4 * MIB, bytesPerSecond: 0 })
    pass(600)
  }
  line.show({ done: 4 * MIB, total: 4 * MIB, bytesPerSecond: 0 })
  line.show({ done: 4 * MIB, total: 4 * MIB, bytesPerSecond: 0 })
  line.end()
  expect(written).toEqual([
    '0 B of 4 MiB, 0.0 %\n',
    '2 MiB of 4 MiB, 50.0 %\n',
    '4 MiB of 4 MiB, 100.0 %\n',
  ])
})

test('a terminal has one line, and nothing of a longer one stays behind', () => {
  const { written, line } = record(true)
  line.show({ done: MIB, total: 4 * MIB, bytesPerSecond: MIB, msLeft: 3000 })
  line.show({ done: 4 * MIB, total: 4 * MIB, bytesPerSecond: 0 })
  line.end()
  const first = '1 MiB of 4 MiB, 25.0 %, 1 MiB/s, 0:03 left'
  expect(written).toEqual([
    `\r${first}`,
    `\r${'4 MiB of 4 MiB, 100.0 %'.padEnd(first.length)}`,
    '\n',
  ])
})

test('what is being done stands in front', () => {
  const { written, line } = record(false)
  line.show({ phase: 'verifying', done: MIB, total: MIB, bytesPerSecond: MIB })
  expect(written).toEqual(['verifying: 1 MiB of 1 MiB, 100.0 %, 1 MiB/s\n'])
})
