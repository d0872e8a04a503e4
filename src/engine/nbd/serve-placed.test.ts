import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../disk/memory-disk'
import type { PlacedFile, Placement } from '../disk/placement'
import * as bs from './byte-script.test-helper'
import type { RequestHeader } from './request-parser'
import type { PartsOutcome, ReadPart } from './serve-placed'
import { placeRead, sendParts } from './serve-placed'
import type { ServedConnection } from './serve-request'
import type { PlacedBytes, Transport } from './transport'

const K = 1024
const DF = 4

/** A file whose bytes are their own offset in KiB; `cold` and `holes` are what it says of all of it. */
function fakeFile({ cold = false, hole = 0 } = {}): PlacedFile {
  return {
    fd: 5,
    readNow: (target, offset) => {
      if (cold) return false
      for (let i = 0; i < target.length; i++) target[i] = Math.floor((offset + i) / K) & 255
      return true
    },
    isInMemory: () => !cold,
    holeAt: (_offset, length) => Math.min(hole, length),
  }
}

/** Where the 64 KiB pieces of a disk lie, one after another; the offset in the file is the disk's. */
type Map64 = readonly (PlacedFile | 'zero' | undefined)[]

function connectionTo(map: Map64, headers: ServedConnection['headers'] = 'structured') {
  const disk = Object.assign(new MemoryDisk(map.length * 64 * K), {
    placed: {
      place: (offset: number, length: number): Placement | undefined => {
        const piece = map[Math.floor(offset / (64 * K))]
        const inPiece = Math.min(length, 64 * K - (offset % (64 * K)))
        if (piece === undefined) return undefined
        if (piece === 'zero') return { length: inPiece, file: undefined, offset: 0 }
        return { length: inPiece, file: piece, offset }
      },
    },
  })
  const connection: ServedConnection = {
    disk,
    headers,
    contexts: [],
    sendHoles: false,
    options: {},
    allocate: (length) => new Uint8Array(length).fill(0xee),
  }
  return connection
}

const read = (offset: number, length: number, flags = 0): RequestHeader => ({
  command: 0,
  flags,
  cookieHigh: 0,
  cookieLow: 9,
  offset,
  length,
  offsetHigh: 0,
  offsetLow: offset,
  payloadLength: 0,
})

const REPLY = '668e33ef'
const describePart = (part: ReadPart) =>
  'message' in part ? `hole ${part.message.length}` : `data ${part.offset}+${part.length}`

const messageOf = (parts: ReadPart[] | undefined): Uint8Array => {
  const [part] = parts ?? []
  if (part === undefined || !('message' in part)) throw new Error('the first part is no message')
  return part.message
}
const headerOf = (parts: ReadPart[] | undefined): Uint8Array => {
  const [part] = parts ?? []
  if (part === undefined || !('header' in part)) throw new Error('the first part has no header')
  return part.header
}

const file = fakeFile()

describe('a short read of placed bytes', () => {
  it('is copied into one message', () => {
    const parts = placeRead(read(2 * K, 2 * K), connectionTo([file]), true)
    const bytes = new Uint8Array(2 * K).fill(2, 0, K).fill(3, K)
    expect(parts).toEqual([
      {
        message: bs.script(
          REPLY,
          bs.u16(1),
          bs.u16(1),
          bs.u64(9),
          bs.u32(8 + 2 * K),
          bs.u64(2 * K),
          bytes,
        ),
      },
    ])
  })

  it('has zeroes where nothing lies, though its buffer was used before', () => {
    const parts = placeRead(read(62 * K, 4 * K), connectionTo([file, 'zero']), true)
    const message = messageOf(parts)
    expect(message.subarray(28)).toEqual(
      new Uint8Array(4 * K)
        .fill(62, 0, K)
        .fill(63, K, 2 * K)
        .fill(0, 2 * K),
    )
  })

  it('is a hole when nothing lies in all of it, unless it is shorter than a hole is worth', () => {
    const whole = placeRead(read(0, 4 * K), connectionTo(['zero']), true)
    expect(whole).toEqual([
      {
        message: bs.script(
          REPLY,
          bs.u16(1),
          bs.u16(2),
          bs.u64(9),
          bs.u32(12),
          bs.u64(0),
          bs.u32(4 * K),
        ),
      },
    ])
    const short = placeRead(read(0, 512), connectionTo(['zero']), true)
    expect(messageOf(short)).toHaveLength(28 + 512)
  })

  it.each([
    ['wants one piece', read(0, 4 * K, DF), 'structured', 28],
    ['knows no chunks', read(0, 4 * K), 'simple', 16],
  ] as const)('carries its zeroes for a client that %s', (_, request, headers, before) => {
    const parts = placeRead(request, connectionTo(['zero'], headers), true)
    const message = messageOf(parts)
    expect(message).toHaveLength(before + 4 * K)
    expect(message.subarray(before).every((byte) => byte === 0)).toBe(true)
  })

  it('is left to the disk when part of it is not in memory, or nobody knows', () => {
    expect(placeRead(read(0, K), connectionTo([fakeFile({ cold: true })]), true)).toBeUndefined()
    expect(placeRead(read(63 * K, 2 * K), connectionTo([file, undefined]), true)).toBeUndefined()
    const plain = { ...connectionTo([file]), disk: new MemoryDisk(64 * K) }
    expect(placeRead(read(0, K), plain, true)).toBeUndefined()
    expect(placeRead(read(0, 0), connectionTo([file]), true)).toBeUndefined()
  })
})

