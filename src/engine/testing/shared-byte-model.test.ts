import { describe, expect, it } from 'vitest'
import { SharedByteModel } from './shared-byte-model'

const two = { offset: 0, length: 2 }
const bytes = (...values: number[]) => Uint8Array.from(values)

function look(model: SharedByteModel, ...values: number[]): string | undefined {
  const seen = model.observe({ offset: 0, length: values.length })
  const wrong = model.mismatch(seen, bytes(...values), 0)
  model.endObservation(seen)
  return wrong
}

describe('a model of bytes that several change at a time', () => {
  it('knows what a change that met no other left', () => {
    const model = new SharedByteModel(bytes(1, 1))
    model.end(model.begin(two, bytes(2, 3)))
    expect(look(model, 2, 3)).toBe(undefined)
    expect(look(model, 2, 1)).toBe('byte 1 is 1, not 3')
  })

  it('allows the old and the new while a change is under way, again and again', () => {
    const model = new SharedByteModel(bytes(1, 1))
    const change = model.begin(two, bytes(2, 2))
    expect(look(model, 2, 1)).toBe(undefined)
    expect(look(model, 1, 2)).toBe(undefined)
    expect(look(model, 1, 3)).toBe('byte 1 is 3, not 1 or 2 or 2')
    model.end(change)
    expect(look(model, 2, 1)).toBe('byte 1 is 1, not 2')
  })

  it('allows either of two that ran beside each other, and stays with the one that was seen', () => {
    const model = new SharedByteModel(bytes(1, 1))
    const [a, b] = [model.begin(two, bytes(2, 2)), model.begin(two, bytes(3, 3))]
    model.end(b)
    model.end(a)
    expect(model.openBytes(two)).toBe(2)
    expect(look(model, 1)).toBe('byte 0 is 1, not 2 or 3')
    expect(look(model, 2, 3)).toBe(undefined)
    expect(model.openBytes(two)).toBe(0)
    expect(look(model, 3, 3)).toBe('byte 0 is 3, not 2')
  })

  it('drops what a change replaced that began after it, though a third ran beside both', () => {
    const model = new SharedByteModel(bytes(1, 1))
    const long = model.begin(two, bytes(2, 2))
    model.end(model.begin(two, bytes(3, 3)))
    model.end(model.begin(two, bytes(4, 4)))
    model.end(long)
    expect(look(model, 3)).toBe('byte 0 is 3, not 2 or 4')
    expect(look(model, 2, 4)).toBe(undefined)
  })

  it('allows a read all that there was between its beginning and its end', () => {
    const model = new SharedByteModel(bytes(1, 1))
    const seen = model.observe(two)
    model.end(model.begin({ offset: 0, length: 1 }, bytes(2)))
    model.end(model.begin({ offset: 0, length: 1 }, undefined))
    for (const value of [0, 1, 2]) {
      expect(model.mismatch(seen, bytes(value, 1), 0)).toBe(undefined)
    }
    expect(model.mismatch(seen, bytes(3), 0)).toBe('byte 0 is 3, not 1 or 2 or 0')
    expect(model.mismatch(seen, bytes(2), 1)).toBe('byte 1 is 2, not 1')
    expect(look(model, 1)).toBe('byte 0 is 1, not 0')
  })

  it('holds two reads of a byte that nobody changes to the same value', () => {
    const model = new SharedByteModel(bytes(1, 1))
    const [a, b] = [model.begin(two, bytes(2, 2)), model.begin(two, bytes(3, 3))]
    model.end(a)
    model.end(b)
    const seen = [model.observe(two), model.observe(two)] as const
    expect(model.mismatch(seen[0], bytes(2, 2), 0)).toBe(undefined)
    expect(model.mismatch(seen[1], bytes(3, 2), 0)).toBe('byte 0 is 3, not 2')
  })

  it('takes a trim as done or not, byte by byte, until something is written', () => {
    const model = new SharedByteModel(bytes(1, 1))
    model.end(model.begin(two, undefined, true))
    expect(look(model, 0, 1)).toBe(undefined)
    expect(look(model, 1, 1)).toBe('byte 0 is 1, not 0')
    model.end(model.begin(two, undefined, true))
    model.end(model.begin(two, bytes(5, 5)))
    expect(look(model, 0, 5)).toBe('byte 0 is 0, not 5')
  })

  it('says when a byte cannot have more candidates', () => {
    const model = new SharedByteModel(bytes(1, 1))
    for (let i = 0; i < 5; i++) model.begin({ offset: 0, length: 1 }, bytes(i))
    expect(model.hasRoom({ offset: 0, length: 1 })).toBe(false)
    expect(model.hasRoom({ offset: 1, length: 1 })).toBe(true)
    expect(() => model.begin(two, undefined)).toThrow(/too many changes/)
  })
})
