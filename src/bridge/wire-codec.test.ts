import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { WireMessage } from './channel'
import { decodeWire, encodeWire, maxWireLength } from './wire-codec'
import { MAX_CREDIT, MAX_JSON_LENGTH } from './wire-message'

const LIMIT = 1000
const REPLY: WireMessage = { kind: 'reply', id: 1, value: 'disk' }

/** A binary message as the format says, built without the encoder. */
const binary = (jsonLength: number, json: string, bytes: readonly number[] = []) =>
  new Uint8Array([
    jsonLength >>> 24,
    (jsonLength >>> 16) & 255,
    (jsonLength >>> 8) & 255,
    jsonLength & 255,
    ...Buffer.from(json),
    ...bytes,
  ])
const json = (value: unknown) => JSON.stringify(value)

describe('a message', () => {
  test('without bytes is its JSON as text', () => {
    expect(encodeWire(REPLY, undefined)).toBe('{"kind":"reply","id":1,"value":"disk"}')
  })

  test('with bytes is a length, its JSON and the bytes', () => {
    const text = json(REPLY)
    expect(encodeWire(REPLY, new Uint8Array([7, 0, 9]))).toEqual(
      binary(text.length, text, [7, 0, 9]),
    )
  })

  test('with an empty array still has one', () => {
    const decoded = decodeWire(encodeWire(REPLY, new Uint8Array(0)), 0)
    expect(decoded.bytes).toHaveLength(0)
    expect(decodeWire(encodeWire(REPLY, undefined), 0).bytes).toBeUndefined()
  })

  test('comes back as it went (seed 14)', () => {
    const message = fc.oneof(
      fc.record({
        kind: fc.constant('request'),
        id: fc.integer({ min: 1 }),
        name: fc.string({ maxLength: 64 }),
        params: fc.jsonValue(),
      }),
      fc.record({
        kind: fc.constant('credit'),
        id: fc.integer({ min: 1 }),
        frames: fc.integer({ min: 1, max: MAX_CREDIT }),
      }),
      fc.record({
        kind: fc.constant('error'),
        id: fc.integer({ min: 1 }),
        error: fc.record({ message: fc.string({ unit: 'binary' }) }),
      }),
    )
    const bytes = fc.option(fc.uint8Array({ maxLength: LIMIT }), { nil: undefined })
    fc.assert(
      fc.property(message, bytes, (sent, attached) => {
        const decoded = decodeWire(encodeWire(sent as WireMessage, attached), LIMIT)
        expect(decoded.message).toEqual(JSON.parse(json(sent)))
        expect(decoded.bytes).toEqual(attached)
      }),
      { seed: 14 },
    )
  })

  test('at the limit of its JSON goes, one byte above is refused before it is sent', () => {
    const room = MAX_JSON_LENGTH - json({ ...REPLY, value: '' }).length
    const fits = { ...REPLY, value: 'x'.repeat(room) }
    expect(decodeWire(encodeWire(fits, undefined), 0).message).toEqual(fits)
    expect(encodeWire(fits, new Uint8Array(LIMIT))).toHaveLength(maxWireLength(LIMIT))
    const above = { ...REPLY, value: 'x'.repeat(room + 1) }
    for (const bytes of [undefined, new Uint8Array(1)]) {
      expect(() => encodeWire(above, bytes)).toThrow(
        `bridge: reply is ${MAX_JSON_LENGTH + 1} bytes, more than the ${MAX_JSON_LENGTH}`,
      )
    }
  })

  test('is measured in bytes of UTF-8, not in characters', () => {
    const value = '\u20ac'.repeat(MAX_JSON_LENGTH / 3)
    expect(value.length).toBeLessThan(MAX_JSON_LENGTH)
    expect(() => encodeWire({ ...REPLY, value }, undefined)).toThrow('more than the')
  })
})

