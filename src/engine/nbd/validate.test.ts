import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../disk/memory-disk'
import type { RequestHeader } from './request-parser'
import type { ServedExport } from './served-export'
import { describeExport } from './served-export'
import { validateRequest } from './validate'

const SIZE = 1 << 20

const READ = 0
const WRITE = 1
const FLUSH = 3
const TRIM = 4
const CACHE = 5
const ZEROES = 6
const STATUS = 7

const FUA = 1
const NO_HOLE = 2
const DF = 4
const REQ_ONE = 8
const FAST = 16

const writable = describeExport(
  { name: '', disk: new MemoryDisk(SIZE), readOnly: false },
  'structured',
)
const readOnly = describeExport(
  { name: '', disk: new MemoryDisk(SIZE), readOnly: true },
  'structured',
)
const simple = describeExport({ name: '', disk: new MemoryDisk(SIZE), readOnly: false }, 'simple')
const bare: ServedExport = { ...writable, flags: 1 }
const blocks: ServedExport = {
  ...writable,
  blockSize: { minimum: 4096, preferred: 4096, maximum: 8192 },
}

const HEADER: RequestHeader = {
  command: READ,
  flags: 0,
  cookieHigh: 0,
  cookieLow: 1,
  offset: 0,
  length: 512,
  offsetHigh: 0,
  offsetLow: 0,
  payloadLength: 0,
}

const judge = (request: Partial<RequestHeader>, served: ServedExport = writable, contexts = 1) =>
  validateRequest({ ...HEADER, ...request }, { export: served, headers: 'structured', contexts })

describe('a request', () => {
  it.each<[string, Partial<RequestHeader>]>([
    ['a read', {}],
    ['a read of everything', { length: SIZE }],
    ['a read of the last byte', { offset: SIZE - 1, length: 1 }],
    ['a read in one piece', { flags: DF }],
    ['a read with FUA, which means nothing', { flags: FUA }],
    ['a write', { command: WRITE }],
    ['a stable write', { command: WRITE, flags: FUA }],
    ['a write of nothing', { command: WRITE, length: 0, offset: SIZE }],
    ['a flush', { command: FLUSH, length: 0 }],
    ['a trim', { command: TRIM, flags: FUA }],
    ['a cache', { command: CACHE }],
    ['zeroes', { command: ZEROES, flags: FUA | NO_HOLE | FAST }],
    ['zeroes above the largest payload', { command: ZEROES, length: SIZE }],
    ['a status', { command: STATUS, flags: REQ_ONE }],
  ])('is carried out: %s', (_, request) => {
    expect(judge(request)).toBeUndefined()
  })

  it.each<[string, number, RegExp, Partial<RequestHeader>, ServedExport?, number?]>([
    ['of an unknown command', 22, /unknown command/, { command: 8 }],
    ['of a command from nowhere', 22, /unknown command/, { command: 0xffff }],
    ['to write what is read-only', 1, /read-only/, { command: WRITE }, readOnly],
    ['to trim what is read-only', 1, /read-only/, { command: TRIM }, readOnly],
    ['to zero what is read-only', 1, /read-only/, { command: ZEROES }, readOnly],
    ['to flush where that is not offered', 22, /not offer/, { command: FLUSH, length: 0 }, bare],
    ['to trim where that is not offered', 22, /not offer/, { command: TRIM }, bare],
    ['to zero where that is not offered', 22, /not offer/, { command: ZEROES }, bare],
    ['for status without a context', 22, /no context/, { command: STATUS }, writable, 0],
    ['with FUA where that is not offered', 22, /flags 0x1/, { command: WRITE, flags: FUA }, bare],
    ['with DF without structured replies', 22, /flags 0x4/, { flags: DF }, simple],
    [
      'with FAST_ZERO where that is not offered',
      22,
      /flags 0x10/,
      { command: ZEROES, flags: FAST },
      { ...writable, flags: 0x41 },
    ],
    ['to read with NO_HOLE', 22, /flags 0x2/, { flags: NO_HOLE }],
    ['to write with DF', 22, /flags 0x4/, { command: WRITE, flags: DF }],
    ['to cache with REQ_ONE', 22, /flags 0x8/, { command: CACHE, flags: REQ_ONE }],
    [
      'with a payload length, which needs extended headers',
      22,
      /flags 0x20/,
      { command: WRITE, flags: 32 },
    ],
    ['with a flag from nowhere', 22, /flags 0x8000/, { flags: 0x8000 }],
    ['to flush a range', 22, /have to be 0/, { command: FLUSH, offset: 512, length: 512 }],
    ['to read nothing', 22, /0 bytes/, { length: 0 }],
    ['for the status of nothing', 22, /0 bytes/, { command: STATUS, length: 0 }],
    ['to read past the end', 22, /outside/, { offset: SIZE - 511 }],
    ['to read from past the end', 22, /outside/, { offset: SIZE + 512 }],
    ['to trim past the end', 22, /outside/, { command: TRIM, offset: SIZE }],
    ['to cache past the end', 22, /outside/, { command: CACHE, offset: SIZE }],
    ['for status past the end', 22, /outside/, { command: STATUS, length: SIZE + 1 }],
    ['to write past the end', 28, /outside/, { command: WRITE, offset: SIZE - 511 }],
    ['to zero past the end', 28, /outside/, { command: ZEROES, offset: SIZE }],
    ['at an offset that overflows', 22, /outside/, { offset: 2 ** 64 - 256, length: 512 }],
    ['that begins inside a block', 22, /whole blocks/, { offset: 512, length: 4096 }, blocks],
    ['that ends inside a block', 22, /whole blocks/, { length: 4097 }, blocks],
    ['to read more than the largest payload', 22, /largest payload/, { length: 12288 }, blocks],
    [
      'to write more than the largest payload',
      22,
      /largest payload/,
      { command: WRITE, length: 12288 },
      blocks,
    ],
  ])('is refused: %s', (_, errno, why, request, served, contexts) => {
    const refusal = judge(request, served, contexts)
    expect(refusal?.errno).toBe(errno)
    expect(refusal?.message).toMatch(why)
    expect(refusal?.message).toMatch(/^(NBD_CMD_[A-Z_]+|command \d+): /)
  })
})
