import { describe, expect, test } from 'vitest'
import type { WireMessage } from './channel'
import type { DomPort, MainPort } from './port-channel'
import { PortChannel } from './port-channel'

const MAX = 100
const CANCEL: WireMessage = { kind: 'cancel', id: 3 }

type Listener = (event: { readonly data: unknown }) => void

/** One end of a port that keeps what is posted, and lets a test play the other end. */
class FakePort {
  readonly posted: unknown[] = []
  readonly calls: string[] = []
  readonly #listeners = new Map<string, Listener>()

  postMessage(...args: unknown[]): void {
    // A second argument would be a transfer list, which loses the message in Electron.
    expect(args).toHaveLength(1)
    this.posted.push(args[0])
  }

  start(): void {
    this.calls.push('start')
  }

  close(): void {
    this.calls.push('close')
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, listener)
  }

  on(type: string, listener: Listener): void {
    this.#listeners.set(type, listener)
  }

  emit(type: string, data?: unknown): void {
    this.#listeners.get(type)?.({ data })
  }
}

const KINDS = {
  'a DOM port': (port: FakePort) => PortChannel.overDomPort(port as DomPort, MAX),
  "a port of Electron's main process": (port: FakePort) =>
    PortChannel.overMainPort(port as MainPort, MAX),
}

describe.each(Object.entries(KINDS))('over %s', (_, make) => {
  function open() {
    const port = new FakePort()
    const channel = make(port)
    const got: unknown[] = []
    const closed: (Error | undefined)[] = []
    channel.onMessage = (message, bytes) => got.push([message, bytes])
    channel.onClose = (reason) => closed.push(reason)
    return { port, channel, got, closed }
  }

  test('the port is started once its listeners are there', () => {
    expect(open().port.calls).toEqual(['start'])
  })

  test.each([
    ['a view of an array', new Uint8Array([9, 1, 2, 9]).subarray(1, 3)],
    ['a pooled Buffer', Buffer.from([1, 2])],
  ])('%s is posted as an array of its own size', (_name, bytes) => {
    const { port, channel } = open()
    expect(bytes.buffer.byteLength).toBeGreaterThan(2)
    channel.post(CANCEL, bytes)
    const { message, bytes: posted } = port.posted[0] as { message: unknown; bytes: Uint8Array }
    expect(message).toEqual(CANCEL)
    expect([...posted]).toEqual([1, 2])
    expect(posted.buffer.byteLength).toBe(2)
  })

  test('an array of its own size is posted without another copy', () => {
    const { port, channel } = open()
    const bytes = new Uint8Array(5)
    channel.post(CANCEL, bytes)
    expect((port.posted[0] as { bytes: Uint8Array }).bytes).toBe(bytes)
  })

  test('what the port refuses to clone is thrown to the sender, and the channel lives on', () => {
    const { port, channel, closed } = open()
    port.postMessage = (value) => structuredClone(value)
    const params = () => {}
    expect(() => channel.post({ kind: 'request', id: 1, name: 'x', params })).toThrow(
      'could not be cloned',
    )
    channel.post(CANCEL)
    expect(closed).toEqual([])
  })

  test.each([
    ['text', 'hello'],
    ['null', null],
    ['no message', {}],
    ['a message of no kind', { message: { id: 1 } }],
    ['bytes that are an ArrayBuffer', { message: CANCEL, bytes: new ArrayBuffer(4) }],
    ['bytes that are a list', { message: CANCEL, bytes: [1, 2] }],
    ['too many bytes', { message: CANCEL, bytes: new Uint8Array(MAX + 1) }],
  ])('%s closes the channel with PROTOCOL', (_name, data) => {
    const { port, got, closed } = open()
    port.emit('message', data)
    port.emit('message', { message: CANCEL })
    expect(got).toEqual([])
    expect(closed).toEqual([expect.objectContaining({ code: 'PROTOCOL' })])
    expect(port.calls).toEqual(['start', 'close'])
  })

  test('as many bytes as are allowed arrive', () => {
    const { port, got } = open()
    const bytes = new Uint8Array(MAX)
    port.emit('message', { message: CANCEL, bytes })
    expect(got).toEqual([[CANCEL, bytes]])
  })

  test('close says goodbye, closes the port and is silent after that', () => {
    const { port, channel, got, closed } = open()
    channel.close()
    channel.close()
    channel.post(CANCEL)
    port.emit('message', { message: CANCEL })
    port.emit('close')
    expect(port.posted).toEqual([{ bye: true }])
    expect(port.calls).toEqual(['start', 'close'])
    expect(closed).toEqual([undefined])
    expect(got).toEqual([])
  })

  test.each(['a goodbye', 'the end of the port'])('%s closes it without an answer', (what) => {
    const { port, closed } = open()
    if (what === 'a goodbye') port.emit('message', { bye: true })
    else port.emit('close')
    expect(closed).toEqual([undefined])
    expect(port.posted).toEqual([])
    expect(port.calls).toEqual(['start', 'close'])
  })

  test('what arrives, and an end that comes, before anybody listens are kept', async () => {
    const port = new FakePort()
    const channel = make(port)
    port.emit('message', { message: CANCEL })
    const got: unknown[] = []
    channel.onMessage = (message) => got.push(message)
    expect(got).toEqual([CANCEL])
    port.emit('close')
    const reason = await new Promise<Error | undefined>((resolve) => {
      channel.onClose = resolve
    })
    expect(reason).toBeUndefined()
  })
})

test('a message that a DOM port cannot read closes the channel with PROTOCOL', () => {
  const port = new FakePort()
  const closed: unknown[] = []
  PortChannel.overDomPort(port as DomPort, MAX).onClose = (reason) => closed.push(reason)
  port.emit('messageerror')
  expect(closed).toEqual([expect.objectContaining({ code: 'PROTOCOL' })])
})
