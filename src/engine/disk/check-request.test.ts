import { describe, expect, it } from 'vitest'
import { hasCode } from '../base/errors'
import { checkRequest, type Operation, type RequestLimits } from './check-request'
import { type Capabilities, NO_CAPABILITIES } from './disk'

const ALL = Object.fromEntries(
  Object.keys(NO_CAPABILITIES).map((name) => [name, true]),
) as unknown as Capabilities

const limits = (capabilities: Partial<Capabilities> = {}, size = 10_000): RequestLimits => ({
  size,
  blockSize: { minimum: 512, preferred: 4096, maximum: 4096 },
  capabilities: { ...ALL, ...capabilities },
})

const codeOf = (disk: RequestLimits, operation: Operation, offset: number, length: number) => {
  try {
    checkRequest(disk, operation, offset, length)
    return 'fine'
  } catch (error) {
    return (error as { code?: string }).code
  }
}

describe('a request is checked', () => {
  for (const [operation, offset, length, result] of [
    ['read', 0, 512, 'fine'],
    ['read', 9728, 272, 'fine'],
    ['read', 0, 0, 'fine'],
    ['read', 9728, 512, 'OUT_OF_RANGE'],
    ['read', -512, 512, 'OUT_OF_RANGE'],
    ['read', 0, -512, 'OUT_OF_RANGE'],
    ['read', 2 ** 53, 512, 'OUT_OF_RANGE'],
    ['read', 2 ** 53 - 512, 2 ** 53 - 512, 'OUT_OF_RANGE'],
    ['read', Number.NaN, 512, 'OUT_OF_RANGE'],
    ['read', 0, Number.POSITIVE_INFINITY, 'OUT_OF_RANGE'],
    ['read', 0.5, 512, 'OUT_OF_RANGE'],
    ['read', 1, 512, 'MISALIGNED'],
    ['write', 0, 100, 'MISALIGNED'],
    ['trim', 512, 100, 'MISALIGNED'],
    ['read', 0, 4608, 'LIMIT'],
    ['write', 0, 4608, 'LIMIT'],
    ['zero', 0, 9728, 'fine'],
    ['trim', 0, 10_000, 'fine'],
    ['extents', 0, 10_000, 'fine'],
    ['flush', 0, 0, 'fine'],
  ] as const) {
    it(`${operation} ${offset}+${length}: ${result}`, () => {
      expect(codeOf(limits(), operation, offset, length)).toBe(result)
    })
  }

  it('against what the disk can do first of all', () => {
    for (const operation of ['write', 'zero', 'trim'] as const) {
      expect(codeOf(limits({ write: false }), operation, -1, 1)).toBe('READ_ONLY')
    }
    expect(codeOf(limits({ zero: false }), 'zero', 0, 512)).toBe('NOT_SUPPORTED')
    expect(codeOf(limits({ trim: false }), 'trim', 0, 512)).toBe('NOT_SUPPORTED')
    expect(codeOf(limits({ trim: false, zero: false }), 'write', 0, 512)).toBe('fine')
  })

  it('and its refusal has the numbers', () => {
    try {
      checkRequest(limits(), 'read', 9728, 1024)
      expect.unreachable()
    } catch (error) {
      expect(hasCode(error, 'OUT_OF_RANGE')).toBe(true)
      expect(error).toMatchObject({ data: { offset: 9728, length: 1024, size: 10_000 } })
      expect((error as Error).message).toBe(
        'read: offset 9728 and length 1024 are outside the disk of 10000 bytes',
      )
    }
  })
})
