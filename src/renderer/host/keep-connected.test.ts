import { expect, test } from 'vitest'
import type { Peer } from '../../bridge/peer'
import { ManualClock } from '../../engine/base/clock'
import {
  type ConnectionState,
  HELLO_TIMEOUT_MS,
  HopelessError,
  keepConnected,
  type Line,
  LONGEST_DELAY_MS,
  MAX_ATTEMPTS,
} from './keep-connected'

/** Lets chains of promises run to their end; nothing here waits for real time. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve()
}

/** Answers hello at once, or never. */
function helloPeer(answers = true): Peer {
  const hello = answers ? Promise.resolve({ value: { version: '1' } }) : new Promise(() => {})
  return { request: () => hello, on: () => () => {}, openStream: () => ({ close() {} }) } as never
}

function openLine(peer = helloPeer()) {
  let end = (_why: string) => {}
  const closed = new Promise<string>((resolve) => {
    end = resolve
  })
  return { line: { peer, closed, close: () => end('closed by the page') } satisfies Line, end }
}

function record(dial: () => Promise<Line>) {
  const clock = new ManualClock()
  const states: ConnectionState[] = []
  const hellos: string[] = []
  const connection = keepConnected(dial, clock, {
    onState: (state) => states.push(state),
    onHello: (_peer, hello) => hellos.push(hello.version),
  })
  return { clock, states, hellos, connection }
}

test('a connection says hello before it counts as connected', async () => {
  const { states, hellos } = record(async () => openLine().line)
  await settle()
  expect(states.map((s) => s.kind)).toEqual(['connecting', 'connected'])
  expect(hellos).toHaveLength(1)
})

test('a lost connection is dialled again after a wait, and says hello again', async () => {
  const lines = [openLine(), openLine()]
  let next = 0
  const { clock, states, hellos } = record(async () => lines[next++]!.line)
  await settle()
  lines[0]!.end('the socket closed')
  await settle()
  expect(states.at(-1)).toEqual({
    kind: 'waiting',
    attempt: 1,
    delayMs: 250,
    why: 'the socket closed',
  })
  clock.advance(250)
  await settle()
  expect(states.at(-1)).toEqual({ kind: 'connected' })
  expect(hellos).toHaveLength(2)
})

test('waits double up to a bound, and it gives up at last', async () => {
  const { clock, states } = record(async () => {
    throw new Error('nobody answers')
  })
  for (let i = 0; i < MAX_ATTEMPTS + 5; i++) {
    await settle()
    clock.advance(LONGEST_DELAY_MS)
  }
  const delays = states.flatMap((s) => (s.kind === 'waiting' ? [s.delayMs] : []))
  expect(delays.slice(0, 7)).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000])
  expect(delays).toHaveLength(MAX_ATTEMPTS - 1)
  expect(states.at(-1)).toEqual({ kind: 'lost', why: 'nobody answers' })
})

test('what a person has to set right is not tried again by itself', async () => {
  let dials = 0
  const { clock, states, connection } = record(async () => {
    dials++
    throw new HopelessError('no token')
  })
  await settle()
  clock.advance(LONGEST_DELAY_MS)
  await settle()
  expect(states.at(-1)).toEqual({ kind: 'lost', why: 'no token' })
  expect(dials).toBe(1)
  connection.retry()
  await settle()
  expect(dials).toBe(2)
})

test('a retry by hand starts over, but not beside a running connection', async () => {
  let dials = 0
  const { connection, states } = record(async () => {
    dials++
    if (dials === 1) throw new Error('not yet')
    return openLine().line
  })
  await settle()
  connection.retry()
  await settle()
  expect(states.at(-1)).toEqual({ kind: 'connected' })
  connection.retry()
  await settle()
  expect(dials).toBe(2)
})

test('a host that does not answer hello is hung up on', async () => {
  const opened = openLine(helloPeer(false))
  const { clock, states } = record(async () => opened.line)
  await settle()
  clock.advance(HELLO_TIMEOUT_MS)
  await settle()
  expect(states.at(-1)).toMatchObject({ kind: 'waiting', why: 'the host did not answer in 10 s' })
  await expect(opened.line.closed).resolves.toBe('closed by the page')
})

test('after stop nothing is dialled any more', async () => {
  let dials = 0
  const { clock, connection } = record(async () => {
    dials++
    throw new Error('no')
  })
  await settle()
  connection.stop()
  clock.advance(60_000)
  await settle()
  expect(dials).toBe(1)
})
