import { describe, expect, it } from 'vitest'
import { labelled, table } from './columns'

describe('columns', () => {
  it('stand under their headings, numbers to the right', () => {
    const rows = [
      ['a', '7'],
      ['bcd', '1,024'],
    ]
    expect(table(['name', 'bytes'], rows, [1])).toBe(
      ['name  bytes', 'a         7', 'bcd   1,024', ''].join('\n'),
    )
  })

  it('have no blanks at the end of a line', () => {
    expect(table(['a', 'long heading'], [['1', '']])).toBe('a  long heading\n1\n')
  })

  it('show a server or a disk that would steer the terminal what it sent, escaped', () => {
    expect(table(['a'], [['\x1b[31m\nx']])).toBe('a\n\\x1b[31m\\x0ax\n')
    expect(labelled([['name', 'a\tb\r']])).toBe('name: a\\x09b\\x0d\n')
  })

  it('keep labels in one column, with an empty line for an empty row', () => {
    expect(labelled([['a', '1'], [], ['long', '2']])).toBe('a:    1\n\nlong: 2\n')
  })
})
