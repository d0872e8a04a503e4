import { expect, test } from 'vitest'
import { makeCellColumns } from '../../bridge/frames'
import { CLASS_TITLES } from '../widgets/class-words'
import {
  bytesOfCell,
  classLines,
  labelEvery,
  offsetDigits,
  sizeText,
  spokenCell,
} from './cell-text'

const KiB = 1024

test('the split of a cell is given to the byte', () => {
  const columns = makeCellColumns(64 * KiB, 2)
  columns.data[1] = 60 * KiB - 1
  columns.hole[1] = 4 * KiB + 1
  columns.zeroed[1] = 4 * KiB
  const bytes = bytesOfCell(columns, 1)
  expect(bytesOfCell(columns, 0)).toBeUndefined()
  expect(bytes).toBeDefined()
  if (bytes === undefined) return
  expect(classLines(bytes, 64 * KiB)).toEqual([
    { name: 'data', label: 'Data', percent: '93.7 %', size: '61,439 bytes' },
    { name: 'hole', label: 'Hole', percent: '6.3 %', size: '4,097 bytes' },
    { name: 'zeroed', label: CLASS_TITLES.zeroed, percent: '6.3 %', size: '4 KiB' },
  ])
  const range = { offset: 0x10000, length: 64 * KiB }
  const partitions = [{ number: 2, name: 'root', type: 'Linux', offset: 0, length: 2 ** 30 }]
  expect(spokenCell(range, bytes, partitions)).toBe(
    'offset 0x10000, 64 KiB, data 93.7 percent, hole 6.3 percent, staged as zeroes 4 KiB, partition 2 root',
  )
  expect(spokenCell(range, undefined, [])).toBe('offset 0x10000, 64 KiB, loading')
})

test.each([
  [512, '512 B'],
  [1536, '1.5 KiB'],
  [1_000_000, '1,000,000 bytes'],
  [2 ** 40, '1 TiB'],
  [3 * 2 ** 40 + 1, '3,298,534,883,329 bytes'],
])('%d bytes read %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text)
})

test('labels keep their distance by a power of two of rows', () => {
  expect(labelEvery(20, 18)).toBe(1)
  expect(labelEvery(8, 18)).toBe(4)
  expect(labelEvery(1, 18)).toBe(32)
  expect(offsetDigits(2 ** 40)).toBe(10)
  expect(offsetDigits(1)).toBe(8)
})
