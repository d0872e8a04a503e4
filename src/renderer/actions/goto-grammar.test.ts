import { expect, test } from 'vitest'
import { type GotoContext, parseGoto } from './goto-grammar'

const MiB = 1024 * 1024
const context: GotoContext = {
  cursor: 4096,
  size: 256 * MiB,
  blockSize: 65536,
  partitions: [
    { number: 1, name: 'EFI', type: 'EFI system', offset: MiB, length: 63 * MiB },
    { number: 2, name: 'root', type: 'Linux filesystem', offset: 64 * MiB, length: 128 * MiB },
  ],
}

const offsetOf = (text: string) => parseGoto(text, context)
const wrong = (text: string) => {
  const result = parseGoto(text, context)
  return result.kind === 'wrong' ? result.why : `accepted as ${JSON.stringify(result)}`
}

test.each([
  ['0x1F400', 0x1f400],
  ['128000', 128000],
  ['128 000', 128000],
  ['0x1_0000', 0x10000],
  ['128k', 128 * 1024],
  ['64M', 64 * MiB],
  ['1.5MiB', 1.5 * MiB],
  ['s2048', MiB],
  ['2048s', MiB],
  ['c17', 17 * 65536],
  ['50%', 128 * MiB],
  ['100%', 256 * MiB - 1],
  ['+1M', MiB + 4096],
  ['-0x200', 4096 - 0x200],
  ['end-512', 256 * MiB - 512],
  ['p2', 64 * MiB],
  ['p2+0x438', 64 * MiB + 0x438],
  ['P2 + s2', 64 * MiB + 1024],
  ['p2+1M-4K', 65 * MiB - 4096],
])('%s is an offset', (text, offset) => {
  expect(offsetOf(text)).toEqual({ kind: 'place', offset })
})

test.each([
  ['0,512', 0, 512],
  ['p2+1K,s2', 64 * MiB + 1024, 1024],
  ['0x1000..0x2000', 0x1000, 0x1000],
  ['1M..+1M', MiB, 4096],
  ['end-512..end', 256 * MiB - 512, 512],
  ['p1..p2', MiB, 63 * MiB],
])('%s is a range', (text, offset, length) => {
  expect(offsetOf(text)).toEqual({ kind: 'place', offset, length })
})

test('a place outside the disk is refused with the numbers', () => {
  expect(wrong('end')).toContain('0x10000000 is not before the end of the disk')
  expect(wrong('1T')).toContain('0x10000000000')
  expect(wrong('-1M')).toBe('That is 1,044,480 bytes before the start of the disk')
  expect(wrong('end-512,1024')).toContain('past the end of the disk')
  expect(wrong('101%')).toBe('101 % is more than the disk')
})

test('a range that holds nothing is refused', () => {
  for (const text of ['1M..1M', '2M..1M', '0,0']) expect(wrong(text)).toContain('is empty')
})

test('what is wrong with the text is said', () => {
  expect(wrong('')).toContain('Type an offset')
  expect(wrong('p7')).toBe('There is no partition 7; there are 1, 2')
  expect(wrong('1f400')).toContain('hexadecimal starts with 0x')
  expect(wrong('12q')).toContain("'12q' is not an offset")
  expect(wrong('0.3')).toContain("'0.3' is not an offset")
  expect(wrong('1M+')).toBe("'1m+' ends in a sign")
  expect(wrong('1M,')).toBe('A length is missing')
  expect(wrong('..1M')).toBe('An offset is missing')
  expect(wrong('9'.repeat(20))).toContain('is not an offset')
})
