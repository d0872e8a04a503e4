import { describe, expect, it } from 'vitest'
import { AssertionError } from '../base/assert'
import { PlatterError } from '../base/errors'
import { errorOfReply, wireErrorOf } from './wire-errors'

describe('errors on the wire', () => {
  it.each([
    ['OUT_OF_RANGE', 22],
    ['READ_ONLY', 1],
    ['NO_SPACE', 28],
    ['NOT_SUPPORTED', 95],
    ['CLOSED', 108],
    ['IO_ERROR', 5],
    ['TIMEOUT', 5],
  ] as const)('%s is sent as %i with its text', (code, errno) => {
    expect(wireErrorOf(new PlatterError(code, 'why'))).toEqual({ errno, message: 'why' })
  })

  it('a bug of ours is an I/O error without details', () => {
    const wire = wireErrorOf(new AssertionError('internal state'))
    expect(wire.errno).toBe(5)
    expect(wire.message).not.toContain('internal state')
  })

  it.each([
    [1, 'NO_PERMISSION'],
    [5, 'IO_ERROR'],
    [12, 'LIMIT'],
    [22, 'REFUSED'],
    [28, 'NO_SPACE'],
    [75, 'LIMIT'],
    [95, 'NOT_SUPPORTED'],
    [108, 'DISCONNECTED'],
    [4711, 'REFUSED'],
  ] as const)('%i is received as %s', (errno, code) => {
    const error = errorOfReply('NBD_CMD_READ', { errno, message: 'disk on fire' })
    expect(error.code).toBe(code)
    expect(error.message).toMatch(/^NBD_CMD_READ: .*disk on fire$/)
    expect(error.data).toEqual({ errno })
  })
})
