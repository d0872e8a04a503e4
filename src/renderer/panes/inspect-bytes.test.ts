import { expect, test } from 'vitest'
import { inspectBytes } from './inspect-bytes'

const bytesOf = (text: string) =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
const numbers = (text: string) =>
  Object.fromEntries(
    inspectBytes(bytesOf(text)).numbers.map(({ name, little, big }) => [name, [little, big]]),
  )
const values = (text: string) =>
  Object.fromEntries(inspectBytes(bytesOf(text)).values.map(({ name, value }) => [name, value]))

test('numbers are read in both byte orders', () => {
  expect(numbers('fffe7f0102030405')).toEqual({
    u8: ['255', ''],
    i8: ['-1', ''],
    u16: ['65279', '65534'],
    i16: ['-257', '-2'],
    u32: ['25165567', '4294868737'],
    i32: ['25165567', '-98559'],
    u64: ['361417177246465791', '18446320766061577221'],
    i64: ['361417177246465791', '-423307647974395'],
    f32: [expect.any(String), expect.any(String)],
    f64: [expect.any(String), expect.any(String)],
  })
})

test('floats show no more digits than they hold', () => {
  expect(numbers('0000803f')['f32']?.[0]).toBe('1')
  expect(numbers('cdcccc3d')['f32']?.[0]).toBe('0.1')
  expect(numbers('9a9999999999b93f')['f64']?.[0]).toBe('0.1')
  expect(numbers('0000c07f')['f32']?.[0]).toBe('NaN')
  expect(numbers('00000080')['f32']?.[0]).toBe('-0')
  expect(numbers('ffff7f7f')['f32']?.[0]).toBe('3.402823e+38')
})

test('a value that needs more bytes than there are is left out', () => {
  expect(Object.keys(numbers('0102'))).toEqual(['u8', 'i8', 'u16', 'i16'])
  expect(values('0102')).not.toHaveProperty('GUID')
})

test('a GUID has its first three fields swapped, a UUID none', () => {
  const shown = values('28732ac11ff8d211ba4b00a0c93ec93b')
  expect(shown['GUID']).toBe('C12A7328-F81F-11D2-BA4B-00A0C93EC93B')
  expect(shown['UUID']).toBe('28732ac1-1ff8-d211-ba4b-00a0c93ec93b')
})

test('moments are shown, and what is none is said to be none', () => {
  expect(values('00000000')['Unix, 32 bit LE']).toBe('1970-01-01 00:00:00 UTC')
  expect(values('7fffffff')['Unix, 32 bit BE']).toBe('2038-01-19 03:14:07 UTC')
  expect(values('00803ed5deb19d01')['FILETIME']).toBe('1970-01-01 00:00:00 UTC')
  expect(values('ffffffffffffffff')['FILETIME']).toBe('out of range')
  expect(values('00000000')['DOS']).toBe('not a time')
  expect(values('dc7e735b')['DOS']).toBe('2025-11-19 15:54:56')
})

test('text shows what can be shown', () => {
  expect(values('4546492050415254')['ASCII']).toBe('EFI PART')
  expect(values('e282ac00')['UTF-8']).toBe('€  U+20AC')
  expect(values('80e282ac')['UTF-8']).toBe('not UTF-8')
  expect(values('4500460049000000')['UTF-16 LE']).toBe('EFI·')
  expect(values('200000d800e0ac20')['UTF-16 LE']).toBe(' ··€')
})
