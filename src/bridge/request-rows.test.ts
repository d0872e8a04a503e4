import { expect, test } from 'vitest'
import {
  commandName,
  decodeRequestRows,
  encodeRequestRows,
  errorName,
  flagNames,
  type RequestRow,
} from './request-rows'

const ROW: RequestRow = {
  seq: 41,
  time: 1_795_000_000_123.25,
  client: 2 ** 32 - 1,
  command: 0xffff,
  flags: 0x8001,
  offset: Number.MAX_SAFE_INTEGER,
  length: 2 ** 52 + 1,
  errno: 108,
  durationMs: 0.125,
}

test('rows come out as they went in, numbered from the first', () => {
  const rows = [ROW, { ...ROW, seq: 42, offset: 0, length: 0, errno: 0 }]
  expect(decodeRequestRows(encodeRequestRows(rows), 41)).toEqual(rows)
  expect(decodeRequestRows(encodeRequestRows([]), 7)).toEqual([])
})

test('rows are read where they lie in a larger buffer', () => {
  const bytes = encodeRequestRows([ROW])
  const framed = new Uint8Array(bytes.length + 7)
  framed.set(bytes, 5)
  expect(decodeRequestRows(framed.subarray(5, 5 + bytes.length), 41)).toEqual([ROW])
})

test('half a row is a bug', () => {
  expect(() => decodeRequestRows(new Uint8Array(41), 0)).toThrow('41 bytes')
})

test('an error beyond 16 bits does not become another one', () => {
  const [row] = decodeRequestRows(encodeRequestRows([{ ...ROW, errno: 65536 + 5 }]), 0)
  expect(row?.errno).toBe(0xffff)
})

test('what has no name is a number', () => {
  expect([commandName(6), commandName(77)]).toEqual(['WRITE_ZEROES', 'command 77'])
  expect([errorName(95), errorName(7)]).toEqual(['ENOTSUP', 'error 7'])
  expect(flagNames(1 | 4 | 0x8000)).toEqual(['FUA', 'DF'])
})