describe('refused with PROTOCOL', () => {
  const id = { id: 1 }
  const refused: readonly (readonly [string, string | Uint8Array])[] = [
    ['no bytes at all', new Uint8Array(0)],
    ['less than a length', new Uint8Array(3)],
    ['a length beyond the message', binary(100, json(REPLY))],
    ['a length of 4 GiB', binary(0xffffffff, json(REPLY))],
    ['a JSON length above its limit', binary(MAX_JSON_LENGTH + 1, ' '.repeat(MAX_JSON_LENGTH + 1))],
    ['text above its limit', json({ ...REPLY, value: 'x'.repeat(MAX_JSON_LENGTH) })],
    [
      'one attached byte too many',
      binary(json(REPLY).length, json(REPLY), Array(LIMIT + 1).fill(0)),
    ],
    ['bytes that are not UTF-8', new Uint8Array([0, 0, 0, 2, 0xc3, 0x28])],
    ['text that is not JSON', '{"kind":"reply"'],
    ['an empty text', ''],
    ['null', 'null'],
    ['a list', '[1]'],
    ['a text', '"reply"'],
    ['no kind', json(id)],
    ['a kind that is not known', json({ ...id, kind: 'shout' })],
    ['a kind of every object', json({ ...id, kind: 'toString' })],
    ['a kind that is no text', json({ ...id, kind: 1 })],
    ['a request without a name', json({ ...id, kind: 'request' })],
    ['a request with a name too long', json({ ...id, kind: 'request', name: 'x'.repeat(65) })],
    ['a reply without an id', json({ kind: 'reply' })],
    ['an id of 0', json({ kind: 'cancel', id: 0 })],
    ['a negative id', json({ kind: 'cancel', id: -1 })],
    ['an id with a fraction', json({ kind: 'cancel', id: 1.5 })],
    ['an id beyond 2^53', json({ kind: 'cancel', id: 2 ** 53 })],
    ['an id that is text', json({ kind: 'frame', id: '1' })],
    ['an event without a name', json({ kind: 'event' })],
    ['a stream without a name', json({ ...id, kind: 'open' })],
    ['credit for nothing', json({ ...id, kind: 'credit' })],
    ['credit for 0 frames', json({ ...id, kind: 'credit', frames: 0 })],
    ['credit above its limit', json({ ...id, kind: 'credit', frames: MAX_CREDIT + 1 })],
    ['an error without an error', json({ ...id, kind: 'error' })],
    ['an error without a message', json({ ...id, kind: 'error', error: { code: 'LIMIT' } })],
    ['an end with a wrong error', json({ ...id, kind: 'end', error: 'no' })],
    ['a cause that is no error', json({ ...id, kind: 'end', error: { message: '', cause: 1 } })],
  ]
  test.each(refused)('%s', (_, data) => {
    expect(() => decodeWire(data, LIMIT)).toThrow(
      expect.objectContaining({ code: 'PROTOCOL', message: expect.stringMatching(/^bridge: /) }),
    )
  })

  test('an error with more causes than anybody has', () => {
    let error: object = { message: 'first' }
    for (let i = 0; i < 40; i++) error = { message: 'and', cause: error }
    expect(() => decodeWire(json({ kind: 'end', id: 1, error }), 0)).toThrow('malformed end')
  })

  test('whatever bytes come, or nothing worse (seed 15)', () => {
    const noise = fc.uint8Array({ maxLength: 64 })
    fc.assert(
      fc.property(noise, fc.nat({ max: 64 }), (bytes, at) => {
        const cut = encodeWire(REPLY, bytes) as Uint8Array
        cut.set(bytes.subarray(0, Math.max(0, cut.length - at)), Math.min(at, cut.length))
        try {
          decodeWire(cut, LIMIT)
        } catch (error) {
          expect(error).toMatchObject({ code: 'PROTOCOL' })
        }
      }),
      { seed: 15, numRuns: 500 },
    )
  })
})
