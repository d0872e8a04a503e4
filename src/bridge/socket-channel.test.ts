import { expect, test } from 'vitest'
import type { WireMessage } from './channel'
import { MAX_UNSENT_BYTES, SocketChannel } from './socket-channel'
import { CLOSE_CODES } from './web-handshake'
import { encodeWire } from './wire-codec'

const MAX = 100
const CANCEL: WireMessage = { kind: 'cancel', id: 3 }

/** A WebSocket whose other side is the test. */
class FakeSocket {
  binaryType = 'blob'
  bufferedAmount = 0
  readonly sent: unknown[] = []
  readonly closes: (number | undefined)[] = []
  readonly #listeners = new Map<string, (event: never) => void>()

  send(data: unknown): void {
    this.sent.push(data)
  }

  close(code?: number): void {
    this.closes.push(code)
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.set(type, listener)
  }

  emit(type: string, event: object = {}): void {
    this.#listeners.get(type)?.(event as never)
  }
}

function open() {
  const socket = new FakeSocket()
  const channel = new SocketChannel(socket, MAX)
  const got: unknown[] = []
  const closed: (Error | undefined)[] = []
  channel.onMessage = (message, bytes) => got.push([message, bytes])
  channel.onClose = (reason) => closed.push(reason)
  return { socket, channel, got, closed }
}

test('text and binary messages arrive, the latter as bytes', () => {
  const { socket, got } = open()
  expect(socket.binaryType).toBe('arraybuffer')
  socket.emit('message', { data: encodeWire(CANCEL, undefined) })
  const binary = encodeWire(CANCEL, new Uint8Array([5, 6])) as Uint8Array<ArrayBuffer>
  socket.emit('message', { data: binary.buffer })
  expect(got).toEqual([
    [CANCEL, undefined],
    [CANCEL, new Uint8Array([5, 6])],
  ])
})

test.each([
  ['text that is not JSON', '{'],
  ['a Blob', {}],
  ['too many bytes', encodeWire(CANCEL, new Uint8Array(MAX + 1))],
])('%s closes it with the code of a broken protocol', (_, data) => {
  const { socket, got, closed } = open()
  socket.emit('message', { data: data instanceof Uint8Array ? data.buffer : data })
  socket.emit('message', { data: encodeWire(CANCEL, undefined) })
  expect(got).toEqual([])
  expect(socket.closes).toEqual([CLOSE_CODES.PROTOCOL])
  expect(closed).toEqual([expect.objectContaining({ code: 'PROTOCOL' })])
})

test('a side that does not read is cut off before the unsent bytes fill the memory', () => {
  const { socket, channel, closed } = open()
  socket.bufferedAmount = MAX_UNSENT_BYTES
  channel.post(CANCEL)
  expect(closed).toEqual([])
  socket.bufferedAmount++
  channel.post(CANCEL)
  channel.post(CANCEL)
  expect(socket.sent).toHaveLength(2)
  expect(socket.closes).toEqual([CLOSE_CODES.TOO_SLOW])
  expect(closed).toEqual([expect.objectContaining({ code: 'LIMIT' })])
})

test.each([
  ['1000, an orderly end', 1000, undefined],
  ['1001, the other side goes away', 1001, undefined],
  ['1005, no code', 1005, undefined],
  ['1006, a broken line', 1006, 'DISCONNECTED'],
  ['1009, a message too large', 1009, 'DISCONNECTED'],
])('an end with %s is told once', (_, code, expected) => {
  const { socket, channel, closed } = open()
  socket.emit('error')
  socket.emit('close', { code, reason: '' })
  channel.close()
  expect(closed).toEqual([expected && expect.objectContaining({ code: expected })])
})

test('close is an orderly end, told at once, and silent after that', () => {
  const { socket, channel, got, closed } = open()
  channel.close()
  expect(closed).toEqual([undefined])
  socket.emit('message', { data: encodeWire(CANCEL, undefined) })
  channel.post(CANCEL)
  socket.emit('close', { code: 1006, reason: '' })
  expect(socket.closes).toEqual([1000])
  expect([got, socket.sent, closed]).toEqual([[], [], [undefined]])
})