describe('a long read of placed bytes', () => {
  it('is one piece of data as long as no hole is in it, wherever its bytes lie', () => {
    const parts = placeRead(read(0, 128 * K), connectionTo([file, fakeFile()]), true)
    expect(parts?.map(describePart)).toEqual([`data 0+${128 * K}`])
    expect(headerOf(parts)).toEqual(
      bs.script(REPLY, bs.u16(1), bs.u16(1), bs.u64(9), bs.u32(8 + 128 * K), bs.u64(0)),
    )
  })

  it('is cut around what is known to be zeroes, and only its last part is the last', () => {
    const cold = fakeFile({ cold: true, hole: 64 * K })
    const parts = placeRead(read(0, 256 * K), connectionTo([file, 'zero', cold, file]), true)
    expect(parts?.map(describePart)).toEqual([
      `data 0+${64 * K}`,
      'hole 32',
      `data ${192 * K}+${64 * K}`,
    ])
    const flags = parts?.map((part) => ('message' in part ? part.message : part.header)[5])
    expect(flags).toEqual([0, 0, 1])
  })

  it.each([
    ['wants one piece', DF, 'structured'],
    ['knows no chunks', 0, 'simple'],
  ] as const)('stays whole for a client that %s', (_, flags, headers) => {
    const parts = placeRead(read(0, 128 * K, flags), connectionTo([file, 'zero'], headers), true)
    expect(parts?.map(describePart)).toEqual([`data 0+${128 * K}`])
  })

  it('is left to the disk when some of it is neither in memory nor a hole', () => {
    const cold = fakeFile({ cold: true })
    expect(placeRead(read(0, 128 * K), connectionTo([file, cold]), true)).toBeUndefined()
  })

  it('is copied where the transport has no way around itself', () => {
    const parts = placeRead(read(0, 64 * K), connectionTo([file]), false)
    expect(messageOf(parts)).toHaveLength(28 + 64 * K)
  })
})

describe('the parts of an answer', () => {
  function send(map: Map64) {
    const sent: (PlacedBytes | (() => void))[] = []
    const transport = {
      write: (_: Uint8Array, onSent: () => void) => sent.push(onSent) > 0,
      sendPlaced: (bytes: PlacedBytes) => sent.push(bytes) > 0,
    } as Partial<Transport> as Transport
    const connection = connectionTo(map)
    const outcomes: PartsOutcome[] = []
    const parts = placeRead(read(0, map.length * 64 * K), connection, true) ?? []
    sendParts(parts, connection, transport, (outcome) => outcomes.push(outcome))
    return { sent, outcomes }
  }

  it('have left when the last of them has', () => {
    const { sent, outcomes } = send([file, 'zero'])
    const [data, hole] = sent as [PlacedBytes, () => void]
    hole()
    expect(outcomes).toEqual([])
    data.onSent()
    expect(outcomes).toEqual([{ isLost: false, error: undefined }])
  })

  it('are lost when one of them is, and the first reason counts', () => {
    const { sent, outcomes } = send([file, 'zero', file])
    const [first, hole, last] = sent as [PlacedBytes, () => void, PlacedBytes]
    first.onLost(new Error('no such sector'))
    hole()
    last.onLost()
    expect(outcomes).toEqual([{ isLost: true, error: new Error('no such sector') }])
  })

  it('are placed anew when their turn comes', () => {
    const map: (PlacedFile | 'zero')[] = [file, file]
    const { sent } = send(map)
    const [data] = sent as [PlacedBytes]
    expect(data.place(70 * K)).toMatchObject({ file, length: 58 * K })
    map[1] = 'zero'
    expect(data.place(70 * K)).toEqual({ file: undefined, length: 58 * K, offset: 0 })
  })
})
