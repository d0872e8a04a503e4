import { describe, expect, it } from 'vitest'
import { PlatterError } from '../engine/base/errors'
import { describeFailure, errorLine } from './failure'

describe('a failure', () => {
  it('of the world is its sentence, and 1', () => {
    const error = new PlatterError('NOT_FOUND', '/a: there is no such file')
    expect(describeFailure(error, {})).toEqual({
      status: 1,
      line: 'platter: /a: there is no such file\n',
    })
  })

  it('that a word of the person would lift names the word', () => {
    const error = new PlatterError('BASE_CHANGED', '/a: it changed', { data: { acceptable: true } })
    expect(describeFailure(error, {}).line).toBe(
      'platter: /a: it changed; if the change is right, --accept-base takes it as it is now\n',
    )
  })

  it('of the words is 2', () => {
    const error = new PlatterError('BAD_REQUEST', 'a.img: --list needs an NBD URI')
    expect(describeFailure(error, {}).status).toBe(2)
  })

  it('of ours is one line without a stack, and 1', () => {
    const { status, line } = describeFailure(new TypeError('x is\nnot a function'), {})
    expect(status).toBe(1)
    expect(line).toMatch(
      /^platter: this is a bug in Platter: TypeError: x is not a function [^\n]*\n$/,
    )
    expect(line).not.toContain(' at ')
  })

  it('of ours shows where it was to who asks', () => {
    const { line } = describeFailure(new TypeError('x'), { PLATTER_DEBUG: '1' })
    expect(line).toContain('failure.test.ts')
  })

  it.each([undefined, null, 'text', 7])('may be %s, which is no error at all', (thrown) => {
    expect(describeFailure(thrown, {}).line).toMatch(/^platter: [^\n]+\n$/)
  })
})

describe('an error line', () => {
  it('is one line, whatever a server said', () => {
    expect(errorLine('export: refused (no\r\n such thing\n)\n')).toBe(
      'platter: export: refused (no such thing )\n',
    )
  })

  it('does not steer the terminal', () => {
    expect(errorLine('/a\x1b[2J\x07\x9b1m\u202e/gpj.exe')).toBe(
      'platter: /a\\x1b[2J\\x07\\x9b1m\\u202e/gpj.exe\n',
    )
  })

  it('leaves letters of every script and emoji as they are', () => {
    expect(errorLine('/ünï/画像/😀 x')).toBe('platter: /ünï/画像/😀 x\n')
  })
})
