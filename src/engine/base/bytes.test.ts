import { describe, expect, it } from 'vitest'
import { ByteReader, ByteWriter, firstDifference, isAllZero, safeNumber, utf8 } from './bytes'
import { Prng } from './prng'

describe('reading and writing fields', () => {
  it('is big-endian and gives back what was written', () => {
    const bytes = new ByteWriter(8 + 8 + 4 + 2 + 1 + 3 + 2)
      .u64(0x0102030405060708n)
      .u64(Number.MAX_SAFE_INTEGER)
      .u32(0xfffffffe)
      .u16(0x1234)
      .u8(0xff)
      .put(utf8('né'))
      .zeros(2)
      .done()
    expect([...bytes.subarray(0, 8)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    const reader = new ByteReader(bytes)
    expect(reader.u64()).toBe(0x0102030405060708n)
    expect(reader.u64Safe('size')).toBe(Number.MAX_SAFE_INTEGER)
    expect([reader.u32(), reader.u16(), reader.u8()]).toEqual([0xfffffffe, 0x1234, 0xff])
    expect(reader.text(3)).toBe('né')
    expect([reader.position, reader.remaining]).toEqual([26, 2])
    reader.skip(2)
    expect(() => reader.u8()).toThrow('read of 1 past 0 bytes')
  })

  it('looks at the array that it was given, not at the buffer under it', () => {
    const buffer = new Uint8Array([9, 9, 1, 2, 9])
    expect(new ByteReader(buffer.subarray(2, 4)).u16()).toBe(0x0102)
    const view = new ByteReader(buffer.subarray(2, 4)).bytes(2)
    expect([view.byteOffset, view.length]).toEqual([2, 2])
  })

  it('gives no text for bytes that are not UTF-8, and keeps a byte order mark', () => {
    expect(new ByteReader(new Uint8Array([0xc3, 0x28])).text(2)).toBe(undefined)
    expect(new ByteReader(new Uint8Array([0xef, 0xbb, 0xbf])).text(3)).toBe('\ufeff')
  })

  it('is a fault of ours past the end, and when bytes that were counted were not written', () => {
    expect(() => new ByteWriter(1).u16(1)).toThrow('past the end')
    expect(() => new ByteWriter(2).u8(1).done()).toThrow('wrote 1 of 2 bytes')
    expect(() => new ByteReader(new Uint8Array(3)).skip(-1)).toThrow('read of -1')
  })
})

describe('a 64-bit field that becomes a number', () => {
  it('is exact up to 2^53-1', () => {
    expect(safeNumber(2n ** 53n - 1n, 'size')).toBe(2 ** 53 - 1)
  })

  it('is refused above, with its value', () => {
    expect(() => safeNumber(2n ** 53n, 'export size')).toThrow(
      'export size is 9007199254740992, above the largest supported 2^53-1',
    )
  })
})

describe('isAllZero', () => {
  it('sees a single set bit at every place and every alignment', () => {
    const buffer = new Uint8Array(96)
    for (let from = 0; from < 9; from++) {
      for (let to = from; to < 80; to++) {
        const bytes = buffer.subarray(from, to)
        expect(isAllZero(bytes)).toBe(true)
        for (let i = 0; i < bytes.length; i++) {
          for (const bit of [1, 0x80]) {
            bytes[i] = bit
            expect(isAllZero(bytes)).toBe(false)
          }
          bytes[i] = 0
        }
        buffer[to] = 1
        expect(isAllZero(bytes)).toBe(true)
        buffer[to] = 0
      }
    }
  })

  it('is not fooled by the bytes of -0, of the smallest number, and of NaN', () => {
    for (const value of [-0, 5e-324, Number.NaN]) {
      expect(isAllZero(new Uint8Array(new Float64Array([0, value, 0]).buffer))).toBe(false)
    }
  })
})

describe('firstDifference', () => {
  it('is what a loop over every byte finds, at any alignment', () => {
    const prng = new Prng(1)
    for (let round = 0; round < 2000; round++) {
      const length = prng.below(70)
      const a = new Uint8Array(80).subarray(prng.below(8)).subarray(0, length)
      const b = new Uint8Array(80).subarray(prng.below(8)).subarray(0, length)
      prng.fill(a)
      b.set(a)
      for (let i = prng.below(3); i > 0 && length > 0; i--) b[prng.below(length)]! ^= 1
      const at = a.findIndex((byte, i) => byte !== b[i])
      expect(firstDifference(a, b)).toBe(at < 0 ? undefined : at)
    }
  })
})
