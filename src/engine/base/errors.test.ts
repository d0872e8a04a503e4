import { describe, expect, it } from 'vitest'
import {
  abortedError,
  ERROR_CODES,
  fromPlainError,
  hasCode,
  PlatterError,
  throwIfAborted,
  toPlainError,
} from './errors'

it('codes are there once each', () => {
  expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length)
})

describe('a failure that crosses a channel', () => {
  it('keeps its code, message, data and causes', () => {
    const cause = new PlatterError('NO_SPACE', 'write: the disk is full', { data: { offset: 5 } })
    const error = new PlatterError('IO_ERROR', 'commit: failed', { cause, data: { carried: 7 } })
    const back = fromPlainError(JSON.parse(JSON.stringify(toPlainError(error))))
    expect(back).toBeInstanceOf(PlatterError)
    expect(back).toMatchObject({
      code: 'IO_ERROR',
      message: 'commit: failed',
      data: { carried: 7 },
      cause: { code: 'NO_SPACE', message: 'write: the disk is full', data: { offset: 5 } },
    })
    expect(toPlainError(back)).toEqual(toPlainError(error))
  })

  it('that is a bug of ours has no code on the other side either', () => {
    const back = fromPlainError(toPlainError(new TypeError('x is not a function')))
    expect(back).not.toBeInstanceOf(PlatterError)
    expect(back.message).toBe('x is not a function')
    expect(toPlainError('just text')).toEqual({ message: 'just text' })
  })

  it('with causes in a circle ends', () => {
    const error = new PlatterError('IO_ERROR', 'round')
    Object.assign(error, { cause: error })
    expect(JSON.stringify(toPlainError(error)).split('round').length - 1).toBe(9)
  })
})

describe('a cancelled call', () => {
  it('fails with ABORTED, or with the reason where that says more', () => {
    const controller = new AbortController()
    expect(() => throwIfAborted(controller.signal, 'read')).not.toThrow()
    expect(() => throwIfAborted(undefined, 'read')).not.toThrow()
    controller.abort()
    expect(() => throwIfAborted(controller.signal, 'read')).toThrow('read: cancelled')
    expect(hasCode(abortedError(controller.signal, 'read'), 'ABORTED')).toBe(true)
    const late = new AbortController()
    late.abort(new PlatterError('TIMEOUT', 'read: no answer in 5 s'))
    expect(() => throwIfAborted(late.signal, 'read')).toThrow('no answer in 5 s')
  })
})
